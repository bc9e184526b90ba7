/**
 * The page views in memory: the memory `AnalyticsRepo` writes them and the memory `Reports` reads them.
 *
 * @module
 */
import { Context, Layer } from "effect"
import type { PageView } from "../../core/analytics/PageView.ts"

export class PageViews extends Context.Service<
  PageViews,
  {
    /** Adds a view, and drops the oldest beyond the capacity. False if its website was erased. */
    readonly add: (view: PageView) => boolean
    /** Removes the views of a hosted website and returns them. Later views of it are not added. */
    readonly erase: (hostedWebsiteId: string) => ReadonlyArray<PageView>
    /** In no particular order. */
    readonly all: () => ReadonlyArray<PageView>
  }
>()("hydracore/memory/PageViews") {}

/** At most `capacity` views, by default 100,000. */
export const layer = (options?: { readonly capacity?: number }): Layer.Layer<PageViews> =>
  Layer.sync(PageViews, () => {
    const capacity = options?.capacity ?? 100_000
    let ring: Array<PageView> = []
    let next = 0
    const erased = new Set<string>()
    return {
      add: (view) => {
        if (erased.has(view.hostedWebsiteId)) return false
        ring[next] = view
        next = (next + 1) % capacity
        return true
      },
      erase: (hostedWebsiteId) => {
        erased.add(hostedWebsiteId)
        const isOf = (view: PageView) => view.hostedWebsiteId === hostedWebsiteId
        const all = ring.length < capacity ? ring : [...ring.slice(next), ...ring.slice(0, next)]
        ring = all.filter((view) => !isOf(view))
        next = ring.length % capacity
        return all.filter(isOf)
      },
      all: () => ring
    }
  })
