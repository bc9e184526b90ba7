import { randomUUID } from "node:crypto"
import { assert, layer as withLayer } from "@effect/vitest"
import { Effect, Stream } from "effect"
import * as AnalyticsExport from "../../../src/analytics/clickhouse/AnalyticsExport.ts"
import { ClickHouse } from "../../../src/platform/clickhouse/ClickHouse.ts"
import * as TestClickHouse from "../../support/clickhouse/TestClickHouse.ts"

const begin = Date.UTC(2026, 2, 1, 23, 59, 58)

/** The rows of a website until `to`. */
const rowsOf = (hostedWebsiteId: string, to: number) =>
  Stream.unwrap(
    ClickHouse.useSync((client) => AnalyticsExport.rowsOf(client, "20 seconds", { hostedWebsiteId, from: begin, to }))
  )

/** Stores page views whose paths are their numbers, `perMillisecond` of them in each millisecond. */
const store = (website: string, count: number, perMillisecond: number) =>
  ClickHouse.use(({ command }) =>
    command(
      `INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
        SELECT {website:UUID}, fromUnixTimestamp64Milli({begin:Int64} + intDiv(number, {perMillisecond:Int64}), 'UTC'),
          toString(number), generateUUIDv4() FROM numbers({count:UInt64})`,
      { parameters: { website, begin, perMillisecond, count } }
    )
  )

const pathsOf = (hostedWebsiteId: string, to: number) =>
  rowsOf(hostedWebsiteId, to).pipe(
    Stream.map((row) => (row.type === "pageview" ? row.view.path : row.type)),
    Stream.runCollect
  )

TestClickHouse.describeWithClickHouse("with ClickHouse", () => {
  withLayer(TestClickHouse.layer)("analytics/clickhouse/AnalyticsExport", (it) => {
    it.effect(
      "every row comes once and in order of time, also if a page of results ends between rows of the same millisecond",
      () =>
        Effect.gen(function* () {
          const [one, other] = [randomUUID(), randomUUID()]
          // Pages of results end between rows of the same millisecond, on two days.
          yield* store(one, 12_000, 3)
          yield* store(other, 10, 1)
          const paths = (yield* pathsOf(one, begin + 100_000)).map(Number)
          assert.deepStrictEqual(
            paths.map((path) => Math.floor(path / 3)),
            Array.from({ length: 12_000 }, (_, number) => Math.floor(number / 3))
          )
          assert.strictEqual(new Set(paths).size, 12_000)
          assert.lengthOf(yield* pathsOf(one, begin + 1_000), 3_000)
        })
    )

    it.effect("a page of large rows is bounded by their size", () =>
      Effect.gen(function* () {
        const website = randomUUID()
        yield* ClickHouse.use(({ command }) =>
          command(
            `INSERT INTO event (hosted_website_id, received_at, name, path, visitor_hash, properties)
              SELECT {website:UUID}, fromUnixTimestamp64Milli({begin:Int64} + number, 'UTC'), 'Signup', toString(number),
                generateUUIDv4(), concat('{"a":"', repeat('a', 60000), '"}') FROM numbers(60)`,
            { parameters: { website, begin } }
          )
        )
        const pages = yield* rowsOf(website, begin + 1_000).pipe(
          Stream.map((row) => (row.type === "event" ? row.event.path : "")),
          Stream.mapArray((paths) => [paths]),
          Stream.runCollect
        )
        assert.deepStrictEqual(
          pages.flat(),
          Array.from({ length: 60 }, (_, number) => String(number))
        )
        for (const page of pages) assert.isAtMost(page.length, Math.ceil(AnalyticsExport.pageBytes / 60_000))
      })
    )

    it.effect("every row comes once, even if a millisecond has more rows than a page of results", () =>
      Effect.gen(function* () {
        const website = randomUUID()
        yield* store(website, 13_000, 6_000)
        assert.strictEqual(new Set(yield* pathsOf(website, begin + 1_000)).size, 13_000)
      })
    )
  })
})
