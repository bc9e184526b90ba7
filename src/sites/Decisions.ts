/**
 * Counts rejections by reason: the page views, submissions and chat messages that were not counted or not accepted. The interface, see
 * `sites/postgres/Decisions`, and how decisions are counted between two flushes to the store.
 *
 * The number of entries is bounded; decisions that do not fit are dropped. Clients choose the ids that they claim, so claims may take
 * only half of the entries. They also choose the origins that are refused, so of these only some are kept apart. The time is an argument.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import {
  type Counts,
  maxDistinctRefused,
  nothingRefused,
  type Refused,
  type Subject,
  type TallyReason
} from "../platform/http/Decision.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import { dateOf } from "../platform/text/Calendar.ts"
import type { Site } from "./Site.ts"

export class Decisions extends Context.Service<
  Decisions,
  {
    /**
     * Counts a rejection at the current time. It never fails and never waits for the store, which receives the counts shortly
     * after: if a process is killed, the counts that it has not sent are lost. The counts of a `Claimed` subject are dropped if
     * its id belongs to no website. What was refused is kept for the problems of the website (`health`), up to
     * `maxDistinctRefused`.
     */
    readonly record: (subject: Subject, reason: TallyReason, refused?: Refused) => Effect.Effect<void>
    /**
     * The rejections of a website, except those of chat messages, between two UTC dates, both inclusive, as far as the store
     * has received them.
     */
    readonly counts: (query: {
      readonly site: Pick<Site, "websiteConfigId" | "trackingToken">
      /** The first and the last date, `YYYY-MM-DD`. */
      readonly first: string
      readonly last: string
    }) => Effect.Effect<Counts, StorageUnavailable>
  }
>()("hydracore/sites/Decisions") {}

/** The decisions of one day, subject, reason and refused thing. */
export interface DecisionCount {
  readonly subject: Subject
  readonly reason: TallyReason
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string
  readonly refused: Refused
  readonly times: number
  /** The time of the first and of the last decision, in milliseconds since 1970. */
  readonly firstAt: number
  readonly lastAt: number
}

export interface Tally {
  /** Counts a decision at `now` (milliseconds since 1970). False if it did not fit. */
  readonly add: (subject: Subject, reason: TallyReason, now: number, refused?: Refused) => boolean
  /** Returns all entries and clears the tally. */
  readonly take: () => ReadonlyArray<DecisionCount>
  readonly entries: () => ReadonlyArray<DecisionCount>
  readonly isEmpty: () => boolean
}

const keyOf = (subject: Subject, reason: TallyReason, day: string): string =>
  subject._tag === "Known"
    ? `${day} ${reason} ${subject.websiteConfigId}`
    : `${day} ${reason} ${subject.by} ${subject.id}`

const nameOf = ({ field, subject }: Refused): string => JSON.stringify([subject, field])

interface Counted {
  readonly entry: Omit<DecisionCount, "times" | "lastAt">
  times: number
  lastAt: number
}

/** A tally of at most `capacity` entries. */
export const makeTally = (capacity: number): Tally => {
  /** The entries by `keyOf`, and of each key by what was refused. */
  let counted = new Map<string, Map<string, Counted>>()
  let size = 0
  let claims = 0
  const entries = () =>
    Array.from(counted.values(), (ofKey) =>
      Array.from(ofKey.values(), ({ entry, lastAt, times }): DecisionCount => ({ ...entry, lastAt, times }))
    ).flat()
  return {
    add: (subject, reason, now, given = nothingRefused) => {
      const day = dateOf(now)
      const key = keyOf(subject, reason, day)
      const ofKey = counted.get(key) ?? new Map<string, Counted>()
      const refused = ofKey.has(nameOf(given)) || ofKey.size < maxDistinctRefused ? given : nothingRefused
      const name = nameOf(refused)
      const known = ofKey.get(name)
      if (known !== undefined) {
        known.times++
        known.lastAt = now
        return true
      }
      const isClaim = subject._tag === "Claimed"
      if (size >= capacity || (isClaim && claims >= capacity / 2)) return false
      if (isClaim) claims++
      size++
      counted.set(
        key,
        ofKey.set(name, { entry: { subject, reason, day, refused, firstAt: now }, times: 1, lastAt: now })
      )
      return true
    },
    take: () => {
      const taken = entries()
      counted = new Map()
      size = 0
      claims = 0
      return taken
    },
    entries,
    isEmpty: () => size === 0
  }
}
