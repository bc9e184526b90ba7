/**
 * The page views that this process holds: what the memory `AnalyticsRepo` writes and the memory `Reports` reads.
 *
 * @module
 */
import { Context, Layer } from "effect"
import type { PageView } from "../core/PageView.ts"

export class PageViews extends Context.Service<
  PageViews,
  {
    /** Keeps a view. When as many as the capacity are kept, the oldest is forgotten. */
    readonly add: (view: PageView) => void
    /** What is kept, in no order. */
    readonly all: () => ReadonlyArray<PageView>
  }
>()("hydracore/memory/PageViews") {}

/** At most `capacity` views, 100,000 unless told. */
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
