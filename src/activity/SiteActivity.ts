/**
 * Reads the recent activity of a website. The interface only; see `activity/postgres/SiteActivity` and
 * `activity/clickhouse/SiteActivity`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { Row } from "../analytics/AnalyticsExport.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Site } from "../sites/Site.ts"
import type { Activity } from "./Activity.ts"

/** Times are in milliseconds since 1970. */
export interface RowQuery {
  /** Inclusive. */
  readonly from: number
  /** Inclusive. */
  readonly to: number
  /** The session keys whose rows are selected (see `Visits.sessionKey`), or all. */
  readonly keys: "all" | ReadonlyArray<string>
  /** How many of the latest page views and how many of the latest events of the period are searched at least. */
  readonly searched: number
}

export class SiteActivity extends Context.Service<
  SiteActivity,
  {
    /**
     * The latest activities, at most `limit` of each type, latest first: counted page views, events, submissions (also
     * quarantined ones) and beginnings of conversations.
     */
    readonly latest: (
      site: Pick<Site, "websiteConfigId" | "hostedWebsiteId">,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Activity>, StorageUnavailable>
    /** The counted page views and events that a query selects, in any order. */
    readonly rows: (
      site: Pick<Site, "hostedWebsiteId">,
      query: RowQuery
    ) => Effect.Effect<ReadonlyArray<Row>, StorageUnavailable>
  }
>()("hydracore/activity/SiteActivity") {}
