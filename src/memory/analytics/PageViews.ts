/**
 * The page views that this process holds: what the memory `AnalyticsRepo` writes and the memory `Reports` reads.
 *
 * @module
 */
import { Context, Layer } from "effect"
import type { PageView } from "../../core/analytics/PageView.ts"

export class PageViews extends Context.Service<
  PageViews,
  {
    /** Keeps a view. When as many as the capacity are kept, the oldest is forgotten. False if its website was erased. */
    readonly add: (view: PageView) => boolean
    /** Erases what is kept of a hosted website, and gives it. */
    readonly erase: (hostedWebsiteId: string) => ReadonlyArray<PageView>
    /** What is kept, in no order. */
    readonly all: () => ReadonlyArray<PageView>
  }
>()("hydracore/memory/PageViews") {}

/** At most `capacity` views, 100,000 unless told. */
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
