import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Layer, Option, Schema, Stream } from "effect"
import * as Views from "../../../src/analytics/AnalyticsRepo.ts"
import * as AnalyticsExport from "../../../src/analytics/clickhouse/AnalyticsExport.ts"
import * as AnalyticsCopy from "../../../src/analytics/postgres/AnalyticsCopy.ts"
import * as PostgresExport from "../../../src/analytics/postgres/AnalyticsExport.ts"
import * as AnalyticsRepo from "../../../src/analytics/postgres/AnalyticsRepo.ts"
import { copyAll } from "../../../src/cli/commands/Analytics.ts"
import { ClickHouse } from "../../../src/platform/clickhouse/ClickHouse.ts"
import { decodeRows } from "../../../src/platform/runtime/Rows.ts"
import * as SiteDirectory from "../../../src/sites/postgres/SiteDirectory.ts"
import { EventShape, eventOf } from "../../suites/Events.ts"
import { newSite, now, Shape, viewOf } from "../../suites/PageViews.ts"
import * as TestClickHouse from "../../support/clickhouse/TestClickHouse.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const queue = { timeout: "20 seconds", maxQueue: 1_000 } as const

const live = Layer.mergeAll(
  AnalyticsRepo.layer(queue),
  SiteDirectory.layer(),
  SiteDirectory.writableSites({ connections: 1 })
).pipe(Layer.provideMerge(Layer.merge(TestClient.layer, TestClickHouse.layer)))

const queryOf = (hostedWebsiteId: string) => ({ hostedWebsiteId, from: 0, to: now + 1 })

const Count = Schema.Tuple([Schema.Struct({ rows: Schema.Int })])

const count = (table: string, site: string) =>
  ClickHouse.use(({ query }) =>
    query(`SELECT count() AS rows FROM ${table} WHERE hosted_website_id = {site:UUID}`, { parameters: { site } })
  ).pipe(
    decodeRows(Count),
    Effect.map(([{ rows }]) => rows)
  )

const copy = copyAll(() => Effect.void)

TestClickHouse.describeWithClickHouse("with ClickHouse and PostgreSQL", () => {
  withLayer(live, { excludeTestServices: true })("analytics copy", (it) => {
    it.effect.prop(
      "copies every row unchanged and once, however often it runs",
      {
        views: Schema.Array(Shape).check(Schema.isMaxLength(10)),
        events: Schema.Array(EventShape).check(Schema.isMaxLength(10))
      },
      ({ events, views }) =>
        Effect.gen(function* () {
          const site = yield* newSite
          yield* Effect.forEach(views, (shape) => Views.AnalyticsRepo.use((repo) => repo.append(viewOf(site, shape))))
          yield* Effect.forEach(events, (shape) =>
            Views.AnalyticsRepo.use((repo) => repo.appendEvent(eventOf(site, shape)))
          )
          yield* copy
          yield* copy
          const before = yield* Stream.runCollect(PostgresExport.rowsOf(yield* PgClient.PgClient, queryOf(site)))
          const after = yield* Stream.runCollect(
            AnalyticsExport.rowsOf(yield* ClickHouse, queue.timeout, queryOf(site))
          )
          assert.sameDeepMembers([...after], [...before])
          assert.strictEqual(yield* count("bot_view", site), views.filter(({ exclusion }) => exclusion !== null).length)
        }),
      { arbitrary: { runs: 8 } }
    )

    it.effect("a batch whose confirmation was lost is stored once, and rows of the same time are copied together", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const { insert } = yield* ClickHouse
        const site = yield* newSite
        const add = (
          minutes: number
        ) => sql`INSERT INTO conversion (hosted_website_id, visit_started_at, session_key, name)
          SELECT ${PgTypes.uuid(site)}, timestamptz '2026-01-01' + ${`${minutes} minutes`}::interval, number::text, 'Form'
          FROM generate_series(1, 5) AS number`
        for (const minutes of [0, 1, 2]) yield* add(minutes)
        const table = { ...AnalyticsCopy.tables.find(({ name }) => name === "conversion")!, batch: 3 }
        const send = ({ id, rows }: AnalyticsCopy.Batch) => {
          const [first, ...others] = table.columns.map(([name]) => name)
          return insert({ table: table.name, columns: [first!, ...others], rows, token: id })
        }
        const copyBatch = AnalyticsCopy.copyNext(table, site, send)
        const copyUnconfirmed = AnalyticsCopy.copyNext(table, site, (batch) =>
          Effect.andThen(send(batch), Effect.fail("lost"))
        )
        assert.deepStrictEqual(yield* copyBatch, Option.some(5))
        yield* Effect.flip(copyUnconfirmed)
        assert.strictEqual(yield* count("conversion", site), 10)
        assert.deepStrictEqual(yield* copyBatch, Option.some(5))
        assert.strictEqual(yield* count("conversion", site), 10)
        assert.deepStrictEqual(yield* copyBatch, Option.some(5))
        assert.deepStrictEqual(yield* copyBatch, Option.none())
        assert.strictEqual(yield* count("conversion", site), 15)
      })
    )
  })
})
