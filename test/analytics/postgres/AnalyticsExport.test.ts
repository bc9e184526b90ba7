import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import * as AnalyticsExport from "../../../src/analytics/postgres/AnalyticsExport.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"

const begin = Date.UTC(2026, 2, 1)
const day = 86_400_000

/** Stores page views whose paths are their numbers, `perMicrosecond` of them in each microsecond. */
const store = (hostedWebsiteId: string, count: number, perMicrosecond: number) =>
  PgClient.PgClient.use(
    (sql) => sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
      SELECT ${hostedWebsiteId}::uuid, ${new Date(begin)}::timestamptz + (number / ${perMicrosecond}::int) * interval '1 microsecond',
        '/' || number, decode(repeat('00', 16), 'hex')
      FROM generate_series(0, ${count}::int - 1) AS number`
  )

const rowsOf = (hostedWebsiteId: string) =>
  Stream.unwrap(
    PgClient.PgClient.useSync((sql) => AnalyticsExport.rowsOf(sql, { hostedWebsiteId, from: begin, to: begin + day }))
  )

const pathsOf = (hostedWebsiteId: string) =>
  rowsOf(hostedWebsiteId).pipe(Stream.map((row) => (row.type === "pageview" ? row.view.path : row.type)))

/** A client that has one connection. */
const withOneConnection = Layer.unwrap(
  Effect.map(TestDatabase.connection, ({ url }) =>
    Layer.effect(PgClient.PgClient, PgClient.make({ url, maxConnections: 1 })).pipe(Layer.provide(Reactivity.layer))
  )
)

describe("analytics/postgres/AnalyticsExport", () => {
  it.effect("every row comes once and in order, also if a page of the result ends between rows of the same time", () =>
    Effect.gen(function* () {
      const [one, other] = [randomUUID(), randomUUID()]
      yield* store(one, 3500, 900)
      yield* store(other, 10, 1)
      const paths = yield* Stream.runCollect(pathsOf(one))
      assert.deepStrictEqual(
        paths,
        Array.from({ length: 3500 }, (_, number) => `/${number}`)
      )
    }).pipe(Effect.provide(withOneConnection))
  )

  it.effect("a page of large rows is bounded by their size", () =>
    Effect.gen(function* () {
      const id = randomUUID()
      yield* PgClient.PgClient.use(
        (sql) => sql`INSERT INTO event (hosted_website_id, received_at, name, path, visitor_hash, properties)
          SELECT ${id}::uuid, ${new Date(begin)}::timestamptz + number * interval '1 second', 'Signup', '/' || number,
            decode(repeat('00', 16), 'hex'), json_build_object('a', repeat('é', 30000))
          FROM generate_series(0, 59) AS number`
      )
      const pages = yield* rowsOf(id).pipe(
        Stream.map((row) => (row.type === "event" ? row.event.path : "")),
        Stream.mapArray((paths) => [paths]),
        Stream.runCollect
      )
      assert.deepStrictEqual(
        pages.flat(),
        Array.from({ length: 60 }, (_, number) => `/${number}`)
      )
      for (const page of pages) assert.isAtMost(page.length, Math.ceil(AnalyticsExport.pageBytes / 60_000))
    }).pipe(Effect.provide(withOneConnection))
  )

  it.live("an export uses no connection while its reader handles a row", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const id = randomUUID()
      yield* store(id, 3500, 1)
      const rows = yield* pathsOf(id).pipe(
        Stream.mapEffect(() => sql`SELECT 1 AS one`.pipe(Effect.timeout("60 seconds"))),
        Stream.take(1),
        Stream.runCollect
      )
      assert.lengthOf(rows, 1)
    }).pipe(Effect.provide(withOneConnection))
  )
})
