/** How a query of many websites is divided into batches. */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Counts from "../../../src/analytics/reports/Counts.ts"
import * as ManySites from "../../../src/analytics/reports/ManySites.ts"
import type { ReportSite } from "../../../src/analytics/reports/Reports.ts"
import { HostedWebsiteId, WebsiteConfigId } from "../../../src/platform/Id.ts"
import * as Evaluation from "../../support/Evaluation.ts"
import { queryOf, RequestShape } from "../../support/Reports.ts"

const query = queryOf(
  RequestShape.make({
    ...{ metrics: ["visitors"], dimensions: ["visit:source"], filters: [], dateRange: "7d" },
    ...{ order: [], comparison: null, limit: 3, offset: 0 }
  }),
  "UTC"
)

const uuid = (index: number) => `00000000-0000-4000-8000-${String(index).padStart(12, "0")}`

const site = (index: number): ReportSite => ({
  hostedWebsiteId: HostedWebsiteId.make(uuid(index)),
  websiteConfigId: WebsiteConfigId.make(uuid(index))
})

describe("analytics/reports/ManySites", () => {
  it.effect("a batch with too many groups is halved until each part fits, and what does not fit is counted alone", () =>
    Effect.gen(function* () {
      const [tooLarge, unknown] = [uuid(2), uuid(5)]
      const batches: Array<number> = []
      const alone: Array<string> = []
      const sites = Array.from({ length: 2_500 }, (_, index) => site(index))
      const answers = yield* ManySites.answers(
        {
          firstReceived: () => Effect.die("The query names its first day"),
          count: (batch) => {
            batches.push(batch.length)
            const ids = batch.map((one) => one.site.hostedWebsiteId)
            if (ids.some((id) => id === tooLarge)) return Effect.succeed(null)
            const groups = (id: string) => ({
              groups: [{ dimensions: [id], counts: { ...Counts.none, visitors: 1, visits: 1 } }],
              divisors: null,
              total: null
            })
            return Effect.succeed(new Map(ids.flatMap((id) => (id === unknown ? [] : [[id, groups(id)] as const]))))
          },
          answer: (one, query) =>
            Effect.sync(() => {
              alone.push(one.hostedWebsiteId)
              return Evaluation.evaluate(query, { views: [], events: [], conversions: [], goals: [] })
            }),
          concurrency: 1
        },
        sites.map((one) => ({ site: one, query }))
      )
      assert.deepStrictEqual(alone, [tooLarge, unknown])
      assert.deepStrictEqual(
        answers.map(({ results }) => results.map(({ dimensions }) => dimensions)),
        sites.map(({ hostedWebsiteId: id }) => (id === tooLarge || id === unknown ? [] : [[id]]))
      )
      assert.deepStrictEqual(batches.slice(0, 4), [1_000, 500, 250, 125])
      assert.deepStrictEqual(batches.slice(-3), [500, 1_000, 500])
    })
  )
})
