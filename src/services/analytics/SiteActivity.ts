/**
 * Reads the recent activity of a website. The interface only; see `memory/analytics/SiteActivity` and
 * `postgres/analytics/SiteActivity`.
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
     * The latest counted page views and events, submissions, quarantined ones included, and conversations that began: at most
     * `limit`, latest first.
     */
    readonly latest: (
      site: Pick<Site, "websiteConfigId" | "hostedWebsiteId">,
      limit: number
    ) => Effect.Effect<ReadonlyArray<Activity>, StorageUnavailable>
  }
>()("hydracore/services/SiteActivity") {}
