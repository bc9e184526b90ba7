/** The visits of every website are stored on ClickHouse when its day has ended; a website that fails stops no other one. */
import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Clock, Deferred, Effect, Fiber, Layer, Schema } from "effect"
import { Goals } from "../../../../src/analytics/Goal.ts"
import * as Reports from "../../../../src/analytics/reports/clickhouse/Reports.ts"
import * as RollUpLoop from "../../../../src/analytics/reports/clickhouse/RollUpLoop.ts"
import * as VisitDays from "../../../../src/analytics/reports/clickhouse/VisitDays.ts"
import * as LocalTime from "../../../../src/analytics/reports/LocalTime.ts"
import * as Service from "../../../../src/analytics/reports/Reports.ts"
import * as Inspection from "../../../../src/cli/doctor/Inspection.ts"
import { ClickHouse } from "../../../../src/platform/clickhouse/ClickHouse.ts"
import * as Errors from "../../../../src/platform/clickhouse/Errors.ts"
import * as FailedItems from "../../../../src/platform/rounds/postgres/FailedItems.ts"
import * as Rounds from "../../../../src/platform/rounds/Rounds.ts"
import { decodeRows } from "../../../../src/platform/runtime/Rows.ts"
import { dateOf, dayMillis } from "../../../../src/platform/text/Calendar.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import type { Site } from "../../../../src/sites/Site.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import * as TestClickHouse from "../../../support/clickhouse/TestClickHouse.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"
import * as ReportQuery from "../../../support/ReportQuery.ts"

const noGoals = Layer.mock(Goals, { list: () => Effect.succeed([]), all: Effect.succeed(new Map<never, never>()) })

const live = Reports.layer({ timeout: "60 seconds" }).pipe(
  Layer.provide(noGoals),
  Layer.provideMerge(Layer.merge(SiteDirectory.layer(), SiteDirectory.writableSites({ connections: 3 }))),
  Layer.provideMerge(Layer.merge(TestClient.layer, TestClickHouse.layer))
)

/** The day that ended last has one page view of each new website, and the day that goes on another. */
const newSites = Effect.fnUntraced(function* (timeZones: ReadonlyArray<string>) {
  const { create } = yield* Sites.SiteDirectory
  const { insert } = yield* ClickHouse
  const sites = yield* Effect.forEach(timeZones, (timeZone) => create({ name: "a", origins: [], timeZone }))
  const now = yield* Clock.currentTimeMillis
  const times = [-1, 1].map((days) => now - VisitDays.settleMillis + days * dayMillis)
  yield* insert({
    table: "page_view",
    columns: ["hosted_website_id", "received_at", "path", "visitor_hash"],
    rows: sites.flatMap(({ hostedWebsiteId }) => times.map((time) => [hostedWebsiteId, time, "/", randomUUID()])),
    token: randomUUID()
  })
  return sites
})

const Stored = Schema.Array(Schema.Struct({ id: Schema.String }))

const idsOf = (sites: ReadonlyArray<Site>) => sites.map(({ hostedWebsiteId }): string => hostedWebsiteId).sort()

/** Those of these websites with stored visits that reports use. */
const stored = (sites: ReadonlyArray<Site>) =>
  ClickHouse.use(({ query }) =>
    query(
      `SELECT DISTINCT hosted_website_id AS id FROM visit WHERE hosted_website_id IN {sites:Array(UUID)}
        AND (hosted_website_id, roll) IN (SELECT hosted_website_id, roll FROM visit_run)`,
      { parameters: { sites: idsOf(sites) } }
    )
  ).pipe(
    decodeRows(Stored),
    Effect.map((rows) => rows.map(({ id }) => id).sort())
  )

const failed = Effect.map(FailedItems.list, (items) =>
  items.map(({ failures, item, kind }) => ({ kind, item, failures }))
)

/** Makes all items that wait for their next try due now. */
const makeDue = PgClient.PgClient.use(
  (sql) => sql`UPDATE failed_item SET retry_at = now() - interval '1 second' WHERE retry_at IS NOT NULL`
)

/** Postpones the next tries, so that a slow test does not reach them. */
const postpone = PgClient.PgClient.use(
  (sql) => sql`UPDATE failed_item SET retry_at = now() + interval '1 hour' WHERE retry_at IS NOT NULL`
)

/** A ClickHouse in which the statements that store visits fail, if \`errorOf\` returns the name of an error for their parameters. */
const failing = (clickhouse: ClickHouse["Service"], errorOf: (parameters: string) => string | null) =>
  ClickHouse.of({
    ...clickhouse,
    command: (statement, options) => {
      const type = statement.startsWith("INSERT INTO visit ") ? errorOf(JSON.stringify(options?.parameters)) : null
      return type === null
        ? clickhouse.command(statement, options)
        : Effect.fail(Errors.of(Object.assign(new Error("of a test"), { type })))
    }
  })

TestClickHouse.describeWithClickHouse("analytics/reports/clickhouse/RollUpLoop: days that ended", () => {
  layer(live, { excludeTestServices: true })((it) => {
    it.effect("when a day has ended, the visits of all websites are stored, also of those with few page views", () =>
      Effect.gen(function* () {
        yield* Layer.build(RollUpLoop.layer)
        const sites = yield* newSites(["Pacific/Honolulu", "Pacific/Honolulu", "Asia/Tokyo"])
        const { wake } = yield* Rounds.Wakeups
        wake("rollups")
        yield* stored(sites).pipe(
          Effect.delay("50 millis"),
          Effect.repeat({ until: ({ length }) => length === sites.length })
        )
        assert.deepStrictEqual(yield* stored(sites), idsOf(sites))
      }).pipe(Effect.scoped)
    )

    it.effect("the days of the last week that are missing are stored too, and no day twice", () =>
      Effect.gen(function* () {
        const { create } = yield* Sites.SiteDirectory
        const { insert, query } = yield* ClickHouse
        const now = yield* Clock.currentTimeMillis
        const sites = yield* Effect.forEach(["UTC", "America/St_Johns"], (timeZone) =>
          create({ name: "a", origins: [], timeZone })
        )
        const add = (days: ReadonlyArray<number>) =>
          insert({
            table: "page_view",
            columns: ["hosted_website_id", "received_at", "path", "visitor_hash"],
            rows: sites.flatMap(({ hostedWebsiteId }) =>
              days.map((day) => [hostedWebsiteId, now - VisitDays.settleMillis - day * dayMillis, "/", randomUUID()])
            ),
            token: randomUUID()
          })
        const days = query(
          `SELECT toString(hosted_website_id) AS id, toString(day) AS date FROM visit
            WHERE hosted_website_id IN {sites:Array(UUID)} ORDER BY id, date`,
          { parameters: { sites: idsOf(sites) } }
        ).pipe(decodeRows(Schema.Array(Schema.Struct({ id: Schema.String, date: Schema.String }))))
        const expected = (of: ReadonlyArray<number>) =>
          sites
            .toSorted((left, right) => (left.hostedWebsiteId < right.hostedWebsiteId ? -1 : 1))
            .flatMap(({ hostedWebsiteId, timeZone }) =>
              of.map((day) => ({
                id: hostedWebsiteId as string,
                date: dateOf(LocalTime.zone(timeZone).toLocal(now - VisitDays.settleMillis - day * dayMillis))
              }))
            )
        yield* add([4])
        yield* yield* RollUpLoop.makeRound
        assert.deepStrictEqual(yield* days, expected([4]))
        yield* add([9, 6, 0])
        yield* yield* RollUpLoop.makeRound
        yield* yield* RollUpLoop.makeRound
        assert.deepStrictEqual(yield* days, expected([6, 4]))
      })
    )

    it.effect("a website in an unknown time zone fails, is set apart and shown by doctor, and the others go on", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const [broken, ...healthy] = yield* newSites(["UTC", "UTC", "Asia/Tokyo"])
        if (broken === undefined) return assert.fail("no website")
        yield* sql`UPDATE site SET time_zone = 'Mars/Olympus' WHERE website_config_id = ${broken.websiteConfigId}`
        const round = yield* RollUpLoop.makeRound
        yield* round
        assert.deepStrictEqual(yield* stored([broken, ...healthy]), idsOf(healthy))
        const item = { kind: "rollup", item: broken.hostedWebsiteId }
        assert.deepStrictEqual(yield* failed, [{ ...item, failures: 1 }])
        // Not due yet.
        yield* postpone
        yield* round
        assert.deepStrictEqual(yield* failed, [{ ...item, failures: 1 }])
        for (const failures of [2, 3, 4, 5, 6, 7, 8, 9, 10, 10]) {
          yield* makeDue
          yield* round
          assert.deepStrictEqual(yield* failed, [{ ...item, failures }])
        }
        const [facts] = (yield* Inspection.database("20 seconds")).failedItems
        assert.strictEqual(facts?.retryAt, null)
        assert.include(facts?.reason ?? "", "Mars/Olympus")
        // A new process tries again what was set apart.
        yield* sql`UPDATE site SET time_zone = 'UTC' WHERE website_config_id = ${broken.websiteConfigId}`
        yield* FailedItems.retryAll
        yield* yield* RollUpLoop.makeRound
        assert.deepStrictEqual(yield* failed, [])
        assert.deepStrictEqual(yield* stored([broken, ...healthy]), idsOf([broken, ...healthy]))
      })
    )

    it.effect(
      "a website that ClickHouse fails for is found in its batch and tried again, and the others are stored",
      () =>
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          const sites = yield* newSites(["UTC", "UTC", "UTC", "UTC"])
          const [broken, ...healthy] = sites
          if (broken === undefined) return assert.fail("no website")
          let attempts = 0
          let isBroken = true
          const clickhouse = failing(yield* ClickHouse, (parameters) => {
            attempts++
            return isBroken && parameters.includes(broken.hostedWebsiteId) ? "LOGICAL_ERROR" : null
          })
          const round = yield* Effect.provideService(RollUpLoop.makeRound, ClickHouse, clickhouse)
          const run = Effect.provideService(round, ClickHouse, clickhouse)
          yield* run
          assert.deepStrictEqual(yield* stored([broken, ...healthy]), idsOf(healthy))
          assert.deepStrictEqual(
            (yield* FailedItems.list).map(({ item, reason }) => [item, reason]),
            [[broken.hostedWebsiteId, "LOGICAL_ERROR: of a test"]]
          )
          // The batch, and two halves of 4 and 2.
          assert.strictEqual(attempts, 5)
          isBroken = false
          yield* postpone
          yield* run
          assert.deepStrictEqual(yield* stored([broken, ...healthy]), idsOf(healthy))
          yield* makeDue
          yield* run
          assert.deepStrictEqual(yield* stored(sites), idsOf(sites))
          assert.deepStrictEqual(yield* failed, [])
          // A deleted website is not tried for ever.
          yield* sql`INSERT INTO failed_item (kind, item, failures, reason, failed_at, retry_at)
          VALUES ('rollup', ${randomUUID()}, 1, 'a', now(), now())`
          yield* makeDue
          yield* run
          assert.deepStrictEqual(yield* failed, [])
        })
    )

    it.effect("if ClickHouse itself is the reason, no website has failed, and the round is repeated", () =>
      Effect.gen(function* () {
        const sites = yield* newSites(["UTC", "UTC"])
        const all = yield* ClickHouse
        let type: string | null = null
        const clickhouse = failing(all, () => type)
        const round = yield* Effect.provideService(RollUpLoop.makeRound, ClickHouse, clickhouse)
        const run = Effect.provideService(round, ClickHouse, clickhouse)
        for (const name of ["NETWORK_ERROR", "ACCESS_DENIED", "UNKNOWN_TABLE"]) {
          type = name
          assert.strictEqual((yield* Effect.flip(run))._tag, "ClickHouseError")
          assert.deepStrictEqual(yield* failed, [])
        }
        type = null
        yield* run
        assert.deepStrictEqual(yield* stored(sites), idsOf(sites))
      })
    )

    it.effect(
      "reports count visits once if a process dies before it has stored all, and if two processes store them at once",
      () =>
        Effect.gen(function* () {
          const sites = yield* newSites(["UTC", "UTC"])
          const clickhouse = yield* ClickHouse
          const reports = yield* Service.Reports
          const date = dateOf((yield* Clock.currentTimeMillis) - VisitDays.settleMillis - dayMillis)
          const visits = Effect.forEach(sites, (site) =>
            Effect.map(
              reports.query(site, {
                ...ReportQuery.plain,
                siteId: site.websiteConfigId,
                metrics: ["visitors", "visits"],
                range: { first: date, last: date },
                timeZone: "UTC",
                dimensions: [],
                orderBy: [{ by: "visitors", direction: "desc" }],
                limit: 10
              }),
              ({ results }) => results[0]?.metrics
            )
          )
          const once = [
            [1, 1],
            [1, 1]
          ]
          const reached = yield* Deferred.make<void>()
          const dying = ClickHouse.of({
            ...clickhouse,
            insert: () => Effect.andThen(Deferred.succeed(reached, undefined), Effect.never)
          })
          const process = yield* Effect.forkChild(
            Effect.provideService(Effect.flatten(RollUpLoop.makeRound), ClickHouse, dying)
          )
          yield* Deferred.await(reached)
          yield* Fiber.interrupt(process)
          // Half stored: visits that no run has.
          const all = clickhouse.query("SELECT day FROM visit WHERE hosted_website_id IN {sites:Array(UUID)}", {
            parameters: { sites: idsOf(sites) }
          })
          assert.lengthOf(yield* all, 2)
          assert.deepStrictEqual(yield* stored(sites), [])
          assert.deepStrictEqual(yield* visits, once)
          assert.deepStrictEqual(yield* failed, [])
          const others = [yield* RollUpLoop.makeRound, yield* RollUpLoop.makeRound]
          yield* Effect.all(others, { concurrency: "unbounded" })
          assert.deepStrictEqual(yield* stored(sites), idsOf(sites))
          assert.deepStrictEqual(yield* visits, once)
        })
    )
  })
})
