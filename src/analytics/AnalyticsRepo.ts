/**
 * Stores page views. `analytics/postgres/AnalyticsRepo` and the file of this name below `clickhouse` have the layers on databases.
 *
 * @module
 */

import { Context, Effect, Layer } from "effect"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import type { PageView } from "./PageView.ts"

export class AnalyticsRepo extends Context.Service<
  AnalyticsRepo,
  {
    /**
     * Succeeds after the page view is durable. A view with an `exclusion` is stored separately and not counted in reports.
     * A view of a website that does not exist is refused.
     */
    readonly append: (view: PageView) => Effect.Effect<void, StorageUnavailable | RecordRefused>
  }
>()("hydracore/analytics/AnalyticsRepo") {}

/** The latest page views in the memory of a process. */
export class PageViews extends Context.Service<
  PageViews,
  {
    /** In no particular order. */
    readonly all: () => ReadonlyArray<PageView>
  }
>()("hydracore/analytics/PageViews") {}

/** Stores page views in the memory of this process: the latest `capacity`, by default 100,000. */
export const layerMemory = (options?: { readonly capacity?: number }): Layer.Layer<AnalyticsRepo | PageViews> =>
  Layer.effectContext(
    Effect.sync(() => {
      const capacity = options?.capacity ?? 100_000
      const ring: Array<PageView> = []
      let next = 0
      const append = (view: PageView) =>
        Effect.sync(() => {
          ring[next] = view
          next = (next + 1) % capacity
        })
      return Context.make(AnalyticsRepo, { append }).pipe(Context.add(PageViews, { all: () => ring }))
    })
  )
