/** Partitions, maintenance and migrations. Each test has its own database. */
import { randomBytes, randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Option, Schema } from "effect"
import * as Service from "../../../src/chat/ConversationStore.ts"
import * as ConversationStore from "../../../src/chat/postgres/ConversationStore.ts"
import * as InstanceDirectory from "../../../src/chat/postgres/InstanceDirectory.ts"
import * as Migrations from "../../../src/platform/postgres/schema/Migrations.ts"
import * as Partitions from "../../../src/platform/postgres/schema/Partitions.ts"
import * as Rounds from "../../../src/platform/rounds/Rounds.ts"
import * as Maintenance from "../../../src/privacy/postgres/Maintenance.ts"
import { at } from "../../suites/VisitorSalts.ts"
import { beginAnswer, newKey } from "../../support/Conversations.ts"
import { openTransaction, untilAwaited } from "../../support/postgres/Locks.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import * as TestTime from "../../support/TestTime.ts"
import { poll } from "../../support/Wait.ts"

const now = Date.UTC(2024, 10, 30, 23, 59)
const hour = 3_600_000

/** Page views, submissions and conversations are kept forever; other rows still expire. */
const noRetention = { pageViews: Option.none(), submissions: Option.none(), conversations: Option.none() }

const Names = Schema.Array(Schema.Struct({ name: Schema.String }))

const partitionNames = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql`SELECT inhrelid::regclass::text AS name FROM pg_inherits
    WHERE inhparent IN ('page_view'::regclass, 'bot_view'::regclass, 'event'::regclass) ORDER BY 1`
  return (yield* Schema.decodeUnknownEffect(Names)(rows)).map(({ name }) => name)
})

const months = ["2024_11", "2024_12", "2025_01", "2025_02"]
const expectedPartitions = (["bot_view", "event", "page_view"] as const).flatMap((parent) => [
  ...months.map((month) => `${parent}_${month}`),
  `${parent}_default`
])

const addView = (table: string, receivedAt: number) =>
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    yield* sql`INSERT INTO ${sql(table)} (hosted_website_id, received_at, path, visitor_hash)
      VALUES (${randomUUID()}, ${new Date(receivedAt)}, '/', ${randomBytes(16)})`
  })

describe("platform/postgres/schema/Partitions", () => {
  it.prop(
    "the wanted months begin with the current one and follow each other without a gap",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4_102_444_800_000 }))],
    ([now]) => {
      for (const parent of Partitions.parents) {
        const partitions = Partitions.wanted(now).filter((partition) => partition.parent === parent)
        assert.lengthOf(partitions, 4)
        assert.isTrue(Date.parse(partitions[0]!.from) <= now && now < Date.parse(partitions[0]!.to))
        partitions.forEach(({ from, name }, index) => {
          if (index > 0) assert.strictEqual(from, partitions[index - 1]!.to)
          assert.strictEqual(name, `${parent}_${from.slice(0, 4)}_${from.slice(5, 7)}`)
        })
      }
    }
  )

  it.live("the partitions of this month and the next three are created once, even concurrently", () =>
    Effect.gen(function* () {
      const notCreated = yield* Effect.forEach(Array.from({ length: 4 }), () => Partitions.ensure(now), {
        concurrency: "unbounded"
      })
      assert.deepStrictEqual(notCreated, [[], [], [], []])
      assert.deepStrictEqual(yield* partitionNames, expectedPartitions)
      assert.deepStrictEqual(yield* Partitions.ensure(now), [])
      yield* addView("page_view", now)
      const sql = yield* PgClient.PgClient
      assert.lengthOf(yield* sql`SELECT FROM page_view_2024_11`, 1)
    }).pipe(Effect.provide(TestClient.layer))
  )

  it.live("a month with rows in the default partition is reported, and the others are created", () =>
    Effect.gen(function* () {
      yield* addView("page_view", Date.UTC(2024, 11, 31))
      const missing = yield* Partitions.ensure(now)
      assert.deepStrictEqual(
        missing.map(({ partition, reason }) => [partition.name, reason]),
        [["page_view_2024_12", "occupied"]]
      )
      assert.deepStrictEqual(
        yield* partitionNames,
        expectedPartitions.filter((name) => name !== "page_view_2024_12")
      )
    }).pipe(Effect.provide(TestClient.layer))
  )
})

describe("privacy/postgres/Maintenance", () => {
  const fill = Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const website = randomUUID()
    yield* sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
      VALUES (${website}, ${randomUUID()}, ${randomUUID()}, 'test')`
    for (const day of ["2024-11-28", "2024-11-29", "2024-11-30"]) {
      yield* sql`INSERT INTO visitor_salt (day, salt) VALUES (${day}::date, ${randomBytes(32)})`
    }
    for (const [age, count] of [
      [24 * hour + 1, 12_000],
      [24 * hour, 1],
      [0, 2]
    ] as const) {
      const time = new Date(now - age)
      yield* sql`INSERT INTO page_view_batch (batch_id, stored_at)
        SELECT gen_random_uuid(), ${time} FROM generate_series(1, ${count})`
      yield* sql`INSERT INTO idempotency_key (website_config_id, key_sha256, fingerprint, submission_id, used_at)
        SELECT ${website}, uuid_send(gen_random_uuid()), '', gen_random_uuid(), ${time} FROM generate_series(1, ${count})`
    }
  })

  const remaining = Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const rows = [
      yield* sql`SELECT FROM page_view_batch`,
      yield* sql`SELECT FROM idempotency_key`,
      yield* sql`SELECT FROM visitor_salt`
    ]
    return rows.map(({ length }) => length)
  })

  it.live("a round creates partitions and deletes only expired rows, in chunks", () =>
    Effect.gen(function* () {
      yield* fill
      assert.isTrue(yield* at(now)(Maintenance.round(noRetention)))
      assert.deepStrictEqual(yield* remaining, [3, 3, 1])
      assert.deepStrictEqual(yield* partitionNames, expectedPartitions)
    }).pipe(Effect.provide(TestClient.layer))
  )

  it.live("a failed step is reported, and the remaining steps run", () =>
    Effect.gen(function* () {
      yield* fill
      const sql = yield* PgClient.PgClient
      yield* sql`ALTER TABLE page_view_batch RENAME COLUMN stored_at TO renamed`
      assert.isFalse(yield* at(now)(Maintenance.round(noRetention)))
      assert.deepStrictEqual(yield* remaining, [12_003, 3, 1])
    }).pipe(Effect.provide(TestClient.layer))
  )

  it.live("a process whose clock is 31 days ahead deletes nothing", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const website = randomUUID()
      const [notification, mail] = [randomUUID(), randomUUID()]
      yield* sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
        VALUES (${website}, ${randomUUID()}, ${randomUUID()}, 'test')`
      yield* sql`INSERT INTO notification (notification_id, website_config_id, recipient, kind, is_confirmed, created_at)
        VALUES (${notification}, ${website}, 'ada@example.com', 'submissions', false, now())`
      const tables = {
        visitor_salt: sql`INSERT INTO visitor_salt (day, salt) VALUES ((now() AT TIME ZONE 'UTC')::date, ${randomBytes(32)})`,
        page_view_batch: sql`INSERT INTO page_view_batch (batch_id, stored_at) VALUES (gen_random_uuid(), now())`,
        idempotency_key: sql`INSERT INTO idempotency_key (website_config_id, key_sha256, fingerprint, submission_id, used_at)
          VALUES (${website}, ${randomBytes(32)}, '', gen_random_uuid(), now())`,
        outbox: sql`INSERT INTO outbox (event_id, website_config_id, type, created_at)
          VALUES (gen_random_uuid(), ${website}, 'site.limit', now())`,
        submission_outbox: sql`INSERT INTO submission_outbox (website_config_id, type, created_at, submission_ids)
          VALUES (${website}, 'submission.accepted', now(), '{}')`,
        delivery: sql`INSERT INTO delivery (event_id, subscriber_id, website_config_id, type, created_at, status)
          VALUES (gen_random_uuid(), gen_random_uuid(), ${website}, 'site.limit', now(), 'pending')`,
        mail: sql`INSERT INTO mail (mail_id, notification_id, website_config_id, kind, created_at)
          VALUES (${mail}, ${notification}, ${website}, 'report', now())`,
        mail_item: sql`INSERT INTO mail_item (notification_id, submission_id, website_config_id, created_at)
          VALUES (${notification}, gen_random_uuid(), ${website}, now())`,
        mail_recipient: sql`INSERT INTO mail_recipient (website_config_id, recipient_hmac, used_at)
          VALUES (${website}, ${randomBytes(32)}, now())`,
        console_session: sql`INSERT INTO console_session
            (session_id, link_sha256, cookie_sha256, role, all_sites, label, created_at, link_expires_at, opened_at, last_used_at)
          VALUES (gen_random_uuid(), ${randomBytes(32)}, ${randomBytes(32)}, 'owner', true, 'ann', now(),
            now() + interval '1 hour', now(), now())`,
        owner_key: sql`INSERT INTO owner_key (key_id, key_sha256, scope, all_sites, created_at, revoked_at)
          VALUES (gen_random_uuid(), ${randomBytes(32)}, 'write', true, now(), now())`,
        share: sql`INSERT INTO share (share_id, website_config_id, secret_sha256, created_at, expires_at)
          VALUES (gen_random_uuid(), ${website}, ${randomBytes(32)}, now(), now() + interval '1 day')`,
        submission: sql`INSERT INTO submission (submission_id, website_config_id, received_at, form_data)
          VALUES (gen_random_uuid(), ${website}, now(), '{}')`
      }
      yield* Effect.forEach(Object.values(tables), (insert) => insert)
      const day = Option.some({ count: 1, unit: "days" as const })
      const ahead = at(TestTime.ofMachine() + 31 * 24 * hour)
      assert.isTrue(yield* ahead(Maintenance.round({ pageViews: day, submissions: day, conversations: day })))
      for (const table of ["notification", ...Object.keys(tables)]) {
        assert.lengthOf(yield* sql`SELECT FROM ${sql(table)}`, 1, table)
      }
      assert.lengthOf(yield* sql`SELECT FROM console_session WHERE label = 'ann'`, 1)
    }).pipe(Effect.provide(TestClient.layer))
  )

  it.live("a key without websites, of which earlier versions left some, is deleted, and others are kept", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const [website, reaching] = [randomUUID(), randomUUID()]
      yield* sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
        VALUES (${website}, ${randomUUID()}, ${randomUUID()}, 'test')`
      for (const [id, label, allSites] of [
        [randomUUID(), "none", false],
        [reaching, "one", false],
        [randomUUID(), "all", true]
      ] as const) {
        yield* sql`INSERT INTO owner_key (key_id, key_sha256, scope, all_sites, label)
          VALUES (${id}, ${randomBytes(32)}, 'read', ${allSites}, ${label})`
      }
      yield* sql`INSERT INTO owner_key_site (key_id, website_config_id) VALUES (${reaching}, ${website})`
      assert.isTrue(yield* at(now)(Maintenance.round(noRetention)))
      assert.deepStrictEqual(yield* sql`SELECT label FROM owner_key ORDER BY label`, [
        { label: "all" },
        { label: "one" }
      ])
    }).pipe(Effect.provide(TestClient.layer))
  )

  it.live("the layer runs a round when it is woken", () =>
    Effect.gen(function* () {
      yield* Effect.scoped(
        Effect.gen(function* () {
          yield* Layer.build(Maintenance.layer(noRetention)).pipe(Rounds.waking("maintenance"))
          yield* poll(partitionNames, (names) => names.length === expectedPartitions.length)
        })
      )
    }).pipe(Effect.provide(TestClient.layer))
  )
})

describe("privacy/postgres/Maintenance: answers of processes that died", () => {
  const store = ConversationStore.layer({ timeout: "20 seconds", maxQueue: 1_000 })
  const layers = Layer.merge(store, InstanceDirectory.layer()).pipe(Layer.provideMerge(TestClient.layer))

  it.live(
    "an answer whose lease expired long ago ends as cut, with its stored pieces; with a valid or just expired lease it continues",
    () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const store = yield* Service.ConversationStore
        const keys = yield* Effect.forEach([1, 2, 3], () => newKey)
        const [expired, justExpired, valid] = yield* Effect.forEach(keys, (key) => beginAnswer(key, "one"))
        for (const answerId of [expired!, justExpired!, valid!]) {
          yield* store.append({ answerId, position: 0, events: [{ _tag: "Text", delta: "Hel" }] })
        }
        yield* sql`UPDATE conversation SET lease_until = lease_until - interval '2 minutes' WHERE running = ${expired!}`
        yield* sql`UPDATE conversation SET lease_until = lease_until - interval '10 seconds' WHERE running = ${justExpired!}`
        assert.isTrue(yield* Maintenance.round(noRetention))
        assert.deepStrictEqual(
          new Set(yield* store.renew([expired!, justExpired!, valid!])),
          new Set([justExpired!, valid!])
        )
        assert.lengthOf(yield* sql`SELECT FROM answer_piece WHERE answer_id = ${expired!}`, 0)
        assert.lengthOf(yield* sql`SELECT FROM answer_piece`, 2)
        const messages = yield* Effect.flatMap(store.read(keys[0]!), Effect.fromOption)
        assert.deepInclude(messages[1], { ending: "cut", parts: [{ type: "text", text: "Hel" }] })
      }).pipe(Effect.provide(layers))
  )

  it.live("a piece that was stored while its answer ended is deleted", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const store = yield* Service.ConversationStore
      const answerId = yield* beginAnswer(yield* newKey, "one")
      yield* store.complete({ answerId, parts: [], ending: "stop", usage: null })
      yield* sql`INSERT INTO answer_piece (answer_id, ends_at, events) VALUES (${answerId}, 1, '[]')`
      assert.isTrue(yield* Maintenance.round(noRetention))
      assert.lengthOf(yield* sql`SELECT FROM answer_piece`, 0)
    }).pipe(Effect.provide(layers))
  )
})

describe("platform/postgres/schema/Migrations", () => {
  it.live("a migrated database has no pending migrations, and migrating it again changes nothing", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* Migrations.pending, [])
      assert.deepStrictEqual(yield* Migrations.run, [])
    }).pipe(Effect.provide(TestClient.layer))
  )

  it.live("every migration is pending in an empty database, and concurrent runs apply each once", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`DROP SCHEMA public CASCADE`
      yield* sql`CREATE SCHEMA public`
      const needed = yield* Migrations.pending
      assert.strictEqual(needed[0], 3)
      const done = yield* Effect.all([Migrations.run, Migrations.run, Migrations.run], { concurrency: "unbounded" })
      assert.deepStrictEqual(
        done.flat().map(([id]) => id),
        needed
      )
      assert.deepStrictEqual(yield* Migrations.pending, [])
      assert.isAtLeast((yield* partitionNames).length, expectedPartitions.length)
    }).pipe(Effect.provide(TestClient.layer))
  )

  it.live("concurrent runs that wait for the table of migrations do not wait for each other", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      // A third run reads the table, so the two can read it too, and must wait to begin.
      const reader = yield* openTransaction(sql, sql`LOCK TABLE effect_sql_migrations IN ACCESS SHARE MODE`)
      const runs = yield* Effect.forkChild(Effect.all([Migrations.run, Migrations.run], { concurrency: 2 }))
      // If a run fails, the join fails.
      yield* Effect.raceFirst(untilAwaited(sql, 2), Fiber.join(runs))
      yield* reader.commit
      assert.deepStrictEqual(yield* Fiber.join(runs), [[], []])
    }).pipe(Effect.provide(TestClient.layer))
  )
})
