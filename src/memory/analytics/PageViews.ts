/**
 * The page views in memory. The memory layer of `AnalyticsRepo` writes them, and other memory layers read them.
 *
 * @module
 */
import { Context, Layer } from "effect"
import type { PageView } from "../../core/analytics/PageView.ts"
import * as Recent from "./Recent.ts"

export class PageViews extends Context.Service<PageViews, Recent.Recent<PageView>>()("hydracore/memory/PageViews") {}

/** At most `capacity` views, by default 100,000. */
export const layer = (options?: { readonly capacity?: number }): Layer.Layer<PageViews> =>
  Layer.sync(PageViews, () => Recent.make<PageView>(options?.capacity ?? 100_000))
