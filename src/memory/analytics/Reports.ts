/**
 * Counts the page views in the memory of this process.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import * as Statistics from "../../core/analytics/Statistics.ts"
import { Reports } from "../../services/analytics/Reports.ts"
import { PageViews } from "./PageViews.ts"

export const layer: Layer.Layer<Reports, never, PageViews> = Layer.effect(
  Reports,
  Effect.gen(function* () {
    const views = yield* PageViews
    return { statistics: (query) => Effect.sync(() => Statistics.aggregate(views.all(), query)) }
  })
)
