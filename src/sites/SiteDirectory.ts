/**
 * Stores websites and finds them by their public ids: the service, and its layer in memory. `sites/postgres/SiteDirectory` has the one
 * on PostgreSQL, and those of the services that find the website of a record, and the websites for which data may be stored.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Context, Effect, Layer, Option } from "effect"
import { HostedWebsiteId, TrackingToken, WebsiteConfigId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import * as Cursor from "../platform/text/Cursor.ts"
import type { Access } from "./access/Access.ts"
import type { Site, SiteChange } from "./Site.ts"

/** The list is ordered by time of creation and id, oldest first. */
export interface SiteQuery {
  readonly sites: Access["sites"]
  /** Only websites whose name or an origin contains this text, in any case; null for all. */
  readonly search: string | null
  /** Only those after this position; null from the first. */
  readonly after: Cursor.Position | null
  readonly limit: number
}

export const positionOf = (site: Site): Cursor.Position => ({ time: site.createdAt, id: site.websiteConfigId })

/** The part of `all` that a query selects. */
const select = (all: ReadonlyArray<Site>, { after, limit, search, sites }: SiteQuery): ReadonlyArray<Site> =>
  all
    .filter(
      (site) =>
        (sites === "all" || sites.includes(site.websiteConfigId)) &&
        (search === null ||
          [site.name, ...site.origins].some((text) => text.toLowerCase().includes(search.toLowerCase()))) &&
        (after === null || Cursor.latestFirst(after, positionOf(site)) > 0)
    )
    .sort((left, right) => Cursor.latestFirst(positionOf(right), positionOf(left)))
    .slice(0, limit)

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

/**
 * A directory in the memory of this process, which initially contains `sites`. Unbounded, because visitors cannot create websites.
 */
export const layerMemory = (options: { readonly sites?: ReadonlyArray<Site> } = {}): Layer.Layer<SiteDirectory> =>
  Layer.sync(SiteDirectory, () => {
    const byTrackingToken = new Map<string, Site>()
    const byWebsiteConfigId = new Map<string, Site>()
    const add = (site: Site) => {
      byTrackingToken.set(site.trackingToken, site)
      byWebsiteConfigId.set(site.websiteConfigId, site)
    }
    options.sites?.forEach(add)
    return SiteDirectory.of({
      byTrackingToken: (id) => Effect.sync(() => Option.fromUndefinedOr(byTrackingToken.get(id))),
      byWebsiteConfigId: (id) => Effect.sync(() => Option.fromUndefinedOr(byWebsiteConfigId.get(id))),
      create: ({ name, origins, timeZone = "UTC" }) =>
        Effect.map(Clock.currentTimeMillis, (createdAt) => {
          const site: Site = {
            websiteConfigId: WebsiteConfigId.make(randomUUID()),
            hostedWebsiteId: HostedWebsiteId.make(randomUUID()),
            trackingToken: TrackingToken.make(randomUUID()),
            name,
            origins: [...origins],
            timeZone,
            createdAt
          }
          add(site)
          return site
        }),
      update: (id, change) =>
        Effect.sync(() => {
          const site = byWebsiteConfigId.get(id)
          if (site === undefined) return Option.none()
          const changed: Site = { ...site, ...change }
          add(changed)
          return Option.some(changed)
        }),
      invalidate: () => Effect.void,
      search: (query) => Effect.sync(() => select([...byWebsiteConfigId.values()], query)),
      list: Effect.sync(() => [...byWebsiteConfigId.values()].sort((left, right) => left.createdAt - right.createdAt))
    })
  })

/** What belongs to a website, and has an id of its own. */
export type RecordKind = "goal" | "share" | "submission" | "webhook" | "notification"

/**
 * Finds the website of a record by the record's id alone. Only for the operator, whose commands may name a record without its
 * website: a handler of the owner API cannot use it (`server/OwnerRoutes`).
 */
export class RecordSites extends Context.Service<
  RecordSites,
  {
    /** The website of a record; none if no record of this kind has the id, a canonical UUID. */
    readonly siteOf: (kind: RecordKind, id: string) => Effect.Effect<Option.Option<WebsiteConfigId>, StorageUnavailable>
    /** The websites of this name whose deletion began and is not complete. Nothing else finds them by their name. */
    readonly deleting: (name: string) => Effect.Effect<ReadonlyArray<WebsiteConfigId>, StorageUnavailable>
  }
>()("hydracore/sites/RecordSites") {}

/** The websites for which data may be stored, for a store that does not hold the websites. */
export class WritableSites extends Context.Service<
  WritableSites,
  {
    /**
     * Runs `write` with those of the websites that exist and are not being deleted. A deletion that begins meanwhile
     * deletes the website's data after `write` has ended. If the result is `StorageUnavailable`, `write` may have succeeded.
     */
    readonly during: <A, E, R>(
      hostedWebsiteIds: ReadonlySet<string>,
      write: (writable: ReadonlySet<string>) => Effect.Effect<A, E, R>
    ) => Effect.Effect<A, E | StorageUnavailable, R>
  }
>()("hydracore/sites/WritableSites") {}
