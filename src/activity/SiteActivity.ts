/**
 * Reads the recent activity of a website. The interface only; see `activity/postgres/SiteActivity` and
 * `activity/clickhouse/SiteActivity`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Site } from "../sites/Site.ts"
import type { Activity } from "./Activity.ts"

export class SiteActivity extends Context.Service<
  SiteActivity,
  {
    /**
     * The latest activities, at most `limit`, latest first: counted page views, events, submissions (also quarantined ones) and
     * beginnings of conversations.
     */
    readonly latest: (
      site: Pick<Site, "websiteConfigId" | "hostedWebsiteId">,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Activity>, StorageUnavailable>
  }
>()("hydracore/activity/SiteActivity") {}
