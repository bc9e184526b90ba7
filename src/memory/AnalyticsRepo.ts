/**
 * Keeps page views in this process; they are gone when it ends.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { AnalyticsRepo } from "../services/AnalyticsRepo.ts"
import { PageViews } from "./PageViews.ts"

export const layer: Layer.Layer<AnalyticsRepo, never, PageViews> = Layer.effect(
  AnalyticsRepo,
  Effect.gen(function* () {
    const views = yield* PageViews
    return { append: (view) => Effect.sync(() => views.add(view)) }
  })
)
