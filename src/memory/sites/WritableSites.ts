/**
 * All websites in the memory of this process are writable, because a deleted one is removed at once.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { SiteDirectory } from "../../services/sites/SiteDirectory.ts"
import { WritableSites } from "../../services/sites/WritableSites.ts"

export const layer: Layer.Layer<WritableSites, never, SiteDirectory> = Layer.effect(
  WritableSites,
  Effect.map(SiteDirectory, ({ list }) =>
    WritableSites.of({
      during: (ids, write) =>
        Effect.flatMap(list, (sites) =>
          write(new Set(sites.map(({ hostedWebsiteId }) => hostedWebsiteId).filter((id) => ids.has(id))))
        )
    })
  )
)
