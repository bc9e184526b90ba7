/** Websites that are counted together have the answers that each has alone, with goals, groups, filters and comparisons. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import { Goals as GoalsService } from "../../../../src/analytics/Goal.ts"
import * as Goals from "../../../../src/analytics/postgres/Goals.ts"
import * as ManySites from "../../../../src/analytics/reports/ManySites.ts"
import * as ManySitesSql from "../../../../src/analytics/reports/postgres/ManySites.ts"
import * as Reports from "../../../../src/analytics/reports/postgres/Reports.ts"
import * as RollUpLoop from "../../../../src/analytics/reports/postgres/RollUpLoop.ts"
import type { Query } from "../../../../src/analytics/reports/Query.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import * as ReportRows from "../../../support/postgres/ReportRows.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"

const live = Layer.mergeAll(SiteDirectory.layer(), Goals.layer).pipe(Layer.provideMerge(TestClient.layer))

const withoutRevenue: Pick<Query, "metrics" | "filters" | "orderBy"> = {
  metrics: ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration", "conversions"],
  filters: [],
  orderBy: [{ by: "visitors", direction: "desc" }]
}

layer(live, { excludeTestServices: true })("analytics/reports/postgres: many websites", (it) => {
  it.effect.prop(
    "websites that are counted together have the answers that each has alone",
    {
      rows: Schema.Tuple([ReportRows.Rows, ReportRows.Rows, ReportRows.Rows]),
      /** Whether the days have sums, and the queries are those that sums can answer. */
      isSummed: Schema.Boolean,
      shapes: Schema.Tuple([ReportRows.QueryShape, ReportRows.QueryShape, ReportRows.QueryShape])
    },
    ({ isSummed, rows, shapes }) =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const reader = yield* Reports.makeReader(sql)
        const sites = yield* Effect.forEach(rows, (own) =>
          Effect.gen(function* () {
            const site = yield* Sites.SiteDirectory.use((all) => all.create({ name: "a", origins: [] }))
            yield* ReportRows.insert(site.hostedWebsiteId, own)
            return site
          })
        )
        const [first] = sites
        if (first === undefined) return assert.fail()
        yield* GoalsService.use((goals) =>
          goals.create(first.websiteConfigId, { name: "All", kind: "page", value: "/*" })
        )
        if (isSummed) yield* RollUpLoop.round
        for (const shape of shapes) {
          const queries = sites.map((site) => {
            const query = ReportRows.toQuery(shape, site.websiteConfigId, "UTC")
            return { site, query: isSummed ? { ...query, ...withoutRevenue } : query }
          })
          const together = yield* ManySites.answers(
            {
              firstReceived: (some) => ManySitesSql.firstReceived(sql, some),
              count: (batch, range) => ManySitesSql.count(sql, batch, range),
              answer: () => Effect.die("Each website is counted together with the others"),
              concurrency: 1
            },
            queries
          )
          const alone = yield* Effect.forEach(queries, ({ query, site }) => Reports.answer(reader, site, query))
          assert.deepStrictEqual(together, alone)
        }
      }),
    { arbitrary: { runs: 8 }, timeout: 120_000 }
  )

  it.effect("the sums of some websites are read without those of the others", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* Sites.SiteDirectory.use((all) => all.create({ name: "a", origins: [] }))
      yield* sql.unsafe(
        `INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
          VALUES ($1, '2026-10-25 12:00Z', '/', decode(md5('a'), 'hex'))`,
        [PgTypes.uuid(site.hostedWebsiteId)]
      )
      yield* RollUpLoop.round
      const columns = (yield* sql.unsafe<{ name: string }>(
        `SELECT attname AS name FROM pg_attribute WHERE attrelid = 'rollup'::regclass AND attnum > 0 AND NOT attisdropped
          AND attgenerated = '' AND attname <> 'hosted_website_id'`
      ))
        .map(({ name }) => name)
        .join(", ")
      yield* sql.unsafe(
        `INSERT INTO rollup (hosted_website_id, ${columns})
          SELECT gen_random_uuid(), ${columns} FROM rollup, generate_series(1, 2000) WHERE hosted_website_id = $1 AND dimension = 'all'`,
        [PgTypes.uuid(site.hostedWebsiteId)]
      )
      const query = ReportRows.toQuery(
        ReportRows.QueryShape.make({
          ...{ dimensions: "", filters: [], join: "all", range: "2026-10-25 2026-10-25", comparison: null },
          ...{ order: "visitors", isUnfinished: false, untilNow: false }
        }),
        site.websiteConfigId,
        "UTC"
      )
      const rowsRead = Effect.map(
        sql<{ count: number }>`SELECT (seq_tup_read + idx_tup_fetch)::int AS count
          FROM pg_stat_xact_user_tables WHERE relname = 'rollup'`,
        ([row]) => row?.count ?? 0
      )
      yield* Reports.readOnly(
        sql,
        "30 seconds"
      )(
        Effect.gen(function* () {
          const before = yield* rowsRead
          const day = { first: "2026-10-25", last: "2026-10-25" }
          const found = yield* ManySitesSql.count(sql, [{ site, query: { ...query, ...withoutRevenue } }], day)
          assert.strictEqual(found?.size, 1)
          assert.strictEqual((yield* rowsRead) - before, 1)
        })
      )
    })
  )

  it.effect("a website with many page views that are not summed is counted alone", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* Sites.SiteDirectory.use((all) => all.create({ name: "a", origins: [] }))
      yield* sql.unsafe(
        `INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
          SELECT $1, timestamptz '2026-10-24 12:00Z', '/', decode(md5(n::text), 'hex') FROM generate_series(1, 5001) AS n`,
        [PgTypes.uuid(site.hostedWebsiteId)]
      )
      const shape = {
        ...ReportRows.QueryShape.make({
          ...{ dimensions: "visit:source", filters: [], join: "all", range: "2026-10-24 2026-11-02", comparison: null },
          ...{ order: "visitors", isUnfinished: false, untilNow: false }
        })
      }
      const query = ReportRows.toQuery(shape, site.websiteConfigId, "UTC")
      const found = yield* ManySitesSql.count(sql, [{ site, query }], { first: "2026-10-24", last: "2026-11-02" })
      assert.deepStrictEqual(found, new Map())
    })
  )
})
