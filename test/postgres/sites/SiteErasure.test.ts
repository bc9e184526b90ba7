import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Layer, Option, Result, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as AnalyticsRepo from "../../../src/postgres/analytics/AnalyticsRepo.ts"
import * as Reports from "../../../src/postgres/analytics/Reports.ts"
import * as Columns from "../../../src/postgres/batch/Columns.ts"
import * as ConversationStore from "../../../src/postgres/chat/ConversationStore.ts"
import * as InstanceDirectory from "../../../src/postgres/chat/InstanceDirectory.ts"
import * as Database from "../../../src/postgres/Database.ts"
import * as SubmissionRepo from "../../../src/postgres/forms/SubmissionRepo.ts"
import * as Maintenance from "../../../src/postgres/schema/Maintenance.ts"
import * as Partitions from "../../../src/postgres/schema/Partitions.ts"
import * as Decisions from "../../../src/postgres/sites/Decisions.ts"
import * as SiteDirectory from "../../../src/postgres/sites/SiteDirectory.ts"
import * as SiteErasure from "../../../src/postgres/sites/SiteErasure.ts"
import * as Analytics from "../../../src/services/analytics/AnalyticsRepo.ts"
import * as Submissions from "../../../src/services/forms/SubmissionRepo.ts"
import * as Sites from "../../../src/services/sites/SiteDirectory.ts"
import * as Erasure from "../../../src/services/sites/SiteErasure.ts"
import { now, Shape, viewOf } from "../../suites/PageViews.ts"
import { suite } from "../../suites/SiteErasure.ts"
import { draft } from "../../suites/SubmissionRepo.ts"
import * as Locks from "../../support/postgres/Locks.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"

const timeout = "20 seconds" as const
const queue = { timeout, maxQueue: 10_000 }

const storage = Layer.mergeAll(
  AnalyticsRepo.layer(queue),
  SubmissionRepo.layer(queue),
  Decisions.layer({ timeout }),
  Reports.layer({ timeout }),
  SiteDirectory.layer({ timeout }),
  InstanceDirectory.layer({ timeout }),
  ConversationStore.layer(queue),
  SiteErasure.layer({ timeout })
)

suite("postgres/sites/SiteErasure", Layer.provide(storage, TestDatabase.layer))

const live = Layer.provideMerge(storage, TestDatabase.layer)

const create = Sites.SiteDirectory.use((sites) => sites.create({ name: "a", origins: [] }))
const erase = (id: string) => Erasure.SiteErasure.use((erasure) => erasure.erase(id))

const nothing = {
  pageViews: 0,
  botViews: 0,
  events: 0,
  conversions: 0,
  submissions: 0,
  conversations: 0,
  idempotencyKeys: 0,
  decisionCounts: 0
}

const view = (hostedWebsiteId: string) =>
  viewOf(
    hostedWebsiteId,
    Shape.make({
      ...{ age: 0, path: "/", referrerHost: null, referrerPath: null, deviceType: null, screenWidth: null },
      campaign: { source: null, medium: null, name: null, term: null, content: null },
      ...{ sessionId: null, browser: null, os: null, visitor: 0, country: null, exclusion: null }
    })
  )

const Count = Schema.Tuple([Schema.Struct({ rows: Schema.BigInt })])
const viewsOf = Effect.fnUntraced(function* (hostedWebsiteId: string) {
  const sql = yield* PgClient.PgClient
  const [{ rows }] = yield* sql`SELECT (SELECT count(*) FROM page_view WHERE hosted_website_id = ${hostedWebsiteId})
    + (SELECT count(*) FROM bot_view WHERE hosted_website_id = ${hostedWebsiteId}) AS rows`.pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Count))
  )
  return Number(rows)
})

/** Waits until a session waits for a lock. */
const waiting = PgClient.PgClient.use((sql) => Effect.repeat(Locks.isAwaited(sql), { until: (found) => found }))

/** Waits until an erasure waits for writers, or is over. */
const waitingFor = <A, E>(erasing: Fiber.Fiber<A, E>) =>
  PgClient.PgClient.use((sql) =>
    Effect.repeat(
      sql`SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'
        AND pid <> pg_backend_pid() AND query LIKE 'SELECT DISTINCT virtualtransaction%'`,
      { until: (rows) => rows.length > 0 || erasing.pollUnsafe() !== undefined }
    )
  )

describe("postgres/sites/SiteErasure: large websites", () => {
  it.live("deletes more than one chunk: in partitions, in the default partition, and of rows with equal times", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const [site, other] = [yield* create, yield* create]
      yield* sql`CREATE TABLE page_view_2025_01 PARTITION OF page_view FOR VALUES FROM ('2025-01-01Z') TO ('2025-02-01Z')`
      yield* sql`CREATE TABLE page_view_2025_02 PARTITION OF page_view FOR VALUES FROM ('2025-02-01Z') TO ('2025-03-01Z')`
      for (const { hostedWebsiteId, websiteConfigId } of [site, other]) {
        yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
          SELECT ${hostedWebsiteId}::uuid, timestamptz '2025-01-28 00:00Z' + n * interval '1 minute', '/', ''
          FROM generate_series(1, 12000) AS n`
        yield* sql`INSERT INTO bot_view (hosted_website_id, received_at, path, visitor_hash)
          SELECT ${hostedWebsiteId}::uuid, timestamptz '2024-01-01 00:00Z', '/', '' FROM generate_series(1, 6000)`
        yield* sql`INSERT INTO event (hosted_website_id, received_at, name, path, visitor_hash)
          SELECT ${hostedWebsiteId}::uuid, timestamptz '2024-01-01 00:00Z', 'Signup', '/', '' FROM generate_series(1, 6000)`
        yield* sql`INSERT INTO conversion (hosted_website_id, visit_started_at, session_key, name)
          SELECT ${hostedWebsiteId}::uuid, timestamptz '2024-01-01 00:00Z', 'a', 'Form submitted' FROM generate_series(1, 6000)`
        yield* sql`INSERT INTO submission (submission_id, website_config_id, received_at, form_data)
          SELECT gen_random_uuid(), ${websiteConfigId}::uuid, timestamptz '2025-01-20 00:00Z' + n / 3 * interval '1 second', '{}'
          FROM generate_series(1, 6000) AS n`
        yield* sql`INSERT INTO idempotency_key (website_config_id, key_sha256, fingerprint, submission_id, used_at)
          SELECT website_config_id, uuid_send(submission_id), '', submission_id, received_at
          FROM submission WHERE website_config_id = ${websiteConfigId}::uuid`
        yield* sql`WITH mine AS (
            INSERT INTO instance (instance_id, created_at, name, agent_url, origins, website_config_id)
            VALUES (gen_random_uuid(), now(), 'a', 'https://a.example', '{}', ${websiteConfigId}::uuid)
            RETURNING instance_id
          )
          INSERT INTO conversation (instance_id, conversation_id, created_at, updated_at, messages, size)
          SELECT instance_id, n::text, now(), now(), 0, 0 FROM mine, generate_series(1, 1201) AS n`
        yield* sql`INSERT INTO not_counted (website_config_id, day, reason, times)
          SELECT ${websiteConfigId}::uuid, date '2010-01-01' + n, 'bot', 1 FROM generate_series(1, 5001) AS n`
      }
      const all = {
        pageViews: 12_000,
        botViews: 6_000,
        events: 6_000,
        conversions: 6_000,
        submissions: 6_000,
        conversations: 1_201,
        idempotencyKeys: 6_000,
        decisionCounts: 5_001
      }
      assert.deepStrictEqual(yield* erase(site.websiteConfigId), Option.some(all))
      assert.strictEqual(yield* viewsOf(site.hostedWebsiteId), 0)
      assert.strictEqual(yield* viewsOf(other.hostedWebsiteId), 18_000)
      assert.deepStrictEqual(yield* erase(other.websiteConfigId), Option.some(all))
    }).pipe(Effect.provide(live))
  )
})

describe("postgres/sites/SiteErasure: concurrent writes", () => {
  it.live("it waits for a batch that found the website, and deletes its views with the rest", () =>
    Effect.gen(function* () {
      const batches = yield* Columns.client
      const site = yield* create
      const erasing = yield* batches.withTransaction(
        Effect.gen(function* () {
          yield* AnalyticsRepo.storeBatch(batches, [view(site.hostedWebsiteId)], randomUUID())
          const fiber = yield* Effect.forkDetach(erase(site.websiteConfigId))
          yield* waitingFor(fiber)
          return fiber
        })
      )
      assert.deepStrictEqual(yield* Fiber.join(erasing), Option.some({ ...nothing, pageViews: 1 }))
      assert.strictEqual(yield* viewsOf(site.hostedWebsiteId), 0)
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("waits for a batch that has found the website but not yet stored its rows; later batches do not wait", () =>
    Effect.gen(function* () {
      const [batches, later] = [yield* Columns.client, yield* Columns.client]
      const another = yield* Database.dedicated()
      const [site, other] = [yield* create, yield* create]
      const batchId = randomUUID()
      const both = [view(site.hostedWebsiteId), view(other.hostedWebsiteId)]
      const [storing, erasing] = yield* another.withTransaction(
        Effect.gen(function* () {
          // A batch with the same id waits, with its snapshot of the websites, until this is rolled back.
          yield* another`INSERT INTO page_view_batch (batch_id) VALUES (${PgTypes.uuid(batchId)})`
          const storing = yield* Effect.forkDetach(AnalyticsRepo.storeBatch(batches, both, batchId))
          yield* waiting
          const erasing = yield* Effect.forkDetach(erase(site.websiteConfigId))
          yield* waitingFor(erasing)
          const [mine, others] = yield* AnalyticsRepo.storeBatch(later, both, randomUUID())
          assert.isTrue(
            mine !== undefined && Result.isFailure(mine) && others !== undefined && Result.isSuccess(others)
          )
          yield* another`DELETE FROM page_view_batch WHERE batch_id = ${PgTypes.uuid(batchId)}`
          return [storing, erasing] as const
        })
      )
      for (const outcome of yield* Fiber.join(storing)) assert.isTrue(Result.isSuccess(outcome))
      assert.deepStrictEqual(yield* Fiber.join(erasing), Option.some({ ...nothing, pageViews: 1 }))
      assert.strictEqual(yield* viewsOf(site.hostedWebsiteId), 0)
      assert.strictEqual(yield* viewsOf(other.hostedWebsiteId), 2)
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("concurrent batches of one website write no row locks", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* create
      yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
      // A lock on the row would remain visible afterwards.
      const rows = yield* sql`SELECT xmax::text FROM site`
      assert.deepStrictEqual(rows, [{ xmax: "0" }])
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("partitions are found in the schema of the tables with any search path", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* create
      yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
      yield* sql`CREATE SCHEMA AUTHORIZATION CURRENT_USER`
      assert.deepStrictEqual(yield* erase(site.websiteConfigId), Option.some({ ...nothing, pageViews: 1 }))
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("a website deleted during a batch of counts does not affect the others", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const [site, other] = [yield* create, yield* create]
      const entries = [site, other].map(
        ({ websiteConfigId }) =>
          ({ subject: { _tag: "Known", websiteConfigId }, reason: "bot", day: "2026-11-01", times: 3 }) as const
      )
      const another = yield* Database.dedicated()
      const storing = yield* another.withTransaction(
        Effect.gen(function* () {
          yield* another`DELETE FROM site WHERE website_config_id = ${site.websiteConfigId}`
          const fiber = yield* Effect.forkDetach(Decisions.storeBatch(sql, entries, randomUUID()))
          yield* waiting
          return fiber
        })
      )
      yield* Fiber.join(storing)
      const rows = yield* sql`SELECT website_config_id AS id, times FROM not_counted`
      assert.deepStrictEqual(rows, [{ id: other.websiteConfigId, times: 3n }])
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("a website under load is erased completely, and its neighbour loses nothing", () =>
    Effect.gen(function* () {
      const views = yield* Analytics.AnalyticsRepo
      const repo = yield* Submissions.SubmissionRepo
      const [site, other] = [yield* create, yield* create]
      const begun = yield* Deferred.make<void>()
      let taken = 0
      // Each writes until it is refused, and returns the refusal.
      const writer = Effect.gen(function* () {
        while (true) {
          const [mine, form, others] = yield* Effect.all(
            [
              Effect.result(views.append(view(site.hostedWebsiteId))),
              Effect.result(repo.submit(draft({ websiteConfigId: site.websiteConfigId, key: randomUUID() }))),
              views.append(view(other.hostedWebsiteId))
            ],
            { concurrency: "unbounded" }
          )
          assert.isUndefined(others)
          if (++taken === 50) yield* Deferred.succeed(begun, undefined)
          if (Result.isFailure(mine) && Result.isFailure(form)) return [mine.failure, form.failure]
        }
      })
      const writers = yield* Effect.forEach(Array.from({ length: 8 }), () => Effect.forkChild(writer))
      yield* Deferred.await(begun)
      const erased = Option.getOrThrow(yield* erase(site.websiteConfigId))
      const ends = yield* Effect.forEach(writers, Fiber.join)
      for (const error of ends.flat()) assert.deepInclude(error, { _tag: "RecordRefused", reason: "unknown-site" })
      assert.isAbove(erased.pageViews, 0)
      assert.isAbove(erased.submissions, 0)
      assert.strictEqual(erased.idempotencyKeys, erased.submissions)
      assert.strictEqual(yield* viewsOf(site.hostedWebsiteId), 0)
      assert.strictEqual(yield* viewsOf(other.hostedWebsiteId), taken)
    }).pipe(Effect.provide(live))
  )

  it.live("a partition that is dropped meanwhile is skipped", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* create
      yield* sql`CREATE TABLE page_view_2025_01 PARTITION OF page_view FOR VALUES FROM ('2025-01-01Z') TO ('2025-02-01Z')`
      yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
      const another = yield* Database.dedicated()
      const erasing = yield* another.withTransaction(
        Effect.gen(function* () {
          yield* another`DROP TABLE page_view_2025_01`
          const fiber = yield* Effect.forkDetach(erase(site.websiteConfigId))
          yield* waiting
          return fiber
        })
      )
      assert.deepStrictEqual(yield* Fiber.join(erasing), Option.some({ ...nothing, pageViews: 1 }))
    }).pipe(Effect.scoped, Effect.provide(live))
  )
})

describe("postgres/sites/SiteErasure: interrupted", () => {
  /** A website as an interrupted erasure leaves it; the erasure began this long ago. */
  const brokenOff = Effect.fnUntraced(function* (ago: string) {
    const sql = yield* PgClient.PgClient
    const site = yield* create
    yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
    yield* sql`UPDATE site SET deleted_at = now() - ${ago}::interval
      WHERE website_config_id = ${PgTypes.uuid(site.websiteConfigId)}`
    return site
  })

  it.live("lookups do not find the website, it accepts no data, keeps its name, and a repeated erasure completes", () =>
    Effect.gen(function* () {
      const sites = yield* Sites.SiteDirectory
      const erasure = yield* Erasure.SiteErasure
      const site = yield* brokenOff("1 minute")
      assert.isTrue(Option.isNone(yield* sites.byTrackingToken(site.trackingToken)))
      assert.isTrue(Option.isNone(yield* sites.byWebsiteConfigId(site.websiteConfigId)))
      assert.isTrue(Option.isNone(yield* sites.update(site.websiteConfigId, { name: "b" })))
      assert.deepStrictEqual(yield* sites.list, [])
      const refused = yield* Analytics.AnalyticsRepo.use((repo) => Effect.flip(repo.append(view(site.hostedWebsiteId))))
      assert.deepInclude(refused, { _tag: "RecordRefused", reason: "unknown-site" })
      assert.deepStrictEqual(yield* erasure.nameOf(site.websiteConfigId), Option.some("a"))
      assert.deepStrictEqual(yield* erase(site.websiteConfigId), Option.some({ ...nothing, pageViews: 1 }))
      assert.deepStrictEqual(yield* erasure.nameOf(site.websiteConfigId), Option.none())
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("an erasure that fails does not prevent the others", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const erasure = yield* Erasure.SiteErasure
      const [first, second] = [yield* brokenOff("3 hours"), yield* brokenOff("2 hours")]
      yield* sql.unsafe(`CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF OLD.website_config_id = '${first.websiteConfigId}' THEN RAISE 'kept'; END IF; RETURN OLD; END $$`)
      yield* sql`CREATE TRIGGER keep BEFORE DELETE ON site FOR EACH ROW EXECUTE FUNCTION keep()`
      assert.isFalse(
        yield* Maintenance.round({ pageViews: Option.none(), submissions: Option.none(), conversations: Option.none() })
      )
      assert.deepStrictEqual(yield* erasure.nameOf(first.websiteConfigId), Option.some("a"))
      assert.deepStrictEqual(yield* erasure.nameOf(second.websiteConfigId), Option.none())
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("it resumes when its connection is cut during the last step", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const site = yield* create
      yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
      const another = yield* Database.dedicated()
      const erasing = yield* another.withTransaction(
        Effect.gen(function* () {
          // Like a batch of forms: the mark does not wait for it, the last step does.
          yield* another`SELECT 1 FROM site FOR KEY SHARE`
          const fiber = yield* Effect.forkDetach(erase(site.websiteConfigId))
          yield* Effect.repeat(Locks.cutWaiting(sql), { until: (found) => found })
          return fiber
        })
      )
      assert.deepStrictEqual(yield* Fiber.join(erasing), Option.some({ ...nothing, pageViews: 1 }))
    }).pipe(Effect.scoped, Effect.provide(live))
  )

  it.live("the maintenance completes an interrupted erasure after an hour", () =>
    Effect.gen(function* () {
      const erasure = yield* Erasure.SiteErasure
      const [old, young, whole] = [yield* brokenOff("61 minutes"), yield* brokenOff("59 minutes"), yield* create]
      assert.isTrue(
        yield* Maintenance.round({ pageViews: Option.none(), submissions: Option.none(), conversations: Option.none() })
      )
      for (const [site, name, views] of [
        [old, Option.none(), 0],
        [young, Option.some("a"), 1],
        [whole, Option.some("a"), 0]
      ] as const) {
        assert.deepStrictEqual(yield* erasure.nameOf(site.websiteConfigId), name)
        assert.strictEqual(yield* viewsOf(site.hostedWebsiteId), views)
      }
    }).pipe(Effect.scoped, Effect.provide(live))
  )
})

describe("postgres/sites/SiteErasure: by a user that is not the owner", () => {
  it.live("privileges on the tables extend to partitions created later", () =>
    Effect.gen(function* () {
      const connection = yield* TestDatabase.connection
      const { owner, reader } = yield* TestDatabase.readOnly(connection)
      yield* owner`GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO ${reader}`
      assert.deepStrictEqual(yield* Effect.provideService(Partitions.ensure(now), SqlClient.SqlClient, owner), [])
      yield* Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const site = yield* create
        yield* AnalyticsRepo.storeBatch(yield* Columns.client, [view(site.hostedWebsiteId)], randomUUID())
        assert.lengthOf(yield* sql`SELECT FROM page_view_default`, 0)
        assert.deepStrictEqual(yield* erase(site.websiteConfigId), Option.some({ ...nothing, pageViews: 1 }))
      }).pipe(Effect.provide(Layer.provideMerge(storage, PgClient.layer({ url: connection.url }))))
    }).pipe(Effect.scoped)
  )
})

describe("postgres/sites/SiteErasure: cached websites", () => {
  it.live("a process with the website in its cache stores nothing for it", () =>
    Effect.gen(function* () {
      const sites = yield* Sites.SiteDirectory
      const views = yield* Analytics.AnalyticsRepo
      const site = yield* create
      const found = Option.getOrThrow(yield* sites.byTrackingToken(site.trackingToken))
      yield* erase(site.websiteConfigId)
      const refused = yield* Effect.flip(views.append({ ...view(found.hostedWebsiteId), receivedAt: now }))
      assert.deepInclude(refused, { _tag: "RecordRefused", reason: "unknown-site" })
      assert.strictEqual(yield* viewsOf(site.hostedWebsiteId), 0)
    }).pipe(Effect.provide(live))
  )
})
