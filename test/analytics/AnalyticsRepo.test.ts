import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { AnalyticsRepo, layerMemory, PageViews } from "../../src/analytics/AnalyticsRepo.ts"
import * as Evaluate from "../../src/analytics/reports/Evaluate.ts"
import { Reports } from "../../src/analytics/reports/Reports.ts"
import * as SiteDirectory from "../../src/sites/SiteDirectory.ts"
import { suite } from "../suites/AnalyticsRepo.ts"
import { Shape, viewOf } from "../suites/PageViews.ts"

/** The reports of the stored views. */
const reports = Layer.unwrap(
  Effect.map(PageViews, ({ all }) =>
    Layer.mock(Reports, {
      query: ({ hostedWebsiteId }, query) =>
        Effect.sync(() => {
          const isOf = (view: { readonly hostedWebsiteId: string }) => view.hostedWebsiteId === hostedWebsiteId
          const views = all().filter((view) => isOf(view) && view.exclusion === null)
          return Evaluate.evaluate(query, { views, events: [], conversions: [], goals: [] })
        })
    })
  )
)

suite(
  "analytics/AnalyticsRepo, in memory",
  reports.pipe(Layer.provideMerge(layerMemory()), Layer.merge(SiteDirectory.layerMemory()))
)

it.effect.prop(
  "analytics/AnalyticsRepo: keeps the latest views in memory, up to the capacity",
  {
    shapes: Schema.Array(Shape).check(Schema.isMaxLength(20)),
    capacity: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 }))
  },
  ({ capacity, shapes }) =>
    Effect.gen(function* () {
      const repo = yield* AnalyticsRepo
      const views = shapes.map((shape) => viewOf("site", shape))
      yield* Effect.forEach(views, repo.append)
      assert.sameMembers([...(yield* PageViews).all()], views.slice(-capacity))
    }).pipe(Effect.provide(layerMemory({ capacity })))
)
