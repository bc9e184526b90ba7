/** A rollup run refreshes the planner's statistics of the tables that reports read. */
import { PgClient } from "@effect/sql-pg"
import { assert, it } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as RollUpLoop from "../../../../src/analytics/reports/postgres/RollUpLoop.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"

const live = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

/** The tables with statistics about their columns. */
const analyzed = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows =
    yield* sql`SELECT DISTINCT tablename AS name FROM pg_stats WHERE tablename IN ('page_view_default', 'visit', 'rollup')`
  return rows.map((row) => row["name"]).toSorted()
})

/** Inserts page views that one website received two days ago, each in a separate visit. */
const insert = Effect.fnUntraced(function* (hostedWebsiteId: string, views: number) {
  const sql = yield* PgClient.PgClient
  // Without the flush, the server may count the rows of this transaction a second later.
  yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
    SELECT ${hostedWebsiteId}, now() - interval '2 days', '/' || number % 7, decode(md5(number::text), 'hex')
    FROM generate_series(1, ${views}) AS number`.pipe(
    Effect.andThen(sql`SELECT pg_stat_force_next_flush()`),
    sql.withTransaction
  )
})

it.live(
  "postgres/analytics/reports: a rollup run of many rows refreshes the planner's statistics, and a rollup run of few rows does not",
  () =>
    Effect.gen(function* () {
      const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
      // So few rows that autovacuum does not refresh the statistics either.
      yield* insert(site.hostedWebsiteId, 40)
      yield* RollUpLoop.round
      assert.deepStrictEqual(yield* analyzed, [])
      yield* insert(site.hostedWebsiteId, 10_000)
      yield* RollUpLoop.round
      const tables = yield* analyzed
      assert.include(tables, "visit")
      assert.include(tables, "page_view_default")
    }).pipe(Effect.provide(live))
)
