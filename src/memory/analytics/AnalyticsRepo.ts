/**
 * Stores page views in the memory of this process.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { AnalyticsRepo } from "../../services/analytics/AnalyticsRepo.ts"
import { RecordRefused } from "../../services/Storage.ts"
import { PageViews } from "./PageViews.ts"

export const layer: Layer.Layer<AnalyticsRepo, never, PageViews> = Layer.effect(
  AnalyticsRepo,
  Effect.gen(function* () {
    const views = yield* PageViews
    return {
      append: (view) =>
        Effect.suspend(() =>
          views.add(view) ? Effect.void : Effect.fail(new RecordRefused({ reason: "unknown-site" }))
        )
    }
  })
)
