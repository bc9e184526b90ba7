/**
 * Stores websites and finds them by their public ids. The interface only; see `sites/memory/SiteDirectory` and
 * `sites/postgres/SiteDirectory`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { TrackingToken, WebsiteConfigId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Site, SiteChange } from "./Site.ts"
import type { SiteQuery } from "./SiteQuery.ts"

export class SiteDirectory extends Context.Service<
  SiteDirectory,
  {
    /** The website with this tracking token, a canonical UUID. Its other ids do not match. */
    readonly byTrackingToken: (trackingToken: TrackingToken) => Effect.Effect<Option.Option<Site>, StorageUnavailable>
    /** The website with this id, a canonical UUID. Its other ids do not match. */
    readonly byWebsiteConfigId: (
      websiteConfigId: WebsiteConfigId
    ) => Effect.Effect<Option.Option<Site>, StorageUnavailable>
    /** Creates a website. The default time zone is UTC. Every process finds the website within a second. */
    readonly create: (site: {
      readonly name: string
      readonly origins: ReadonlyArray<string>
      readonly timeZone?: string | undefined
    }) => Effect.Effect<Site, StorageUnavailable>
    /**
     * Changes a website and returns it; none if there is no such website. Every process sees the change within ten seconds.
     */
    readonly update: (
      websiteConfigId: WebsiteConfigId,
      change: SiteChange
    ) => Effect.Effect<Option.Option<Site>, StorageUnavailable>
    /** Drops a website from the caches of this process: its next lookup shows whether it still exists. */
    readonly invalidate: (site: Pick<Site, "trackingToken" | "websiteConfigId">) => Effect.Effect<void>
    /** The websites that a query selects, oldest first. Unknown ids are left out. */
    readonly search: (query: SiteQuery) => Effect.Effect<ReadonlyArray<Site>, StorageUnavailable>
    /** Every website, oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<Site>, StorageUnavailable>
  }
>()("hydracore/sites/SiteDirectory") {}
