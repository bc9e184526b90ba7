/**
 * Stores websites in the memory of this process. Unbounded, because visitors cannot create websites.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import { HostedWebsiteId, TrackingToken, WebsiteConfigId } from "../../platform/Id.ts"
import type { Site } from "../Site.ts"
import { SiteDirectory } from "../SiteDirectory.ts"
import { select } from "../SiteQuery.ts"

/** A directory that initially contains `sites`. */
export const layer = (options: { readonly sites?: ReadonlyArray<Site> } = {}): Layer.Layer<SiteDirectory> =>
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
