/** Reports from stored visits equal those of `Evaluate`, also after late rows, deletions and another rollup run. */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as DayRollUp from "../../../../src/clickhouse/analytics/reports/DayRollUp.ts"
import * as Query from "../../../../src/clickhouse/analytics/reports/Query.ts"
import * as Reader from "../../../../src/clickhouse/analytics/reports/Reader.ts"
import * as VisitDays from "../../../../src/clickhouse/analytics/reports/VisitDays.ts"
import { ClickHouse } from "../../../../src/clickhouse/ClickHouse.ts"
import * as Evaluate from "../../../../src/core/analytics/report/Evaluate.ts"
import * as LocalTime from "../../../../src/core/analytics/report/LocalTime.ts"
import type { SiteRows } from "../../../../src/core/analytics/report/Row.ts"
import { dateOf, dayMillis } from "../../../../src/core/text/Calendar.ts"
import * as EverySite from "../../../support/clickhouse/EverySite.ts"
import { insert } from "../../../support/clickhouse/ReportRows.ts"
import * as TestClickHouse from "../../../support/clickhouse/TestClickHouse.ts"
import { now, queryOf, RequestShape, Rows, rowsOf, TimeZone } from "../../../support/Reports.ts"

const limits = { seconds: 20, memory: 1_000_000_000 }

/** The days of all rows. The real time is later than this fixed `now`, so a rollup run stores the visits of these days. */
const daysIn = (timeZone: string) => LocalTime.days(timeZone, dateOf(now - 5 * dayMillis), dateOf(now + dayMillis))

const concat = (first: SiteRows, second: SiteRows): SiteRows => ({
  views: [...first.views, ...second.views],
  events: [...first.events, ...second.events],
  conversions: [...first.conversions, ...second.conversions],
  goals: first.goals
})

TestClickHouse.describeWithClickHouse("clickhouse/analytics/reports/DayRollUp", () => {
  layer(Layer.merge(TestClickHouse.layer, EverySite.writable), { excludeTestServices: true })((it) => {
    it.effect.prop(
      "a report equals that of Evaluate after rollup runs, late rows and deletions",
      {
        rows: Rows,
        late: Rows,
        request: RequestShape,
        timeZone: TimeZone,
        removed: Schema.Literals(["/", "/pricing"])
      },
      ({ late: lateShape, removed, request, rows: shape, timeZone }) =>
        Effect.gen(function* () {
          const clickhouse = yield* ClickHouse
          const reader = Reader.make(clickhouse, limits)
          const site = { hostedWebsiteId: randomUUID(), websiteConfigId: randomUUID() }
          const query = queryOf(request, timeZone)
          const check = (rows: SiteRows, when: string) =>
            Effect.map(Query.answer(reader, site, query, rows.goals), (answer) =>
              assert.deepStrictEqual(answer, Evaluate.evaluate(query, rows), when)
            )
          const rollUp = DayRollUp.rollUp(
            reader,
            { ...site, timeZone },
            { days: daysIn(timeZone), isForced: false, minRows: 0 }
          )
          const first = rowsOf(shape)
          yield* insert(site.hostedWebsiteId, first)
          yield* rollUp
          const { raw } = yield* VisitDays.plan(reader, site.hostedWebsiteId, timeZone, daysIn(timeZone))
          assert.deepStrictEqual(raw, [], "all days are stored")
          yield* check(first, "after the first rollup run")
          const late = rowsOf(lateShape)
          yield* insert(site.hostedWebsiteId, late)
          const all = concat(first, late)
          yield* check(all, "after late rows")
          yield* rollUp
          yield* clickhouse.command(
            `DELETE FROM page_view WHERE hosted_website_id = {site:UUID} AND path = {path:String}`,
            {
              parameters: { site: site.hostedWebsiteId, path: removed }
            }
          )
          yield* check({ ...all, views: all.views.filter(({ path }) => path !== removed) }, "after a deletion")
        }),
      { arbitrary: { runs: 2, seed: "rollup runs" }, timeout: 240_000 }
    )

    it.effect("stores no visits of a website that is being deleted", () =>
      Effect.gen(function* () {
        const clickhouse = yield* ClickHouse
        const reader = Reader.make(clickhouse, limits)
        const site = randomUUID()
        yield* clickhouse.command(
          `INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
            VALUES ({site:UUID}, fromUnixTimestamp64Milli({at:Int64}, 'UTC'), '/', generateUUIDv4())`,
          { parameters: { site, at: now - 2 * dayMillis } }
        )
        const rollUp = DayRollUp.rollUp(
          reader,
          { hostedWebsiteId: site, timeZone: "UTC" },
          { days: daysIn("UTC"), isForced: true, minRows: 0 }
        )
        const stored = clickhouse.query("SELECT roll FROM visit WHERE hosted_website_id = {site:UUID}", {
          parameters: { site }
        })
        yield* Effect.provide(rollUp, EverySite.deleted)
        assert.lengthOf(yield* stored, 0)
        yield* rollUp
        assert.lengthOf(yield* stored, 1)
      })
    )
  })
})
