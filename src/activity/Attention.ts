/**
 * Which websites need somebody. The interface only; see `activity/postgres/Attention`.
 *
 * @module
 */
import { Context, type Effect, Option } from "effect"
import type { Kind, Problem } from "../health/Problem.ts"
import { isCanonicalUuid, type WebsiteConfigId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Cursor from "../platform/text/Cursor.ts"
import type { Access } from "../sites/access/Access.ts"
import type { Site } from "../sites/Site.ts"

/** The maximum of each count. */
export const maxCount = 1_000

/** What a website needs, in the order of the list. */
export const needs = [
  /** Something is broken, so visitors, their messages or their numbers may be lost. */
  "repair",
  /** A conversation waits for a person. */
  "answer",
  /** A submission is not read. */
  "reading",
  /**
   * Something is reported that may be no fault: a tag has been silent for so long that the website is probably not in use, or
   * requests were refused that anyone can send.
   */
  "check",
  "nothing"
] as const

export type Need = (typeof needs)[number]

/** After this time, a silent tag is no reason to come first: nobody misses its page views. */
const dormantAfter = 30 * Calendar.dayMillis

/** Anyone can cause these problems with a few requests, and must not decide which website comes first. */
const byAnyone: ReadonlySet<Kind> = new Set(["origin_refused", "limit_reached"])

/** What a website needs, and since when, in milliseconds since 1970. */
export interface Needed {
  readonly need: Need
  readonly since: number
}

/** A place in the list: websites with the most urgent need come first, and of each need those that have had it for the longest time. */
export interface Place extends Needed {
  readonly id: string
}

export const formatPlace = ({ id, need, since }: Place): string =>
  `${needs.indexOf(need)}.${Cursor.format({ time: since, id })}`

export const parsePlace = (text: string): Option.Option<Place> => {
  const [, rank = "", rest = ""] = /^([0-9])\.(.+)$/.exec(text) ?? []
  const need = needs[Number(rank)]
  return need === undefined
    ? Option.none()
    : Option.map(Cursor.parse(rest, isCanonicalUuid), ({ id, time }) => ({ need, since: time, id }))
}

/** Orders needs: the more urgent one first, then the older one. */
export const byUrgency = (left: Needed, right: Needed): number =>
  needs.indexOf(left.need) - needs.indexOf(right.need) || left.since - right.since

/** Orders the places of a list. */
export const order = (left: Place, right: Place): number =>
  byUrgency(left, right) || (left.id < right.id ? -1 : left.id > right.id ? 1 : 0)

/** The most urgent need of a website that its problems are at `now`, in milliseconds since 1970; null without a problem. */
export const needOf = (problems: ReadonlyArray<Pick<Problem, "kind" | "since">>, now: number): Needed | null => {
  const [first = null] = problems
    .map(({ kind, since }): Needed => {
      const at = Date.parse(since)
      const isDormant = kind === "tag_silent" && now - at >= dormantAfter
      return { need: isDormant || byAnyone.has(kind) ? "check" : "repair", since: at }
    })
    .sort(byUrgency)
  return first
}

export interface SiteAttention {
  readonly site: Site
  /** The most urgent one of its problems, its conversations that wait and its unread submissions; `nothing` since its creation. */
  readonly needed: Needed
  /** Accepted submissions that are not marked as read, at most `maxCount`; 0 for a website whose inbox must not be read. */
  readonly unread: number
  /** Conversations that wait for a person, as `Transcripts.countWaiting` counts them; 0 if the inbox must not be read. */
  readonly waiting: number
}

export const placeOf = ({ needed, site }: SiteAttention): Place => ({ ...needed, id: site.websiteConfigId })

/** See `SiteAttention`. */
export interface Counts {
  readonly unread: number
  readonly waiting: number
}

export class Attention extends Context.Service<
  Attention,
  {
    /** Websites in the order of `order`. The number of their submissions does not matter for the time that it takes. */
    readonly list: (query: {
      readonly sites: Access["sites"]
      /** The websites whose inboxes may be read. */
      readonly inboxes: Access["sites"]
      /** What the websites with problems need; see `needOf`. */
      readonly troubled: ReadonlyMap<WebsiteConfigId, Needed>
      /** Only websites whose name or an origin contains this text, in any case; null for all. */
      readonly search: string | null
      readonly after: Place | null
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<SiteAttention>, StorageUnavailable>
    /** The counts of all these websites together, each at most `maxCount`. */
    readonly counts: (sites: Access["sites"]) => Effect.Effect<Counts, StorageUnavailable>
  }
>()("hydracore/activity/Attention") {}
