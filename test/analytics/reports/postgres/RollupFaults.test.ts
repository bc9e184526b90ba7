/** Concurrent rollup runs, rollup runs that fail, and reports that take too long. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, layer } from "@effect/vitest"
import { Context, Effect, Fiber, Layer, Schema } from "effect"
import * as DayRollUp from "../../../../src/analytics/reports/postgres/DayRollUp.ts"
import * as PostgresReports from "../../../../src/analytics/reports/postgres/Reports.ts"
import * as RollUpLoop from "../../../../src/analytics/reports/postgres/RollUpLoop.ts"
import type { Query } from "../../../../src/analytics/reports/Query.ts"
import { Reports } from "../../../../src/analytics/reports/Reports.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import * as Locks from "../../../support/postgres/Locks.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"
import * as ReportQuery from "../../../support/ReportQuery.ts"

const live = Layer.merge(SiteDirectory.layer(), PostgresReports.layer({ timeout: "20 seconds" })).pipe(
  Layer.provideMerge(TestClient.layer)
)

const query: Query = {
  ...ReportQuery.plain,
  siteId: "",
  metrics: ["visitors", "pageviews"],
  dimensions: [],
  limit: 10,
  range: { first: "2026-10-01", last: "2026-10-31" },
  timeZone: "UTC"
}

/** A website with three page views of two visitors. */
const newSite = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
  yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
    SELECT ${site.hostedWebsiteId}, timestamptz '2026-10-05 12:00Z' + n * interval '1 minute', '/', decode(md5((n / 2)::text), 'hex')
    FROM generate_series(0, 2) AS n`
  return site
})

const Counts = Schema.Tuple([Schema.Struct({ days: Schema.Int, visits: Schema.Int, sums: Schema.Int })])

const stored = Effect.fnUntraced(function* (hostedWebsiteId: string) {
  const sql = yield* PgClient.PgClient
  const [counts] = yield* sql`SELECT
      (SELECT count(*)::int FROM rollup_day WHERE hosted_website_id = ${hostedWebsiteId}) AS days,
      (SELECT count(*)::int FROM visit WHERE hosted_website_id = ${hostedWebsiteId}) AS visits,
      (SELECT count(*)::int FROM rollup WHERE hosted_website_id = ${hostedWebsiteId}) AS sums`.pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Counts))
  )
  return counts
})

/** Makes the rollups that failed due now. */
const makeDue = PgClient.PgClient.use((sql) => sql`UPDATE failed_item SET retry_at = now() - interval '1 second'`)

const nothing = { days: 0, visits: 0, sums: 0 }

describe("analytics/reports/postgres: faults", () => {
  layer(live, { excludeTestServices: true })((it) => {
    it.effect("while one process rolls up a website, others skip the website", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const site = yield* newSite
        // The lock of `DayRollUp.exclusively`.
        const other = yield* Locks.openTransaction(
          sql,
          sql.unsafe(`SELECT pg_advisory_xact_lock(${DayRollUp.lockKeys("$1")})`, [PgTypes.text(site.hostedWebsiteId)])
        )
        yield* RollUpLoop.round
        assert.deepStrictEqual(yield* stored(site.hostedWebsiteId), nothing)
        yield* other.commit
        yield* Effect.all([RollUpLoop.round, RollUpLoop.round], { concurrency: "unbounded" })
        yield* RollUpLoop.round
        const { days, visits } = yield* stored(site.hostedWebsiteId)
        assert.isAbove(days, 0)
        assert.strictEqual(visits, 2)
      })
    )

    it.effect(
      "a rollup run that overlaps another one of the same website fails as busy, and the next round repeats it",
      () =>
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          const site = yield* newSite
          yield* RollUpLoop.round
          yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
          VALUES (${site.hostedWebsiteId}, '2026-10-05 18:00Z', '/late', decode(md5('late'), 'hex'))`
          const other = yield* Locks.openTransaction(
            sql,
            sql`LOCK TABLE site IN ACCESS EXCLUSIVE MODE`,
            sql`UPDATE rollup_site SET version = version WHERE hosted_website_id = ${site.hostedWebsiteId}`
          )
          const outdated = yield* Effect.forkChild(
            DayRollUp.deleteOutdated(sql, DayRollUp.only({ ...site, timeZone: "UTC" }))
          )
          // A rollup run that waits for the table `site` has taken its snapshot, which lacks the update of the other transaction.
          yield* Locks.untilAwaited(sql)
          yield* other.commit
          assert.strictEqual((yield* Effect.flip(Fiber.join(outdated)))._tag, "Busy")
          yield* RollUpLoop.round
          assert.strictEqual((yield* stored(site.hostedWebsiteId)).visits, 3)
        })
    )

    it.effect("a rollup run that fails in the middle stores nothing, and the next rollup run is complete", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const site = yield* newSite
        const { query: ask } = yield* Reports
        const expected = (yield* ask(site, query)).results
        yield* sql`CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'disk full'; END $$`
        yield* sql`CREATE TRIGGER fail BEFORE INSERT ON rollup FOR EACH ROW EXECUTE FUNCTION fail()`
        yield* RollUpLoop.round
        assert.deepStrictEqual(yield* stored(site.hostedWebsiteId), nothing)
        assert.deepStrictEqual((yield* ask(site, query)).results, expected)
        yield* sql`DROP TRIGGER fail ON rollup`
        yield* makeDue
        yield* RollUpLoop.round
        assert.isAbove((yield* stored(site.hostedWebsiteId)).sums, 0)
        assert.deepStrictEqual((yield* ask(site, query)).results, expected)
      })
    )

    it.effect("if one website of a batch fails, the others are rolled up", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const [first, broken, last] = [yield* newSite, yield* newSite, yield* newSite]
        yield* sql.unsafe(
          `ALTER TABLE rollup ADD CONSTRAINT broken CHECK (hosted_website_id <> '${broken.hostedWebsiteId}')`
        )
        yield* RollUpLoop.round
        for (const { hostedWebsiteId } of [first, last]) {
          assert.strictEqual((yield* stored(hostedWebsiteId)).visits, 2)
        }
        assert.deepStrictEqual(yield* stored(broken.hostedWebsiteId), nothing)
        assert.deepStrictEqual(yield* sql`SELECT item FROM failed_item WHERE kind = 'rollup'`, [
          { item: broken.hostedWebsiteId }
        ])
        yield* sql`ALTER TABLE rollup DROP CONSTRAINT broken`
        yield* makeDue
        yield* RollUpLoop.round
        assert.strictEqual((yield* stored(broken.hostedWebsiteId)).visits, 2)
        assert.deepStrictEqual(yield* sql`SELECT FROM failed_item WHERE kind = 'rollup'`, [])
      })
    )

    it.effect("days whose rollup run fails after a late row are rolled up by the next round", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const site = yield* newSite
        yield* RollUpLoop.round
        yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
          VALUES (${site.hostedWebsiteId}, '2026-10-05 18:00Z', '/late', decode(md5('late'), 'hex'))`
        yield* sql`CREATE TRIGGER fail BEFORE INSERT ON rollup FOR EACH ROW EXECUTE FUNCTION fail()`
        yield* RollUpLoop.round
        yield* sql`DROP TRIGGER fail ON rollup`
        yield* makeDue
        yield* RollUpLoop.round
        assert.strictEqual((yield* stored(site.hostedWebsiteId)).visits, 3)
      })
    )

    it.effect(
      "a rollup run continues after an interruption without repeating its finished days; after a change of goals it repeats them",
      () =>
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          const site = yield* newSite
          const storedBy = sql`SELECT DISTINCT xmin::text AS transaction FROM rollup_day
          WHERE hosted_website_id = ${site.hostedWebsiteId} AND day <= '2026-10-31'`
          yield* RollUpLoop.round
          const before = yield* storedBy
          // The state of a first rollup run that was interrupted after some days.
          yield* sql`UPDATE rollup_site SET rolled_before = NULL WHERE hosted_website_id = ${site.hostedWebsiteId}`
          yield* RollUpLoop.round
          assert.deepStrictEqual(yield* storedBy, before)
          yield* sql`INSERT INTO goal (goal_id, website_config_id, name, kind, value)
          VALUES (gen_random_uuid(), ${site.websiteConfigId}, 'Home', 'page', '/')`
          yield* RollUpLoop.round
          assert.notDeepEqual(yield* storedBy, before)
        })
    )

    it.effect(
      "a goal that is created during a rollup run counts in reports at once, and in the sums of the next round",
      () =>
        Effect.gen(function* () {
          const sql = yield* PgClient.PgClient
          const site = yield* newSite
          const { query: ask } = yield* Reports
          const conversions = Effect.map(
            ask(site, { ...query, metrics: ["conversions"] }),
            ({ results }) => results[0]?.metrics
          )
          const isCounted = sql`SELECT bool_and(goals = 'counted') AS counted FROM rollup_day
          WHERE hosted_website_id = ${site.hostedWebsiteId}`
          const blocker = yield* Locks.openTransaction(sql, sql`LOCK TABLE visit IN SHARE MODE`)
          const rollUp = yield* Effect.forkChild(RollUpLoop.round)
          // The transaction that sums the days has taken its snapshot.
          yield* Locks.untilAwaited(sql)
          yield* sql`INSERT INTO goal (goal_id, website_config_id, name, kind, value)
          VALUES (gen_random_uuid(), ${site.websiteConfigId}, 'Home', 'page', '/')`
          yield* blocker.commit
          yield* Fiber.join(rollUp)
          assert.deepStrictEqual(yield* isCounted, [{ counted: true }])
          assert.deepStrictEqual(yield* conversions, [3])
          yield* RollUpLoop.round
          assert.deepStrictEqual(yield* sql`SELECT FROM rollup_stale`, [])
          assert.deepStrictEqual(yield* isCounted, [{ counted: true }])
          assert.deepStrictEqual(yield* conversions, [3])
          yield* sql`DELETE FROM goal WHERE website_config_id = ${site.websiteConfigId}`
          assert.deepStrictEqual(yield* conversions, [0])
          yield* RollUpLoop.round
          assert.deepStrictEqual(yield* conversions, [0])
        })
    )

    it.effect("a report that takes longer than its time limit fails with ReportTimeout", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const site = yield* newSite
        const reports = yield* Layer.build(PostgresReports.layer({ timeout: "100 millis" }))
        const { query: ask } = Context.get(reports, Reports)
        const error = yield* sql`LOCK TABLE rollup_site IN ACCESS EXCLUSIVE MODE`.pipe(
          Effect.andThen(Effect.flip(ask(site, query))),
          sql.withTransaction
        )
        assert.strictEqual(error._tag, "ReportTimeout")
      })
    )

    it.effect("the time limit of a report begins when it gets a connection", () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const site = yield* newSite
        const { query: ask } = Context.get(yield* Layer.build(PostgresReports.layer({ timeout: "5 seconds" })), Reports)
        const blocker = yield* Locks.openTransaction(sql, sql`LOCK TABLE rollup_site IN ACCESS EXCLUSIVE MODE`)
        // A process has two connections for reports, so the third and the fourth report wait for one.
        const running = yield* Effect.forEach([1, 2, 3, 4], () => Effect.forkChild(Effect.result(ask(site, query))))
        const [first, second, ...others] = yield* Effect.forEach(running, (fiber, index) =>
          Effect.tap(Fiber.join(fiber), () => (index === 1 ? blocker.commit : Effect.void))
        )
        assert.strictEqual(first?._tag, "Failure")
        assert.strictEqual(second?._tag, "Failure")
        assert.deepStrictEqual(
          others.map(({ _tag }) => _tag),
          ["Success", "Success"]
        )
      })
    )
  })
})
