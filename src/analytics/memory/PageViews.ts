/**
 * The latest page views, in the memory of this process. The memory layer of `AnalyticsRepo` adds them.
 *
 * @module
 */
import { Context, Layer } from "effect"
import type { PageView } from "../PageView.ts"

export class PageViews extends Context.Service<
  PageViews,
  {
    /** Adds a view, and drops the oldest beyond the capacity. */
    readonly add: (view: PageView) => void
    /** In no particular order. */
    readonly all: () => ReadonlyArray<PageView>
  }
>()("hydracore/analytics/memory/PageViews") {}

/** At most `capacity` views, by default 100,000. */
export const layer = (options?: { readonly capacity?: number }): Layer.Layer<PageViews> =>
  Layer.sync(PageViews, () => {
    const capacity = options?.capacity ?? 100_000
    const ring: Array<PageView> = []
    let next = 0
    return {
      add: (view) => {
        ring[next] = view
        next = (next + 1) % capacity
      },
      all: () => ring
    }
  })
