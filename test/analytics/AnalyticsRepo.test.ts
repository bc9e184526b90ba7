import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { AnalyticsRepo, layerMemory } from "../../src/analytics/AnalyticsRepo.ts"
import type { PageView } from "../../src/analytics/PageView.ts"
import { Reports } from "../../src/analytics/reports/Reports.ts"
import * as SiteDirectory from "../../src/sites/SiteDirectory.ts"
import { suite } from "../suites/AnalyticsRepo.ts"
import { Shape, viewOf } from "../suites/PageViews.ts"
import * as Evaluation from "../support/Evaluation.ts"

const stored: Array<PageView> = []

/** The reports of the stored views. */
const reports = Layer.mock(Reports, {
  query: ({ hostedWebsiteId }, query) =>
    Effect.sync(() => {
      const views = stored.filter((view) => view.hostedWebsiteId === hostedWebsiteId && view.exclusion === null)
      return Evaluation.evaluate(query, { views, events: [], conversions: [], goals: [] })
    })
})

suite(
  "analytics/AnalyticsRepo, in memory",
  Layer.mergeAll(reports, layerMemory({ views: stored }), SiteDirectory.layerMemory())
)

it.effect.prop(
  "analytics/AnalyticsRepo: keeps the latest views in memory, up to the capacity",
  {
    shapes: Schema.Array(Shape).check(Schema.isMaxLength(20)),
    capacity: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 }))
  },
  ({ capacity, shapes }) =>
    Effect.gen(function* () {
      const kept: Array<PageView> = []
      const views = shapes.map((shape) => viewOf("site", shape))
      yield* AnalyticsRepo.use((repo) => Effect.forEach(views, repo.append)).pipe(
        Effect.provide(layerMemory({ capacity, views: kept }))
      )
      assert.sameMembers(kept, views.slice(-capacity))
    })
)
