/**
 * The suite of every `Reports`: they count as `core/analytics/Statistics.aggregate` does.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { assert, describe, layer as withLayer } from "@effect/vitest"
import { Effect, type Layer, Schema } from "effect"
import * as Statistics from "../../src/core/analytics/Statistics.ts"
import { AnalyticsRepo } from "../../src/services/analytics/AnalyticsRepo.ts"
import { Reports } from "../../src/services/analytics/Reports.ts"
import type { SiteDirectory } from "../../src/services/sites/SiteDirectory.ts"
import { newSite, now, Shape, viewOf } from "./PageViews.ts"

export const suite = <E>(name: string, layer: Layer.Layer<AnalyticsRepo | Reports | SiteDirectory, E>) =>
  describe(name, () => {
    withLayer(layer, { excludeTestServices: true })((it) => {
      it.effect.prop(
        "a report counts the stored views of one site and its days",
        { shapes: Schema.Array(Shape).check(Schema.isMaxLength(30)), days: Schema.Literals([1, 2, 4, 30]) },
        ({ days, shapes }) =>
          Effect.gen(function* () {
            const repo = yield* AnalyticsRepo
            const reports = yield* Reports
            const [site, other] = [yield* newSite, yield* newSite]
            const views = shapes.map((shape, index) => viewOf(index % 5 === 4 ? other : site, shape))
            yield* Effect.forEach(views, repo.append, { concurrency: "unbounded" })
            for (const hostedWebsiteId of [site, other]) {
              const query = { hostedWebsiteId, days, now }
              assert.deepStrictEqual(yield* reports.statistics(query), Statistics.aggregate(views, query))
            }
          }),
        { arbitrary: { runs: 40 } }
      )

      it.effect("lists hold the ten most visited entries, ties by the code points of their names", () =>
        Effect.gen(function* () {
          const repo = yield* AnalyticsRepo
          const reports = yield* Reports
          const hostedWebsiteId = yield* newSite
          const paths = [
            "/z",
            "/z",
            "/é",
            "/a",
            "/B",
            "/\u{1F600}",
            "/\uFFFD",
            ..."123456".split("").map((n) => `/${n}`)
          ]
          const shape = Shape.make({
            age: 0,
            path: "/",
            campaign: { source: null, medium: null, name: null, term: null, content: null },
            referrerHost: null,
            referrerPath: null,
            deviceType: null,
            screenWidth: null,
            sessionId: null,
            browser: null,
            os: null,
            visitor: 0,
            country: null,
            exclusion: null
          })
          yield* Effect.forEach(paths, (path) => repo.append(viewOf(hostedWebsiteId, { ...shape, path })))
          const { pages, ...others } = yield* reports.statistics({ hostedWebsiteId, days: 1, now })
          assert.deepStrictEqual(
            pages.map(({ name }) => name),
            ["/z", "/1", "/2", "/3", "/4", "/5", "/6", "/B", "/a", "/é"]
          )
          assert.deepStrictEqual(
            Statistics.makeLists((list) => (list === "pages" ? [] : others[list])),
            Statistics.makeLists(() => [])
          )
        })
      )

      it.effect("a site without visits has zeros for each day", () =>
        Effect.gen(function* () {
          const reports = yield* Reports
          const statistics = yield* reports.statistics({ hostedWebsiteId: randomUUID(), days: 3, now })
          assert.deepStrictEqual(statistics, {
            pageViews: 0,
            visitors: 0,
            sessions: 0,
            days: ["2028-02-28", "2028-02-29", "2028-03-01"].map((date) => ({ date, pageViews: 0, visitors: 0 })),
            ...Statistics.makeLists(() => [])
          })
        })
      )
    })
  })
