/**
 * Finds the website that a public id belongs to. The interface alone; see `memory/sites/SiteDirectory` and
 * `postgres/sites/SiteDirectory`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { Site, SiteChange } from "../../core/sites/Site.ts"
import type { StorageUnavailable } from "../Storage.ts"

export class SiteDirectory extends Context.Service<
  SiteDirectory,
  {
    /** The website with this public tracking token (a canonical uuid). A website_config id is never one. */
    readonly byTrackingToken: (trackingToken: string) => Effect.Effect<Option.Option<Site>, StorageUnavailable>
    /** The website with this website_config id (a canonical uuid). A tracking token is never one. */
    readonly byWebsiteConfigId: (websiteConfigId: string) => Effect.Effect<Option.Option<Site>, StorageUnavailable>
    /** Creates a website, published at once. It is found by every process within a second. */
    readonly create: (site: {
      readonly name: string
      readonly origins: ReadonlyArray<string>
    }) => Effect.Effect<Site, StorageUnavailable>
    /**
     * Changes a website (its website_config id), and gives it as it is then; none if there is no such website. Every
     * process sees it within ten seconds.
     */
    readonly update: (
      websiteConfigId: string,
      change: SiteChange
    ) => Effect.Effect<Option.Option<Site>, StorageUnavailable>
    /** Every website, oldest first. */
    readonly list: Effect.Effect<ReadonlyArray<Site>, StorageUnavailable>
  }
>()("hydracore/services/SiteDirectory") {}
