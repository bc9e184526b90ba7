/** Reports from tables without planner statistics, as after a bulk load or in the partition of a new month. */
import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as LocalTime from "../../../../src/analytics/reports/LocalTime.ts"
import * as DayRollUp from "../../../../src/analytics/reports/postgres/DayRollUp.ts"
import * as Query from "../../../../src/analytics/reports/postgres/Reports.ts"
import type { Query as CoreQuery } from "../../../../src/analytics/reports/Query.ts"
import { dateOf } from "../../../../src/platform/text/Calendar.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"
import * as ReportQuery from "../../../support/ReportQuery.ts"
import * as TestTime from "../../../support/TestTime.ts"

const live = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

const today = dateOf(TestTime.ofMachine())

const visits = 20_000

const options = {
  ...ReportQuery.plain,
  metrics: ["visits", "pageviews"],
  // The visits began two minutes ago: just after midnight, this was yesterday.
  range: { first: LocalTime.addDays(today, -1), last: today },
  timeZone: "UTC",
  limit: 10
} satisfies Partial<CoreQuery>

it.live(
  "analytics/reports/postgres: reports of many visits take only seconds, even without planner statistics",
  () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const reader = yield* Query.makeReader(sql)
      const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, session_id, visitor_hash)
        SELECT ${site.hostedWebsiteId}, now() - view * interval '1 minute', '/' || view, number::text, decode(md5(number::text), 'hex')
        FROM generate_series(1, ${visits}::int) AS number, generate_series(1, 2) AS view`
      const reportOf = (query: Pick<CoreQuery, "dimensions" | "filters">) =>
        Query.readOnly(
          sql,
          "60 seconds"
        )(Query.answer(reader, site, { ...options, ...query, siteId: site.websiteConfigId }))
      const pages = yield* reportOf({ dimensions: ["event:page"], filters: [] })
      assert.deepStrictEqual(
        pages.results.map(({ metrics }) => metrics),
        [
          [visits, visits],
          [visits, visits]
        ]
      )
      const filtered = yield* reportOf({
        dimensions: ["visit:source"],
        filters: [{ operator: "is", dimension: "event:page", values: ["/1"] }]
      })
      assert.deepStrictEqual(
        filtered.results.map(({ metrics }) => metrics),
        [[visits, visits]]
      )
    }).pipe(Effect.provide(live)),
  240_000
)

it.live(
  "analytics/reports/postgres: the visits of many visitors are continued in seconds, even without planner statistics",
  () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      const date = "2026-10-24"
      yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
        SELECT ${site.hostedWebsiteId}, timestamptz '2026-10-24 10:00Z' + view * interval '10 minutes', '/' || view,
          decode(md5(number::text), 'hex')
        FROM generate_series(1, ${visits}::int) AS number, generate_series(1, 2) AS view`
      const [day] = LocalTime.days("UTC", date, date)
      if (day === undefined) return assert.fail()
      const advanceTo = (time: string) =>
        Effect.timeout(DayRollUp.advance(sql, site, day, Date.parse(`${date}T${time}Z`), 100_000), "60 seconds")
      const report = Query.readOnly(
        sql,
        "60 seconds"
      )(
        Query.answer(yield* Query.makeReader(sql), site, {
          ...options,
          range: { first: date, last: date },
          siteId: site.websiteConfigId,
          dimensions: [],
          filters: []
        })
      ).pipe(Effect.map(({ results }) => results.map(({ metrics }) => metrics)))
      yield* DayRollUp.deleteOutdated(sql, DayRollUp.only(site))
      yield* advanceTo("10:15:00")
      assert.deepStrictEqual(yield* report, [[visits, 2 * visits]])
      yield* advanceTo("10:25:00")
      assert.deepStrictEqual(yield* report, [[visits, 2 * visits]])
    }).pipe(Effect.provide(live)),
  240_000
)
