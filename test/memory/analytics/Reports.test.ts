import { assert, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as AnalyticsRepo from "../../../src/memory/analytics/AnalyticsRepo.ts"
import * as AnalyticsRows from "../../../src/memory/analytics/AnalyticsRows.ts"
import * as Conversions from "../../../src/memory/analytics/Conversions.ts"
import * as EventRepo from "../../../src/memory/analytics/EventRepo.ts"
import * as Events from "../../../src/memory/analytics/Events.ts"
import * as GoalRows from "../../../src/memory/analytics/GoalRows.ts"
import * as PageViews from "../../../src/memory/analytics/PageViews.ts"
import * as Reports from "../../../src/memory/analytics/Reports.ts"
import * as SiteDirectory from "../../../src/memory/sites/SiteDirectory.ts"
import * as Service from "../../../src/services/analytics/AnalyticsRepo.ts"
import { Shape, viewOf } from "../../suites/PageViews.ts"
import { suite } from "../../suites/Reports.ts"

const both = Layer.merge(AnalyticsRepo.layer, Reports.layer)

suite(
  "memory/analytics/Reports",
  Layer.mergeAll(both, EventRepo.layer, SiteDirectory.layer()).pipe(Layer.provide(AnalyticsRows.layer))
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
    }).pipe(
      Effect.provide(
        both.pipe(
          Layer.provideMerge(
            Layer.mergeAll(PageViews.layer({ capacity }), Events.layer(), Conversions.layer(), GoalRows.layer)
          )
        )
      )
    )
)
