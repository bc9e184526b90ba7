/**
 * All websites of a directory in memory are writable.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { SiteDirectory, WritableSites } from "../../../src/sites/SiteDirectory.ts"

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
