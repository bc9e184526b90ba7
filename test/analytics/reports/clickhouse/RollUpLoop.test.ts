/** The visits of past days are stored in the background and by `rebuild`. Replaced visits are deleted. */
import { randomUUID } from "node:crypto"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer, Logger, Schema } from "effect"
import * as SeparateStore from "../../../../src/analytics/clickhouse/SeparateStore.ts"
import { Goals } from "../../../../src/analytics/Goal.ts"
import * as DayRollUp from "../../../../src/analytics/reports/clickhouse/DayRollUp.ts"
import * as Reader from "../../../../src/analytics/reports/clickhouse/Reader.ts"
import * as Reports from "../../../../src/analytics/reports/clickhouse/Reports.ts"
import * as RollUpLoop from "../../../../src/analytics/reports/clickhouse/RollUpLoop.ts"
import type { Query as CoreQuery } from "../../../../src/analytics/reports/Query.ts"
import * as Service from "../../../../src/analytics/reports/Reports.ts"
import { ClickHouse } from "../../../../src/platform/clickhouse/ClickHouse.ts"
import * as Errors from "../../../../src/platform/clickhouse/Errors.ts"
import { decodeRows } from "../../../../src/platform/runtime/Rows.ts"
import { dateOf, dayMillis } from "../../../../src/platform/text/Calendar.ts"
import * as SiteDirectory from "../../../../src/sites/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import * as EverySite from "../../../support/clickhouse/EverySite.ts"
import * as TestClickHouse from "../../../support/clickhouse/TestClickHouse.ts"
import * as ReportQuery from "../../../support/ReportQuery.ts"

const noGoals = Layer.mock(Goals, { list: () => Effect.succeed([]), all: Effect.succeed(new Map<never, never>()) })

const live = Reports.layer({ timeout: "60 seconds" }).pipe(
  Layer.provide(EverySite.writable),
  Layer.provide(noGoals),
  Layer.provideMerge(SiteDirectory.layerMemory()),
  Layer.provideMerge(TestClickHouse.layer)
)

const Count = Schema.Tuple([Schema.Struct({ visits: Schema.Int, rolls: Schema.Int })])

const stored = (hostedWebsiteId: string) =>
  ClickHouse.use(({ query }) =>
    query("SELECT count() AS visits, uniqExact(roll) AS rolls FROM visit WHERE hosted_website_id = {site:UUID}", {
      parameters: { site: hostedWebsiteId }
    })
  ).pipe(
    decodeRows(Count),
    Effect.map(([found]) => found)
  )

TestClickHouse.describeWithClickHouse("analytics/reports/clickhouse/RollUpLoop", () => {
  layer(live, { excludeTestServices: true })((it) => {
    it.effect(
      "a report of many rows of a past day causes a rollup run, `rebuild` replaces the stored visits, and an erasure deletes them",
      () =>
        Effect.gen(function* () {
          const reports = yield* Service.Reports
          const clickhouse = yield* ClickHouse
          const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
          const now = yield* Clock.currentTimeMillis
          const date = dateOf(now - 3 * dayMillis)
          yield* clickhouse.command(
            `INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
            SELECT {site:UUID}, toDateTime64({noon:String}, 3, 'UTC'), '/', generateUUIDv4() FROM numbers(25000)`,
            { parameters: { site: site.hostedWebsiteId, noon: `${date} 12:00:00` } }
          )
          const query: CoreQuery = {
            ...ReportQuery.plain,
            siteId: site.websiteConfigId,
            metrics: ["visitors", "visits"],
            range: { first: date, last: date },
            timeZone: "UTC",
            dimensions: [],
            orderBy: [{ by: "visitors", direction: "desc" }],
            limit: 10
          }
          const counts = Effect.map(reports.query(site, query), ({ results }) => results[0]?.metrics)
          assert.deepStrictEqual(yield* counts, [25_000, 25_000])
          const first = yield* stored(site.hostedWebsiteId).pipe(
            Effect.delay("100 millis"),
            Effect.repeat({ until: ({ visits }) => visits > 0 })
          )
          assert.deepStrictEqual(first, { visits: 25_000, rolls: 1 })
          assert.deepStrictEqual(yield* counts, [25_000, 25_000])
          yield* reports.rebuild()
          assert.deepStrictEqual(yield* stored(site.hostedWebsiteId), { visits: 50_000, rolls: 2 })
          assert.deepStrictEqual(yield* counts, [25_000, 25_000])
          const reader = Reader.make(clickhouse, { seconds: 60, memory: 1_000_000_000 })
          yield* DayRollUp.removeReplaced(reader, [site.hostedWebsiteId], -dayMillis)
          assert.deepStrictEqual(yield* stored(site.hostedWebsiteId), { visits: 25_000, rolls: 1 })
          assert.deepStrictEqual(yield* counts, [25_000, 25_000])
          yield* SeparateStore.erase(site.hostedWebsiteId, "60 seconds")
          assert.deepStrictEqual(yield* stored(site.hostedWebsiteId), { visits: 0, rolls: 0 })
          assert.deepStrictEqual(yield* counts, [0, 0])
        })
    )

    it.effect("if replaced visits cannot be deleted, the log does not say that visits could not be stored", () => {
      const lines: Array<string> = []
      const logs = Logger.layer([Logger.make(({ message }) => void lines.push(String([message].flat()[0])))])
      return Effect.gen(function* () {
        const clickhouse = yield* ClickHouse
        const site = randomUUID()
        const day = Math.floor((yield* Clock.currentTimeMillis) / dayMillis) - 3
        const replaced = [[site, dateOf(day * dayMillis), 1]]
        yield* clickhouse.insert({
          ...{ table: "visit", columns: ["hosted_website_id", "day", "roll"], rows: replaced, token: randomUUID() }
        })
        // Last, because the tests' engine applies the token of an insert to later statements, and drops repeated inserts.
        yield* clickhouse.insert({
          table: "page_view",
          columns: ["hosted_website_id", "received_at", "path", "visitor_hash"],
          rows: Array.from({ length: 25_000 }, () => [site, day * dayMillis, "/", randomUUID()]),
          token: randomUUID()
        })
        const { offer } = yield* RollUpLoop.make.pipe(
          Effect.provideService(ClickHouse, {
            ...clickhouse,
            command: (statement, options) =>
              statement.startsWith("ALTER")
                ? Effect.fail(Errors.of(Object.assign(new Error("no privilege"), { type: "ACCESS_DENIED" })))
                : clickhouse.command(statement, options)
          })
        )
        offer({ hostedWebsiteId: site, timeZone: "UTC" }, [
          [{ date: dateOf(day * dayMillis), start: day * dayMillis, end: (day + 1) * dayMillis }]
        ])
        yield* Effect.repeat(Effect.sleep("50 millis"), { until: () => lines.length > 0 })
        assert.deepStrictEqual(yield* stored(site), { visits: 25_001, rolls: 2 })
        assert.deepStrictEqual(lines, [
          "Could not delete replaced visits; the next rollup run of the website tries again. ClickHouse answered with an error (ACCESS_DENIED: no privilege). See hydracore doctor."
        ])
      }).pipe(Effect.provide([logs, EverySite.writable]), Effect.scoped)
    })

    it.effect("the replaced visits of a website are deleted after the first of several rollup runs", () =>
      Effect.gen(function* () {
        const clickhouse = yield* ClickHouse
        const site = randomUUID()
        const last = Math.floor((yield* Clock.currentTimeMillis) / dayMillis) - 3
        const days = [last - 2, last - 1, last]
        yield* clickhouse.insert({
          table: "visit",
          columns: ["hosted_website_id", "day", "roll"],
          rows: days.map((day) => [site, dateOf(day * dayMillis), 1]),
          token: randomUUID()
        })
        yield* clickhouse.insert({
          table: "page_view",
          columns: ["hosted_website_id", "received_at", "path", "visitor_hash"],
          rows: days.flatMap((day) => Array.from({ length: 1_000 }, () => [site, day * dayMillis, "/", randomUUID()])),
          token: randomUUID()
        })
        let deletions = 0
        const { offer } = yield* RollUpLoop.make.pipe(
          Effect.provideService(ClickHouse, {
            ...clickhouse,
            command: (statement, options) => {
              if (statement.startsWith("ALTER")) deletions++
              return statement.startsWith("ALTER") ? Effect.void : clickhouse.command(statement, options)
            }
          })
        )
        for (const day of days) {
          offer({ hostedWebsiteId: site, timeZone: "UTC" }, [
            [{ date: dateOf(day * dayMillis), start: day * dayMillis, end: (day + 1) * dayMillis }]
          ])
        }
        // The last one begins after the others have ended.
        yield* Effect.repeat(Effect.delay(stored(site), "50 millis"), { until: ({ visits }) => visits >= 3_003 })
        // One for each table.
        assert.strictEqual(deletions, 4)
      }).pipe(Effect.provide(EverySite.writable), Effect.scoped)
    )
  })
})
