/**
 * Reads the recent activity of a website. The interface only; see `analytics/SiteActivity` in `memory`, `postgres` and
 * `clickhouse`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { Activity } from "../../core/analytics/SiteActivity.ts"
import type { Site } from "../../core/sites/Site.ts"
import type { StorageUnavailable } from "../Storage.ts"

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
>()("hydracore/services/SiteActivity") {}
