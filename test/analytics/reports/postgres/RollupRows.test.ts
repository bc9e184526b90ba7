/** How many days share a row of the rollups, and the sums of a month that has not ended. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as RollUpLoop from "../../../../src/analytics/reports/postgres/RollUpLoop.ts"
import { type Dimension, metrics, type Query } from "../../../../src/analytics/reports/Query.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import { check } from "../../../support/postgres/ReportCheck.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"
import * as ReportQuery from "../../../support/ReportQuery.ts"

const live = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

type Site = Effect.Success<ReturnType<Sites.SiteDirectory["Service"]["create"]>>

const newSite = Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [], timeZone: "Europe/Berlin" }))

const queriesOf = (site: Site, last: string): ReadonlyArray<Query> =>
  (
    [[], ["event:page"], ["time:day"], ["visit:source", "time:month"]] satisfies ReadonlyArray<ReadonlyArray<Dimension>>
  ).map(
    (dimensions): Query => ({
      ...ReportQuery.plain,
      siteId: site.websiteConfigId,
      metrics,
      dimensions,
      includeTotalRows: true,
      limit: 10_000,
      range: { first: "2024-02-01", last },
      timeZone: site.timeZone
    })
  )

/** Inserts one view of each of `paths` paths at noon of each day. */
const insert = (site: Site, first: string, last: string, paths: number) =>
  Effect.flatMap(
    PgClient.PgClient,
    (sql) => sql`INSERT INTO page_view (hosted_website_id, received_at, path, utm_source, visitor_hash)
      SELECT ${PgTypes.uuid(site.hostedWebsiteId)}, day + n * interval '1 second', '/' || n, 'news', decode(md5(n::text), 'hex')
      FROM generate_series(${first}::timestamptz + interval '12 hours', ${last}::timestamptz + interval '12 hours', '1 day') AS day,
        generate_series(1, ${paths}::int) AS n`
  )

const Rows = Schema.Array(
  Schema.Struct({
    dimension: Schema.String,
    month: Schema.String,
    rows: Schema.Int,
    days: Schema.Int
  })
)

/** For each dimension and month: the number of rows, and the sum of their numbers of days. */
const rowsOf = (site: Site) =>
  Effect.flatMap(PgClient.PgClient, (sql) =>
    sql`SELECT dimension, date_trunc('month', day::timestamp)::date AS month, count(*)::int AS rows,
        sum(counted.days)::int AS days
      FROM rollup CROSS JOIN LATERAL (
        SELECT count(DISTINCT date) AS days FROM unnest(coalesce(rollup.days, ARRAY[day])) AS date
      ) AS counted WHERE hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)} AND NOT is_month
      GROUP BY 1, 2 ORDER BY 1, 2`.pipe(Effect.flatMap(Schema.decodeUnknownEffect(Rows)))
  )

const Months = Schema.Array(Schema.Struct({ month: Schema.String, last_day: Schema.String }))

describe("analytics/reports/postgres: rows of rollups", () => {
  it.live("the days of a month share a row while they have few values, also after one of them changed", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      for (const [first, last] of [
        ["2024-02-01", "2024-02-10"],
        ["2024-02-11", "2024-02-11"],
        ["2024-02-12", "2024-03-02"],
        ["2024-02-05", "2024-02-05"]
      ] as const) {
        yield* insert(site, first, last, 3)
        yield* RollUpLoop.round
        yield* check(site, queriesOf(site, "2024-03-02"), `after ${last}`)
      }
      const rows = yield* rowsOf(site)
      assert.deepStrictEqual(
        rows.filter(({ dimension }) => dimension === "event:page"),
        [
          { dimension: "event:page", month: "2024-02-01", rows: 1, days: 29 },
          { dimension: "event:page", month: "2024-03-01", rows: 1, days: 2 }
        ]
      )
      assert.isTrue(rows.every((row) => row.rows === 1))
    }).pipe(Effect.provide(live))
  )

  it.live("a row with 1000 values or more gets no further days, and each day is in one row", () =>
    Effect.gen(function* () {
      const site = yield* newSite
      yield* insert(site, "2024-02-01", "2024-02-04", 600)
      yield* RollUpLoop.round
      yield* insert(site, "2024-02-05", "2024-02-05", 600)
      yield* RollUpLoop.round
      // Without statistics, PostgreSQL joins the visits with their rows by nested loops.
      yield* PgClient.PgClient.use((sql) => sql`ANALYZE`)
      const [, pagesQuery] = queriesOf(site, "2024-02-05")
      yield* check(site, pagesQuery === undefined ? [] : [pagesQuery], "after both rollup runs")
      const pages = (yield* rowsOf(site)).find(({ dimension }) => dimension === "event:page")
      assert.deepInclude(pages, { rows: 3, days: 5 })
    }).pipe(Effect.provide(live))
  )

  it.live("the sum of a month that has not ended covers its days up to yesterday at the latest", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* newSite
      const [{ yesterday, month }] = yield* sql`SELECT (now() AT TIME ZONE 'Europe/Berlin')::date - 1 AS yesterday,
        date_trunc('month', (now() AT TIME ZONE 'Europe/Berlin')::date - 1)::date AS month`.pipe(
        Effect.flatMap(
          Schema.decodeUnknownEffect(Schema.Tuple([Schema.Struct({ yesterday: Schema.String, month: Schema.String })]))
        )
      )
      yield* insert(site, month, month, 2)
      yield* RollUpLoop.round
      const months = yield* sql`SELECT month, last_day FROM rollup_month
        WHERE hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)}`.pipe(
        Effect.flatMap(Schema.decodeUnknownEffect(Months))
      )
      // Just after midnight, yesterday may still be open.
      assert.lengthOf(months, month === yesterday && months.length === 0 ? 0 : 1)
      for (const { last_day } of months) assert.isTrue(last_day <= yesterday && last_day >= month, last_day)
    }).pipe(Effect.provide(live))
  )
})
