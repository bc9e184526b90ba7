/**
 * The tests that every layer of `AnalyticsRepo` must pass. They count the stored views through `Reports`. Tests may share a
 * store, so each uses its own website.
 *
 * @module
 */
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Effect, type Layer, Schema } from "effect"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import type { Reports } from "../../src/analytics/reports/Reports.ts"
import type { SiteDirectory } from "../../src/sites/SiteDirectory.ts"
import { pageViews } from "../support/Counts.ts"
import { newSite, now, Shape, viewOf } from "./PageViews.ts"

export const suite = <E>(
  name: string,
  layer: Layer.Layer<AnalyticsRepo | Reports | SiteDirectory, E>,
  { runs = 40 }: { readonly runs?: number } = {}
) =>
  describe(name, () => {
    withLayer(layer, { excludeTestServices: true })((it) => {
      it.effect.prop(
        "every acknowledged view is counted once, and excluded views are not counted",
        { shapes: Schema.Array(Shape).check(Schema.isMaxLength(30)) },
        ({ shapes }) =>
          Effect.gen(function* () {
            const repo = yield* AnalyticsRepo
            const hostedWebsiteId = yield* newSite
            yield* Effect.forEach(shapes, (shape) => repo.append(viewOf(hostedWebsiteId, shape)), {
              concurrency: "unbounded"
            })
            const counted = yield* pageViews(hostedWebsiteId, { days: 10, now })
            assert.strictEqual(counted, shapes.filter((shape) => shape.exclusion === null).length)
          }),
        { arbitrary: { runs } }
      )
    })
  })
