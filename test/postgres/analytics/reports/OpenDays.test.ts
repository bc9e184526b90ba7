/** The visits of an open day are added to the day's sums as they end, even if a visitor has several visits. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as LocalTime from "../../../../src/core/analytics/report/LocalTime.ts"
import { type Dimension, metrics, type Query } from "../../../../src/core/analytics/report/Query.ts"
import * as DayRollUp from "../../../../src/postgres/analytics/reports/DayRollUp.ts"
import * as OpenDays from "../../../../src/postgres/analytics/reports/OpenDays.ts"
import * as SiteDirectory from "../../../../src/postgres/sites/SiteDirectory.ts"
import * as Sites from "../../../../src/services/sites/SiteDirectory.ts"
import { check } from "../../../support/postgres/ReportCheck.ts"
import * as TestDatabase from "../../../support/postgres/TestDatabase.ts"
import * as ReportQuery from "../../../support/ReportQuery.ts"

const live = SiteDirectory.layer({ timeout: "20 seconds" }).pipe(Layer.provideMerge(TestDatabase.layer))

const date = "2026-10-24"

const dimensionLists: ReadonlyArray<ReadonlyArray<Dimension>> = [
  [],
  ["event:page"],
  ["event:name"],
  ["event:goal"],
  ["visit:source"],
  ["time:hour"]
]

const queries = dimensionLists.map(
  (dimensions): Query => ({
    ...ReportQuery.plain,
    siteId: "",
    metrics,
    dimensions,
    range: { first: date, last: date },
    timeZone: "UTC",
    limit: 1000
  })
)

/** The rows of four visitors with visits throughout the day. Some of their page views have a session id. */
const statements = [
  `INSERT INTO page_view (hosted_website_id, received_at, path, utm_source, session_id, visitor_hash)
    SELECT $1, timestamptz '${date} 00:10Z' + n * interval '17 minutes', (ARRAY['/', '/pricing', '/thanks'])[1 + n * 5 % 3],
      (ARRAY['news', NULL])[1 + n % 2], (ARRAY['a', 'b', NULL, NULL])[1 + n * 7 % 4], decode(md5((n * 11 % 4)::text), 'hex')
    FROM generate_series(0, 80) AS n`,
  `INSERT INTO event (hosted_website_id, received_at, name, path, visitor_hash, revenue_amount, revenue_currency)
    SELECT $1, timestamptz '${date} 00:20Z' + n * interval '75 minutes', (ARRAY['Signup', 'Scroll'])[1 + n % 2], '/',
      decode(md5((n % 4)::text), 'hex'), CASE WHEN n % 3 = 0 THEN 1.50 END, CASE WHEN n % 3 = 0 THEN (ARRAY['EUR', 'USD'])[1 + n % 2] END
    FROM generate_series(0, 18) AS n`,
  `INSERT INTO conversion (hosted_website_id, visit_started_at, session_key, name)
    SELECT hosted_website_id, received_at, coalesce(session_id, encode(visitor_hash, 'hex')), 'Form submitted'
    FROM page_view WHERE hosted_website_id = $1 AND path = '/pricing' AND extract(hour FROM received_at) IN (2, 3, 9, 16)`
]

const Stored = Schema.Tuple([Schema.Struct({ until: Schema.String, summed: Schema.Boolean, visitors: Schema.Int })])

layer(live, { excludeTestServices: true })("postgres/analytics/reports: open days", (it) => {
  it.effect("a visitor with several visits counts once in the sums of a day, however often visits are added", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      const id = PgTypes.uuid(site.hostedWebsiteId)
      for (const statement of statements) yield* sql.unsafe(statement, [id])
      yield* DayRollUp.deleteOutdated(sql, site)
      const [day] = LocalTime.days("UTC", date, date)
      if (day === undefined) return assert.fail()
      const advance = (hour: number) => OpenDays.advance(sql, site, day, day.start + hour * 3_600_000)
      const stored = sql`SELECT to_char(ends_at AT TIME ZONE 'UTC', 'HH24:MI') AS until, is_partly_summed AS summed, (
          SELECT visitors[1]::int FROM rollup WHERE hosted_website_id = ${id} AND dimension = 'all'
        ) AS visitors FROM rollup_day WHERE hosted_website_id = ${id}`.pipe(
        Effect.flatMap(Schema.decodeUnknownEffect(Stored)),
        Effect.map(([found]) => found)
      )
      for (const [hour, until] of [
        [6, "05:29"],
        [11, "10:29"],
        [18, "17:29"]
      ] as const) {
        yield* advance(hour)
        assert.deepStrictEqual(yield* stored, { until, summed: true, visitors: 4 })
        yield* check(site, queries, `at ${hour} hours`)
        if (hour !== 11) continue
        yield* sql`INSERT INTO goal (goal_id, website_config_id, name, kind, value)
          VALUES (gen_random_uuid(), ${PgTypes.uuid(site.websiteConfigId)}, 'Thanked', 'page', '/thanks*'),
            (gen_random_uuid(), ${PgTypes.uuid(site.websiteConfigId)}, 'Signed up', 'event', 'Signup')`
        yield* check(site, queries, "with other goals")
      }
      yield* advance(20)
      yield* check(site, queries, "after visits were added to the sums with other goals")
    })
  )

  it.effect("a campaign that returns in a visit after the stored part of the day does not begin another visit", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      const id = PgTypes.uuid(site.hostedWebsiteId)
      // From 02:00 to 04:50 with the campaign at 02:00 and 04:00; and from 03:50 to 07:10 without one.
      yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, utm_source, visitor_hash)
        SELECT ${id}, timestamptz '2026-10-24 02:00Z' + n * interval '10 minutes', '/', CASE WHEN n % 12 = 0 THEN 'news' END,
          decode(md5('returns'), 'hex') FROM generate_series(0, 17) AS n
        UNION ALL SELECT ${id}, timestamptz '2026-10-24 03:50Z' + n * interval '20 minutes', '/', NULL,
          decode(md5('stays'), 'hex') FROM generate_series(0, 10) AS n`
      yield* DayRollUp.deleteOutdated(sql, site)
      const [day] = LocalTime.days("UTC", date, date)
      if (day === undefined) return assert.fail()
      for (const [minutes, until] of [
        [340, "03:50"],
        [480, "07:29"]
      ] as const) {
        yield* OpenDays.advance(sql, site, day, day.start + minutes * 60_000)
        const found = yield* sql`SELECT to_char(ends_at AT TIME ZONE 'UTC', 'HH24:MI') AS until FROM rollup_day
          WHERE hosted_website_id = ${id}`
        assert.deepStrictEqual(found, [{ until }])
        yield* check(site, queries, `after ${minutes} minutes`)
      }
    })
  )
})
