/** The suite of site erasure on PostgreSQL, large websites, database users without ownership, and caches. */
import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import * as Analytics from "../../../src/analytics/AnalyticsRepo.ts"
import * as AnalyticsRepo from "../../../src/analytics/postgres/AnalyticsRepo.ts"
import * as Columns from "../../../src/platform/postgres/Columns.ts"
import * as Partitions from "../../../src/platform/postgres/schema/Partitions.ts"
import * as Sites from "../../../src/sites/SiteDirectory.ts"
import { now } from "../../suites/PageViews.ts"
import { suite } from "../../suites/SiteErasure.ts"
import { countViews, create, erase, live, nothing, storage, view } from "../../support/postgres/ErasedSite.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"

suite("privacy/postgres/SiteErasure", Layer.provide(storage, TestClient.layer))

describe("privacy/postgres/SiteErasure: large websites", () => {
  it.live("deletes rows in several chunks: in partitions, in the default partition, and with equal times", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const [site, other] = [yield* create, yield* create]
      yield* sql`CREATE TABLE page_view_2025_01 PARTITION OF page_view FOR VALUES FROM ('2025-01-01Z') TO ('2025-02-01Z')`
      yield* sql`CREATE TABLE page_view_2025_02 PARTITION OF page_view FOR VALUES FROM ('2025-02-01Z') TO ('2025-03-01Z')`
      /** More rows than one statement deletes, in each partition of the page views. */
      const all = {
        page_views: 10_800,
        bot_views: 5_001,
        events: 5_001,
        conversions: 5_001,
        submissions: 1_100,
        conversations: 1_201
      }
      const few = { page_views: 60, bot_views: 5, events: 6, conversions: 7, submissions: 8, conversations: 9 }
      for (const [{ hostedWebsiteId, websiteConfigId }, rows, others] of [
        [site, all, 5_001],
        [other, few, 10]
      ] as const) {
        yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
          SELECT ${hostedWebsiteId}::uuid, timestamptz '2025-01-28 00:00Z' + n * interval '1 minute', '/', ''
          FROM generate_series(1, ${rows.page_views}::int) AS n`
        yield* sql`INSERT INTO bot_view (hosted_website_id, received_at, path, visitor_hash)
          SELECT ${hostedWebsiteId}::uuid, timestamptz '2024-01-01 00:00Z', '/', '' FROM generate_series(1, ${rows.bot_views}::int)`
        yield* sql`INSERT INTO event (hosted_website_id, received_at, name, path, visitor_hash)
          SELECT ${hostedWebsiteId}::uuid, timestamptz '2024-01-01 00:00Z', 'Signup', '/', '' FROM generate_series(1, ${rows.events}::int)`
        yield* sql`INSERT INTO conversion (hosted_website_id, visit_started_at, session_key, name)
          SELECT ${hostedWebsiteId}::uuid, timestamptz '2024-01-01 00:00Z', 'a', 'Form submitted' FROM generate_series(1, ${rows.conversions}::int)`
        yield* sql`INSERT INTO submission (submission_id, website_config_id, received_at, form_data)
          SELECT gen_random_uuid(), ${websiteConfigId}::uuid, timestamptz '2025-01-20 00:00Z' + n / 3 * interval '1 second', '{}'
          FROM generate_series(1, ${rows.submissions}::int) AS n`
        yield* sql`INSERT INTO idempotency_key (website_config_id, key_sha256, fingerprint, submission_id, used_at)
          SELECT ${websiteConfigId}::uuid, uuid_send(gen_random_uuid()), '', gen_random_uuid(), now()
          FROM generate_series(1, ${others}::int)`
        yield* sql`WITH new_instance AS (
            INSERT INTO instance (instance_id, created_at, name, agent_url, origins, website_config_id)
            VALUES (gen_random_uuid(), now(), 'a', 'https://a.example', '{}', ${websiteConfigId}::uuid)
            RETURNING instance_id
          )
          INSERT INTO conversation (instance_id, conversation_id, created_at, updated_at, messages, size)
          SELECT instance_id, n::text, now(), now(), 0, 0 FROM new_instance, generate_series(1, ${rows.conversations}::int) AS n`
        yield* sql`INSERT INTO not_counted (website_config_id, day, reason, times)
          SELECT ${websiteConfigId}::uuid, date '2010-01-01' + n, 'bot', 1 FROM generate_series(1, ${others}::int) AS n`
      }
      assert.deepStrictEqual(yield* erase(site.websiteConfigId), Option.some(all))
      assert.strictEqual(yield* countViews(site.hostedWebsiteId), 0)
      const left = yield* sql`SELECT website_config_id AS id, (SELECT count(*)::int FROM idempotency_key AS key
          WHERE key.website_config_id = given.website_config_id) AS keys, (SELECT count(*)::int FROM not_counted AS counted
          WHERE counted.website_config_id = given.website_config_id) AS counts
        FROM unnest(${[site.websiteConfigId, other.websiteConfigId]}::uuid[]) AS given (website_config_id)`
      assert.deepStrictEqual(
        left.map(({ counts, keys }) => [keys, counts]),
        [
          [0, 0],
          [10, 10]
        ]
      )
      assert.strictEqual(yield* countViews(other.hostedWebsiteId), 65)
      assert.deepStrictEqual(yield* erase(other.websiteConfigId), Option.some(few))
    }).pipe(Effect.provide(live))
  )
})

describe("privacy/postgres/SiteErasure: a database user that does not own the tables", () => {
  it.live("its privileges extend to partitions that are created later", () =>
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
        assert.deepStrictEqual(yield* erase(site.websiteConfigId), Option.some({ ...nothing, page_views: 1 }))
      }).pipe(Effect.provide(Layer.provideMerge(storage, PgClient.layer({ url: connection.url }))))
    }).pipe(Effect.scoped)
  )
})

describe("privacy/postgres/SiteErasure: cached websites", () => {
  it.live("a process that still has a deleted website in its cache stores no data of it", () =>
    Effect.gen(function* () {
      const sites = yield* Sites.SiteDirectory
      const views = yield* Analytics.AnalyticsRepo
      const site = yield* create
      const cached = Option.getOrThrow(yield* sites.byTrackingToken(site.trackingToken))
      yield* erase(site.websiteConfigId)
      const refused = yield* Effect.flip(views.append({ ...view(cached.hostedWebsiteId), receivedAt: now }))
      assert.deepInclude(refused, { _tag: "RecordRefused", reason: "unknown-site" })
      assert.strictEqual(yield* countViews(site.hostedWebsiteId), 0)
    }).pipe(Effect.provide(live))
  )
})
