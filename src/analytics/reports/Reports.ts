/**
 * Answers queries of a website's statistics. The interface only; see the files of this name below `postgres` and `clickhouse`.
 *
 * @module
 */
import { Context, type Effect, Schema } from "effect"
import type { ReportTimeout, ReportTooLarge, StorageUnavailable } from "../../platform/Storage.ts"
import type { Site } from "../../sites/Site.ts"
import type { Answer } from "./Answer.ts"
import type { Both } from "./Assembly.ts"
import type { Query } from "./Query.ts"

/** Why a query failed. */
export type ReportError = StorageUnavailable | ReportTimeout | ReportTooLarge

/** A property that events with a name have. */
export const EventProperty = Schema.Struct({
  event: Schema.String,
  property: Schema.String,
  events: Schema.Int.annotate({ description: "How many of the latest events with properties have it" })
})

export type EventProperty = typeof EventProperty.Type

/** What `properties` reads at most. */
export const latest = { events: 10_000, days: 91, properties: 200 } as const

/** How long after a page view or event its visitor and its visit count as current, in milliseconds. */
export const currentMillis = 5 * 60_000

/** What identifies the rows of a website. */
export type ReportSite = Pick<Site, "websiteConfigId" | "hostedWebsiteId">

/** Only the ids of a website: keys of maps are compared by all their members. */
export const idsOf = ({ hostedWebsiteId, websiteConfigId }: ReportSite): ReportSite => ({
  hostedWebsiteId,
  websiteConfigId
})

/** A query of one website. */
export interface SiteQuery {
  readonly site: ReportSite
  readonly query: Query
}

export class Reports extends Context.Service<
  Reports,
  {
    /** The answer that `analytics/reports/Evaluate` gives over all stored rows of the website. */
    readonly query: (site: ReportSite, query: Query) => Effect.Effect<Answer, ReportError>
    /**
     * The answers of `query` for many websites, in order. The queries may differ in their websites, time zones and date ranges
     * only. They take a few statements for each batch of websites.
     */
    readonly queryAll: (queries: ReadonlyArray<SiteQuery>) => Effect.Effect<ReadonlyArray<Answer>, ReportError>
    /** The counts of which `query` makes the answer. */
    readonly count: (site: ReportSite, query: Query) => Effect.Effect<Both, ReportError>
    /** The number of visitors of the last five minutes. */
    readonly currentVisitors: (site: ReportSite) => Effect.Effect<number, StorageUnavailable | ReportTimeout>
    /**
     * When the last page view or event of each website was received, in milliseconds since 1970, by `hostedWebsiteId`. Websites
     * without one are missing.
     */
    readonly lastReceived: (
      sites: ReadonlyArray<ReportSite>
    ) => Effect.Effect<ReadonlyMap<string, number>, StorageUnavailable | ReportTimeout>
    /**
     * The properties of the website's latest events of the last 91 days, at most 200, the most frequent first. At most
     * 10,000 events are read.
     */
    readonly properties: (
      site: ReportSite
    ) => Effect.Effect<ReadonlyArray<EventProperty>, StorageUnavailable | ReportTimeout>
    /** Recomputes the rollups of one website, or of all. Queries during this time return the same results. */
    readonly rebuild: (site?: ReportSite & Pick<Site, "timeZone">) => Effect.Effect<void, StorageUnavailable>
  }
>()("hydracore/analytics/reports/Reports") {}
