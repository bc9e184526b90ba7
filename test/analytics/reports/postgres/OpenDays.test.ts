/** The visits of an open day are stored up to a time, and later rows continue them. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as LocalTime from "../../../../src/analytics/reports/LocalTime.ts"
import * as DayRollUp from "../../../../src/analytics/reports/postgres/DayRollUp.ts"
import { type Dimension, type Metric, metrics, type Query } from "../../../../src/analytics/reports/Query.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import { check } from "../../../support/postgres/ReportCheck.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"
import * as ReportQuery from "../../../support/ReportQuery.ts"

const live = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

const date = "2026-10-24"

const dimensionLists: ReadonlyArray<ReadonlyArray<Dimension>> = [
  [],
  ["event:page"],
  ["event:name"],
  ["event:goal"],
  ["visit:source"],
  ["visit:exit_page"],
  ["time:hour"],
  ["time:day", "visit:entry_page"]
]

/** Sums of open days have no conversions, so reports with and without them read different data. */
const metricLists: ReadonlyArray<ReadonlyArray<Metric>> = [
  metrics,
  metrics.filter((metric) => !["conversions", "conversion_rate", "group_conversion_rate"].includes(metric))
]

const queryOf = (parts: Pick<Query, "metrics" | "dimensions"> & Partial<Query>): Query => ({
  ...{ ...ReportQuery.plain, siteId: "", range: { first: date, last: date }, timeZone: "UTC", limit: 1000 },
  ...parts
})

const queries = [
  ...metricLists.flatMap((metrics) => dimensionLists.map((dimensions) => queryOf({ metrics, dimensions }))),
  ...[["/pricing"], ["/docs"], ["/thanks", "(not set)"]].map((values) =>
    queryOf({
      metrics,
      dimensions: ["visit:source"],
      filters: [{ operator: "is", dimension: "event:page", values }]
    })
  )
]

/** The rows of four visitors with visits throughout the day. Some of their page views have a session id. */
const statements = [
  `INSERT INTO page_view (hosted_website_id, received_at, path, utm_source, session_id, visitor_hash)
    SELECT $1, timestamptz '${date} 00:10Z' + n * interval '17 minutes', (ARRAY['/', '/pricing', '/thanks'])[1 + n * 5 % 3],
      (ARRAY['news', NULL])[1 + n % 2], (ARRAY['a', 'b', NULL, NULL])[1 + n * 7 % 4], decode(md5((n * 11 % 4)::text), 'hex')
    FROM generate_series(0, 80) AS n`,
  // A session whose second page is of another visitor hash.
  `INSERT INTO page_view (hosted_website_id, received_at, path, utm_source, session_id, visitor_hash)
    VALUES ($1, '${date} 05:00Z', '/', 'news', 'moves', decode(md5('first'), 'hex')),
      ($1, '${date} 05:05Z', '/docs', NULL, 'moves', decode(md5('second'), 'hex'))`,
  // A visitor who stays for hours, with campaigns whose last page view before another one is often more than 30 minutes ago.
  `INSERT INTO page_view (hosted_website_id, received_at, path, utm_source, visitor_hash)
    SELECT $1, timestamptz '${date} 02:00Z' + n * interval '19 minutes', '/',
      CASE WHEN n % 5 = 0 THEN 'news' WHEN n % 13 = 6 THEN 'ads' END, decode(md5('stays'), 'hex')
    FROM generate_series(0, 50) AS n`,
  `INSERT INTO event (hosted_website_id, received_at, name, path, visitor_hash, revenue_amount, revenue_currency)
    SELECT $1, timestamptz '${date} 00:20Z' + n * interval '75 minutes', (ARRAY['Signup', 'Scroll'])[1 + n % 2], '/',
      decode(md5((n % 4)::text), 'hex'), CASE WHEN n % 3 = 0 THEN 1.50 END, CASE WHEN n % 3 = 0 THEN (ARRAY['EUR', 'USD'])[1 + n % 2] END
    FROM generate_series(0, 18) AS n`,
  `INSERT INTO conversion (hosted_website_id, visit_started_at, session_key, name)
    SELECT hosted_website_id, received_at, coalesce(session_id, encode(visitor_hash, 'hex')), 'Form submitted'
    FROM page_view WHERE hosted_website_id = $1 AND path = '/pricing' AND extract(hour FROM received_at) IN (2, 3, 9, 16)`
]

const Stored = Schema.Tuple([Schema.Struct({ until: Schema.String, isSummed: Schema.Boolean })])

layer(live, { excludeTestServices: true })("analytics/reports/postgres: open days", (it) => {
  it.effect("all visits up to a time are stored, also those that last for hours, until the day is summed", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      const id = PgTypes.uuid(site.hostedWebsiteId)
      for (const statement of statements) yield* sql.unsafe(statement, [id])
      yield* DayRollUp.deleteOutdated(sql, DayRollUp.only(site))
      const [day] = LocalTime.days("UTC", date, date)
      if (day === undefined) return assert.fail()
      const advance = (hour: number) =>
        Effect.repeat(DayRollUp.advance(sql, site, day, day.start + hour * 3_600_000, 40), {
          until: (isDone) => isDone
        })
      const stored = sql`SELECT to_char(ends_at AT TIME ZONE 'UTC', 'DD HH24:MI') AS until, goals <> '' AS "isSummed"
        FROM rollup_day WHERE hosted_website_id = ${id}`.pipe(
        Effect.flatMap(Schema.decodeUnknownEffect(Stored)),
        Effect.map(([found]) => found)
      )
      for (const [hour, until] of [
        [6, "24 06:00"],
        [11, "24 11:00"],
        [18, "24 18:00"]
      ] as const) {
        yield* advance(hour)
        assert.deepStrictEqual(yield* stored, { until, isSummed: false })
        yield* check(site, queries, `at ${hour} hours`)
        if (hour !== 11) continue
        yield* sql`INSERT INTO goal (goal_id, website_config_id, name, kind, value)
          VALUES (gen_random_uuid(), ${PgTypes.uuid(site.websiteConfigId)}, 'Thanked', 'page', '/thanks*'),
            (gen_random_uuid(), ${PgTypes.uuid(site.websiteConfigId)}, 'Signed up', 'event', 'Signup')`
        yield* check(site, queries, "with other goals")
      }
      // A lead of a visit that began before changes no visit.
      yield* sql`INSERT INTO conversion (hosted_website_id, visit_started_at, session_key, name)
        SELECT hosted_website_id, received_at, encode(visitor_hash, 'hex'), 'Chat started' FROM page_view
        WHERE hosted_website_id = ${id} AND session_id IS NULL ORDER BY received_at LIMIT 1`
      yield* check(site, queries, "after a lead")
      yield* DayRollUp.deleteOutdated(sql, DayRollUp.only(site))
      assert.deepStrictEqual(yield* stored, { until: "24 18:00", isSummed: false })
      yield* advance(26)
      assert.deepStrictEqual(yield* stored, { until: "25 00:00", isSummed: true })
      yield* check(site, queries, "after the day has ended")
    })
  )

  it.effect("a group that the only visit with revenue leaves has no revenue, not a revenue of 0", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      const id = PgTypes.uuid(site.hostedWebsiteId)
      const view = (visitor: string, time: string, path: string) =>
        sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
          VALUES (${id}, ${`${date} ${time}Z`}::timestamptz, ${path}, decode(md5(${visitor}), 'hex'))`
      const order = (visitor: string, path: string, amount: number) =>
        sql`INSERT INTO event
            (hosted_website_id, received_at, name, path, visitor_hash, revenue_amount, revenue_currency)
          VALUES (${id}, ${`${date} 05:55Z`}::timestamptz, 'Order', ${path}, decode(md5(${visitor}), 'hex'),
            ${amount}::int, 'EUR')`
      yield* view("buyer", "05:50", "/")
      yield* view("reader", "05:50", "/")
      yield* order("buyer", "/", 20)
      // A group with an order of 0 keeps this revenue.
      yield* view("winner", "05:50", "/prize")
      yield* order("winner", "/prize", 0)
      yield* DayRollUp.deleteOutdated(sql, DayRollUp.only(site))
      const [day] = LocalTime.days("UTC", date, date)
      if (day === undefined) return assert.fail()
      const exits = [queryOf({ metrics: ["visits", "total_revenue"], dimensions: ["visit:exit_page"] })]
      yield* DayRollUp.advance(sql, site, day, day.start + 6 * 3_600_000, 40)
      yield* check(site, exits, "before")
      yield* view("buyer", "06:10", "/thanks")
      yield* check(site, exits, "with a tail")
      yield* DayRollUp.advance(sql, site, day, day.start + 7 * 3_600_000, 40)
      yield* check(site, exits, "after the next part")
    })
  )
})
