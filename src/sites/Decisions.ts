/**
 * Counts rejections by reason: the page views, submissions and chat messages that were not counted or not accepted. The interface, see
 * `sites/postgres/Decisions`, how decisions are counted between two flushes to the store, and how endpoints record them and name them
 * in a header of the response.
 *
 * The number of entries is bounded; decisions that do not fit are dropped. Clients choose the ids that they claim, so claims may take
 * only half of the entries. They also choose the origins that are refused, so of these only some are kept apart. The time is an argument.
 *
 * @module
 */
import { Context, Effect, Predicate, Result } from "effect"
import { HttpServerResponse } from "effect/http"
import * as Decision from "../platform/http/Decision.ts"
import { parseUuid } from "../platform/Id.ts"
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
    readonly record: (
      subject: Decision.Subject,
      reason: Decision.TallyReason,
      refused?: Decision.Refused
    ) => Effect.Effect<void>
    /**
     * The rejections of a website, except those of chat messages, between two UTC dates, both inclusive, as far as the store
     * has received them.
     */
    readonly counts: (query: {
      readonly site: Pick<Site, "websiteConfigId" | "trackingToken">
      /** The first and the last date, `YYYY-MM-DD`. */
      readonly first: string
      readonly last: string
    }) => Effect.Effect<Decision.Counts, StorageUnavailable>
  }
>()("hydracore/sites/Decisions") {}

/** The decisions of one day, subject, reason and refused thing. */
export interface DecisionCount {
  readonly subject: Decision.Subject
  readonly reason: Decision.TallyReason
  /** `YYYY-MM-DD`, UTC. */
  readonly day: string
  readonly refused: Decision.Refused
  readonly times: number
  /** The time of the first and of the last decision, in milliseconds since 1970. */
  readonly firstAt: number
  readonly lastAt: number
}

export interface Tally {
  /** Counts a decision at `now` (milliseconds since 1970). False if it did not fit. */
  readonly add: (
    subject: Decision.Subject,
    reason: Decision.TallyReason,
    now: number,
    refused?: Decision.Refused
  ) => boolean
  /** Returns all entries and clears the tally. */
  readonly take: () => ReadonlyArray<DecisionCount>
  readonly entries: () => ReadonlyArray<DecisionCount>
  readonly isEmpty: () => boolean
}

const keyOf = (subject: Decision.Subject, reason: Decision.TallyReason, day: string): string =>
  subject._tag === "Known"
    ? `${day} ${reason} ${subject.websiteConfigId}`
    : `${day} ${reason} ${subject.by} ${subject.id}`

const nameOf = ({ field, subject }: Decision.Refused): string => JSON.stringify([subject, field])

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
    add: (subject, reason, now, given = Decision.nothingRefused) => {
      const day = dateOf(now)
      const key = keyOf(subject, reason, day)
      const ofKey = counted.get(key) ?? new Map<string, Counted>()
      const refused =
        ofKey.has(nameOf(given)) || ofKey.size < Decision.maxDistinctRefused ? given : Decision.nothingRefused
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

type Response = HttpServerResponse.HttpServerResponse

/** Sets the decision header. */
export const withDecision = (response: Response, decision: Decision.Decision): Response =>
  HttpServerResponse.setHeader(response, Decision.header, decision)

/** Sets the decision header by the status of the response, unless the response already has the header. */
export const byStatus = (response: Response): Response =>
  response.headers[Decision.header] === undefined ? withDecision(response, reasonOf(response)) : response

const reasonOf = ({ status }: Response): Decision.Reason =>
  status === 503 ? "unavailable" : status === 429 ? "limited" : "invalid"

/** The unverified site id in a body; `null` if the body has no valid one. */
export const claimOf = (
  body: unknown,
  by: (Decision.Subject & { readonly _tag: "Claimed" })["by"]
): Decision.Subject | null => {
  const siteId = Predicate.isObject(body) ? body["site_id"] : undefined
  const id = typeof siteId === "string" && siteId.length <= 45 ? parseUuid(siteId) : undefined
  return id !== undefined && Result.isSuccess(id) ? { _tag: "Claimed", by, id: id.success } : null
}

/** Makes the function that sets the decision header of an uncounted request and, unless `subject` is null, records the reason. */
export const recorder =
  (decisions: Decisions["Service"]) =>
  (reason: Decision.Reason, subject: Decision.Subject | null, refused?: Decision.Refused) =>
  (response: Response): Effect.Effect<Response> => {
    const decided = withDecision(response, reason)
    return subject === null ? Effect.succeed(decided) : Effect.as(decisions.record(subject, reason, refused), decided)
  }

type By = Parameters<typeof claimOf>[1]

const claimInText = (text: string, by: By): Decision.Subject | null => {
  try {
    return claimOf(JSON.parse(text), by)
  } catch {
    return null
  }
}

/**
 * Decides the responses of an endpoint that have no decision yet by their status, and records them for the website that the body
 * of the request names. `body` is the service that holds the body.
 */
export const decided =
  <Self, Body extends { readonly text: string }>(
    recordUncounted: ReturnType<typeof recorder>,
    by: By,
    body: Context.Key<Self, Body>
  ) =>
  <E, R>(httpEffect: Effect.Effect<Response, E, R>) =>
    Effect.flatMap(httpEffect, (response) =>
      response.headers[Decision.header] !== undefined
        ? Effect.succeed(response)
        : Effect.flatMap(body, ({ text }) => recordUncounted(reasonOf(response), claimInText(text, by))(response))
    )
