/** Reports from ClickHouse equal those of `Evaluate`, also with conversions and goals. */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Counting from "../../../../src/analytics/reports/clickhouse/Counting.ts"
import * as Reader from "../../../../src/analytics/reports/clickhouse/Reader.ts"
import { ClickHouse } from "../../../../src/platform/clickhouse/ClickHouse.ts"
import { HostedWebsiteId, WebsiteConfigId } from "../../../../src/platform/Id.ts"
import { insert } from "../../../support/clickhouse/ReportRows.ts"
import * as TestClickHouse from "../../../support/clickhouse/TestClickHouse.ts"
import * as Evaluation from "../../../support/Evaluation.ts"
import { queryOf, RequestShape, Rows, rowsOf, TimeZone } from "../../../support/Reports.ts"

const limits = { seconds: 20, memory: 1_000_000_000 }

TestClickHouse.describeWithClickHouse("analytics/reports/clickhouse/Counting", () => {
  layer(TestClickHouse.layer, { excludeTestServices: true })((it) => {
    it.effect.prop(
      "a report equals that of Evaluate over the website's rows",
      {
        rows: Rows,
        requests: Schema.Array(RequestShape).check(Schema.isMinLength(1), Schema.isMaxLength(2)),
        timeZone: TimeZone,
        fewRows: Schema.Literals([0, 1_000])
      },
      ({ fewRows, requests, rows: shape, timeZone }) =>
        Effect.gen(function* () {
          const reader = Reader.make(yield* ClickHouse, limits, { fewRows })
          const site = {
            hostedWebsiteId: HostedWebsiteId.make(randomUUID()),
            websiteConfigId: WebsiteConfigId.make(randomUUID())
          }
          const rows = rowsOf(shape)
          yield* insert(site.hostedWebsiteId, rows)
          for (const request of requests) {
            const query = queryOf(request, timeZone)
            const answer = yield* Counting.answer(reader, site, query, rows.goals)
            assert.deepStrictEqual(answer, Evaluation.evaluate(query, rows))
          }
        }),
      { arbitrary: { runs: 5 }, timeout: 240_000 }
    )

    it.effect("revenue that sums to 0 counts as revenue, also beside another currency", () =>
      Effect.gen(function* () {
        const reader = Reader.make(yield* ClickHouse, limits)
        const site = {
          hostedWebsiteId: HostedWebsiteId.make(randomUUID()),
          websiteConfigId: WebsiteConfigId.make(randomUUID())
        }
        const payment = (path: string, currency: string, cents: number) =>
          ({
            ...{ age: 3_600_000, path, sessionId: "s", visitor: 0, deviceType: null, browser: null, os: null },
            ...{ country: null, name: "Buy", plan: null, revenue: currency, cents, isInteractive: true }
          }) as const
        const rows = rowsOf({
          views: [],
          events: [
            payment("/pricing", "EUR", 500),
            payment("/pricing", "EUR", -500),
            payment("/", "EUR", 0),
            payment("/", "USD", 100)
          ] as (typeof Rows.Type)["events"],
          conversions: [],
          goalCount: 0
        })
        yield* insert(site.hostedWebsiteId, rows)
        for (const dimensions of [["event:page"], ["visit:device"]] as const) {
          const query = queryOf(
            {
              ...{ metrics: ["total_revenue"], dimensions, filters: [], dateRange: "7d", order: [] },
              ...{ comparison: null, limit: 3, offset: 0 }
            },
            "UTC"
          )
          assert.deepStrictEqual(yield* Counting.answer(reader, site, query, []), Evaluation.evaluate(query, rows))
        }
      })
    )
  })
})
