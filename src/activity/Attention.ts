/**
 * Which websites need somebody. The interface only; see `activity/postgres/Attention`.
 *
 * @module
 */
import { Context, type Effect, Option } from "effect"
import { isCanonicalUuid, type WebsiteConfigId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import * as Cursor from "../platform/text/Cursor.ts"
import type { Access } from "../sites/access/Access.ts"
import type { Site } from "../sites/Site.ts"

/** The maximum of each count. */
export const maxCount = 1_000

/** A place in the list: websites that need somebody come first, and of each kind the oldest website. */
export interface Place extends Cursor.Position {
  readonly needsAttention: boolean
}

export const formatPlace = ({ needsAttention, ...position }: Place): string =>
  `${needsAttention ? 0 : 1}.${Cursor.format(position)}`

export const parsePlace = (text: string): Option.Option<Place> => {
  const [, rank, rest = ""] = /^([01])\.(.+)$/.exec(text) ?? []
  return Option.map(Cursor.parse(rest, isCanonicalUuid), (position) => ({ ...position, needsAttention: rank === "0" }))
}

/** Orders the places of a list. */
export const order = (left: Place, right: Place): number =>
  Number(right.needsAttention) - Number(left.needsAttention) || Cursor.latestFirst(right, left)

export interface SiteAttention {
  readonly site: Site
  readonly needsAttention: boolean
  /** Accepted submissions that are not marked as read, at most `maxCount`; 0 for a website whose inbox must not be read. */
  readonly unread: number
  /** Conversations that wait for a person, as `Transcripts.countWaiting` counts them; 0 if the inbox must not be read. */
  readonly waiting: number
}

export const placeOf = ({ needsAttention, site }: SiteAttention): Place => ({
  needsAttention,
  time: site.createdAt,
  id: site.websiteConfigId
})

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
      /** The websites with problems. */
      readonly troubled: ReadonlyArray<WebsiteConfigId>
      /** Only websites whose name or an origin contains this text, in any case; null for all. */
      readonly search: string | null
      readonly after: Place | null
      readonly limit: number
    }) => Effect.Effect<ReadonlyArray<SiteAttention>, StorageUnavailable>
    /** The counts of all these websites together, each at most `maxCount`. */
    readonly counts: (sites: Access["sites"]) => Effect.Effect<Counts, StorageUnavailable>
  }
>()("hydracore/activity/Attention") {}
