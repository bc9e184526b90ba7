/**
 * Stores page views in the memory of this process.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { AnalyticsRepo } from "../AnalyticsRepo.ts"
import { PageViews } from "./PageViews.ts"

export const layer: Layer.Layer<AnalyticsRepo, never, PageViews> = Layer.effect(
  AnalyticsRepo,
  Effect.map(PageViews, ({ add }) => AnalyticsRepo.of({ append: (view) => Effect.sync(() => add(view)) }))
)
