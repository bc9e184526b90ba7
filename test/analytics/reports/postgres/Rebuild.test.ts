/** `report rebuild` recreates the visits and rollups from the page views, also after changes that no trigger marked. */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Schema } from "effect"
import type { Answer } from "../../../../src/analytics/reports/Answer.ts"
import * as OpenDays from "../../../../src/analytics/reports/postgres/OpenDays.ts"
import * as Query from "../../../../src/analytics/reports/postgres/Reports.ts"
import * as RollUpLoop from "../../../../src/analytics/reports/postgres/RollUpLoop.ts"
import { metrics } from "../../../../src/analytics/reports/Query.ts"
import * as SiteDirectory from "../../../../src/sites/postgres/SiteDirectory.ts"
import * as Sites from "../../../../src/sites/SiteDirectory.ts"
import * as Locks from "../../../support/postgres/Locks.ts"
import * as ReportCheck from "../../../support/postgres/ReportCheck.ts"
import * as TestClient from "../../../support/postgres/TestClient.ts"
import * as TestTime from "../../../support/TestTime.ts"

const live = SiteDirectory.layer().pipe(Layer.provideMerge(TestClient.layer))

/** A time zone in which it is 10:00 or later, so that two hours ago was today. */
const timeZone = new Date(TestTime.ofMachine()).getUTCHours() < 10 ? "Pacific/Kiritimati" : "UTC"

/** Inserts page views of different visitors, 2 and 26 hours ago, without the triggers that mark rows for the rollup run. */
const insertUnmarked = (hostedWebsiteId: string, visitors: number) =>
  Effect.flatMap(PgClient.PgClient, (sql) =>
    sql.withTransaction(
      Effect.andThen(
        sql`SET LOCAL session_replication_role = replica`,
        sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
          SELECT ${PgTypes.uuid(hostedWebsiteId)}, now() - interval '2 hours' - day * interval '1 day', '/', uuid_send(gen_random_uuid())
          FROM generate_series(0, 1) AS day, generate_series(1, ${visitors}::int)`
      )
    )
  )

const Counts = Schema.Tuple([Schema.Struct({ websites: Schema.Int, transactions: Schema.Int })])

describe("analytics/reports/postgres: rebuild", () => {
  it.live("recreates the visits of past days and of today", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const reader = yield* Query.makeReader(sql)
      const site = yield* Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [], timeZone }))
      const first = new Date(TestTime.ofMachine() - 3 * 86_400_000).toISOString().slice(0, 10)
      const last = new Date(TestTime.ofMachine() + 86_400_000).toISOString().slice(0, 10)
      const query = {
        ...{ siteId: site.websiteConfigId, metrics, dimensions: [], filters: [], orderBy: [], comparison: null },
        ...{ includeTotalRows: false, includeTimeLabels: false, limit: 10, offset: 0, now: null },
        ...{ range: { first, last }, timeZone }
      }
      const report = Query.answer(reader, site, query)
      const viewsOf = ({ results }: Answer) => results[0]?.metrics[metrics.indexOf("pageviews")]
      const views = Effect.map(report, viewsOf)
      // So many that the visits of today are stored.
      yield* insertUnmarked(site.hostedWebsiteId, 1100)
      yield* RollUpLoop.round
      assert.isTrue(yield* OpenDays.findBusy)
      yield* OpenDays.advanceBusy
      assert.isFalse(yield* OpenDays.findBusy)
      assert.strictEqual(yield* views, 2200)
      yield* insertUnmarked(site.hostedWebsiteId, 4)
      assert.strictEqual(yield* views, 2200)
      yield* RollUpLoop.rebuild(site.hostedWebsiteId)
      assert.strictEqual(yield* views, 2208)
      assert.strictEqual(viewsOf(yield* ReportCheck.fromRows(site, report)), 2208)
    }).pipe(Effect.provide(live))
  )

  it.live("recreates those of all websites together, whatever one of them is like", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const create = Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [], timeZone }))
      const many = yield* Effect.replicateEffect(create, 30)
      const [large, withGoal, deleted] = [yield* create, yield* create, yield* create]
      yield* sql`INSERT INTO goal (goal_id, website_config_id, name, kind, value)
        VALUES (gen_random_uuid(), ${PgTypes.uuid(withGoal.websiteConfigId)}, 'Home', 'page', '/')`
      for (const { hostedWebsiteId } of [...many, withGoal]) yield* insertUnmarked(hostedWebsiteId, 1)
      // More than websites of a batch may have.
      yield* insertUnmarked(large.hostedWebsiteId, 10_001)
      yield* sql`CREATE TABLE audit (txid xid8, hosted_website_id uuid)`
      yield* sql`CREATE FUNCTION audit_days() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN INSERT INTO audit VALUES (pg_current_xact_id(), NEW.hosted_website_id); RETURN NULL; END $$`
      yield* sql`CREATE TRIGGER audit AFTER INSERT ON rollup_day FOR EACH ROW EXECUTE FUNCTION audit_days()`
      // It is found, but being deleted before its turn.
      const held = yield* Locks.openTransaction(sql, sql`LOCK TABLE rollup_day IN SHARE MODE`)
      const running = yield* Effect.forkChild(RollUpLoop.rebuild())
      yield* Locks.untilAwaited(sql)
      yield* sql`UPDATE site SET deleted_at = now() WHERE website_config_id = ${PgTypes.uuid(deleted.websiteConfigId)}`
      yield* held.commit
      yield* Fiber.join(running)
      const [counts] =
        yield* sql`SELECT count(DISTINCT hosted_website_id)::int AS websites, count(DISTINCT txid)::int AS transactions
        FROM audit`.pipe(Effect.flatMap(Schema.decodeUnknownEffect(Counts)))
      assert.strictEqual(counts.websites, many.length + 2)
      assert.isBelow(counts.transactions, many.length)
    }).pipe(Effect.provide(live))
  )
})
