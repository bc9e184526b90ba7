import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as Evaluate from "../../../src/core/analytics/report/Evaluate.ts"
import * as AnalyticsRepo from "../../../src/memory/analytics/AnalyticsRepo.ts"
import * as PageViews from "../../../src/memory/analytics/PageViews.ts"
import * as SiteDirectory from "../../../src/memory/sites/SiteDirectory.ts"
import * as Service from "../../../src/services/analytics/AnalyticsRepo.ts"
import { Reports } from "../../../src/services/analytics/Reports.ts"
import { suite } from "../../suites/AnalyticsRepo.ts"
import { Shape, viewOf } from "../../suites/PageViews.ts"

/** The reports of the stored views. */
const reports = Layer.unwrap(
  Effect.map(PageViews.PageViews, ({ all }) =>
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
  "memory/analytics/AnalyticsRepo",
  Layer.mergeAll(AnalyticsRepo.layer, reports).pipe(
    Layer.provide(PageViews.layer()),
    Layer.merge(SiteDirectory.layer())
  )
)

it.effect.prop(
  "memory/analytics/PageViews: keeps the latest views, up to the capacity",
  {
    shapes: Schema.Array(Shape).check(Schema.isMaxLength(20)),
    capacity: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 12 }))
  },
  ({ capacity, shapes }) =>
    Effect.gen(function* () {
      const repo = yield* Service.AnalyticsRepo
      const views = shapes.map((shape) => viewOf("site", shape))
      yield* Effect.forEach(views, repo.append)
      assert.sameMembers([...(yield* PageViews.PageViews).all()], views.slice(-capacity))
    }).pipe(Effect.provide(AnalyticsRepo.layer.pipe(Layer.provideMerge(PageViews.layer({ capacity })))))
)
