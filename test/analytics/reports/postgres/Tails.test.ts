/** Reports share what the page views after the stored visits add: exactly if they are few, and for some seconds if they are many. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Clock, Effect, Layer } from "effect"
import * as LocalTime from "../../../../src/analytics/reports/LocalTime.ts"
import * as DayRollUp from "../../../../src/analytics/reports/postgres/DayRollUp.ts"
import * as Query from "../../../../src/analytics/reports/postgres/Reports.ts"
import * as Tails from "../../../../src/analytics/reports/postgres/Tails.ts"
import type { Dimension, Metric } from "../../../../src/analytics/reports/Query.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"
import * as ReportQuery from "../../../support/ReportQuery.ts"

const live = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

const date = "2026-10-24"

const metrics: ReadonlyArray<Metric> = ["visitors", "pageviews"]

/** A website whose visits are stored up to 12:00, and what adds page views of further visitors and reads its page views. */
const makeSite = Effect.fnUntraced(function* (maxGroups?: number) {
  const sql = yield* PgClient.PgClient
  const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
  const id = PgTypes.uuid(site.hostedWebsiteId)
  const add = (first: number, last: number, time = "12:10", path = "/") =>
    sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
      SELECT ${id}, ${`${date} ${time}Z`}::timestamptz, ${path}, decode(md5(n::text), 'hex')
      FROM generate_series(${first}::int, ${last}::int) AS n`
  const [day] = LocalTime.days("UTC", date, date)
  if (day === undefined) return assert.fail()
  yield* add(1, 3, "11:50")
  yield* DayRollUp.deleteOutdated(sql, DayRollUp.only(site))
  yield* DayRollUp.advance(sql, site, day, Date.parse(`${date}T12:00:00Z`), 1000)
  const reader = { sql, tails: yield* Tails.make(sql, maxGroups) }
  const read = (...dimensions: ReadonlyArray<Dimension>) =>
    Query.readOnly(
      sql,
      "20 seconds"
    )(
      Query.answer(reader, site, {
        ...ReportQuery.plain,
        ...{ siteId: site.websiteConfigId, metrics, dimensions, range: { first: date, last: date } },
        ...{ orderBy: [{ by: "pageviews", direction: "desc" }], timeZone: "UTC", limit: 10 }
      })
    ).pipe(Effect.map(({ results }) => results.map((row) => [...row.dimensions, ...row.metrics])))
  return { sql, id, add, read }
})

layer(live, { excludeTestServices: true })("analytics/reports/postgres: tails", (it) => {
  it.effect("a report counts each page view at once, also one that takes the place of another", () =>
    Effect.gen(function* () {
      const { add, id, read, sql } = yield* makeSite()
      assert.deepStrictEqual(yield* read(), [[3, 3]])
      yield* add(3, 5)
      assert.deepStrictEqual(yield* read(), [[5, 6]])
      assert.deepStrictEqual(yield* read("event:page"), [["/", 5, 6]])
      assert.deepStrictEqual(yield* read("visit:exit_page"), [["/", 5, 6]])
      yield* add(3, 3, "12:20", "/pricing")
      assert.deepStrictEqual(yield* read(), [[5, 7]])
      assert.deepStrictEqual(yield* read("event:page"), [
        ["/", 5, 6],
        ["/pricing", 1, 1]
      ])
      // The visit of the third visitor leaves from another page.
      assert.deepStrictEqual(yield* read("visit:exit_page"), [
        ["/", 4, 4],
        ["/pricing", 1, 3]
      ])
      yield* sql`DELETE FROM page_view WHERE hosted_website_id = ${id} AND path = '/pricing'`
      yield* sql`DELETE FROM rollup_stale WHERE hosted_website_id = ${id}`
      yield* add(9, 9, "12:20", "/pricing")
      assert.deepStrictEqual(yield* read("visit:exit_page"), [
        ["/", 5, 6],
        ["/pricing", 1, 1]
      ])
    })
  )

  it.effect("if they add to more groups than are kept, each report counts the visits of the day", () =>
    Effect.gen(function* () {
      const { add, read } = yield* makeSite(5)
      yield* add(3, 4)
      yield* add(9, 9, "12:20", "/pricing")
      assert.deepStrictEqual(yield* read(), [[5, 6]])
      assert.deepStrictEqual(yield* read("visit:exit_page"), [
        ["/", 4, 5],
        ["/pricing", 1, 1]
      ])
    })
  )

  it.effect("after many page views, reports of the next three seconds have the same ones", () =>
    Effect.gen(function* () {
      const { add, read } = yield* makeSite()
      const clock = yield* Clock.Clock
      let now = Date.parse(`${date}T12:30:00Z`)
      const frozen: Clock.Clock = Object.create(clock, {
        currentTimeMillisUnsafe: { value: () => now },
        currentTimeMillis: { value: Effect.sync(() => now) }
      })
      yield* Effect.gen(function* () {
        yield* add(1, 1500)
        assert.deepStrictEqual(yield* read(), [[1500, 1503]])
        yield* add(2001, 2100)
        now += 2_999
        assert.deepStrictEqual(yield* read(), [[1500, 1503]])
        assert.deepStrictEqual(yield* read("visit:entry_page"), [["/", 1500, 1503]])
        now += 1
        assert.deepStrictEqual(yield* read(), [[1600, 1603]])
      }).pipe(Effect.provideService(Clock.Clock, frozen))
    })
  )
})
