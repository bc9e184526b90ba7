/** The rows that retention deletes, and the locks that it waits for. Each test has its own database with old partitions. */
import { randomUUID } from "node:crypto"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, Logger, Option, Ref, Schema } from "effect"
import * as Service from "../../../src/analytics/AnalyticsRepo.ts"
import * as AnalyticsRepo from "../../../src/analytics/postgres/AnalyticsRepo.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import * as Partitions from "../../../src/platform/postgres/schema/Partitions.ts"
import * as KeptRows from "../../../src/privacy/postgres/KeptRows.ts"
import * as Maintenance from "../../../src/privacy/postgres/Maintenance.ts"
import * as Retention from "../../../src/privacy/postgres/Retention.ts"
import type * as Core from "../../../src/sites/Retention.ts"
import { shapeOf, viewOf } from "../../suites/PageViews.ts"
import { at } from "../../suites/VisitorSalts.ts"
import * as Locks from "../../support/postgres/Locks.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"

const Line = Schema.fromJsonString(
  Schema.Struct({
    message: Schema.Unknown,
    level: Schema.String,
    annotations: Schema.Record(Schema.String, Schema.Unknown)
  })
)

/** Runs an effect and returns the lines that it logs, in the JSON format of the service. */
const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    yield* Effect.provide(effect, Logger.layer([Logger.map(Logger.formatJson, (line) => void lines.push(line))]))
    return lines.map((line) => Schema.decodeUnknownSync(Line)(line))
  })

const months = (count: number): Option.Option<Core.Retention> => Option.some({ count, unit: "months" })
const days = (count: number): Option.Option<Core.Retention> => Option.some({ count, unit: "days" })
const off = Option.none<Core.Retention>()

/** At this time, a retention of three months keeps March and later. */
const now = Date.UTC(2024, 5, 15, 12)

const Names = Schema.Array(Schema.Struct({ name: Schema.String }))

/** The names of the existing partitions of 2024. */
const partitions = Effect.gen(function* () {
  const sql = yield* PgClient.PgClient
  const rows = yield* sql`SELECT relname AS name FROM pg_inherits JOIN pg_class ON oid = inhrelid
    WHERE relkind = 'r' AND relname LIKE '%_2024_0_' ORDER BY 1`
  return (yield* Schema.decodeUnknownEffect(Names)(rows)).map(({ name }) => name)
})

/** The names of the partitions of 2024 from this month on. */
const partitionsFrom = (month: number) =>
  ["bot_view", "event", "page_view"].flatMap((parent) =>
    [1, 2, 3, 4, 5, 6].filter((number) => number >= month).map((number) => `${parent}_2024_0${number}`)
  )

const Count = Schema.Tuple([Schema.Struct({ rows: Schema.Int })])
const count = (from: string) =>
  PgClient.PgClient.use((sql) => sql.unsafe(`SELECT count(*)::int AS rows FROM ${from}`)).pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Count)),
    Effect.map(([{ rows }]) => rows)
  )

const website = randomUUID()

/** Half a year of partitions with a row per day in each table, and a month of earlier rows in the default partitions. */
const fill = Effect.fnUntraced(function* (submissions: number) {
  const sql = yield* PgClient.PgClient
  yield* sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
    VALUES (${website}, ${website}, ${website}, 'test')`
  for (const parent of Partitions.parents) {
    for (const month of [1, 2, 3, 4, 5, 6]) {
      yield* sql.unsafe(`CREATE TABLE ${parent}_2024_0${month} PARTITION OF ${parent}
        FOR VALUES FROM ('2024-0${month}-01Z') TO ('2024-0${month + 1}-01Z')`)
    }
  }
  for (const parent of ["page_view", "bot_view"]) {
    yield* sql`INSERT INTO ${sql(parent)} (hosted_website_id, received_at, path, visitor_hash)
      SELECT ${website}::uuid, day, '/', '' FROM generate_series('2023-12-01Z'::timestamptz, '2024-06-15Z', '1 day') AS day`
  }
  yield* sql`INSERT INTO event (hosted_website_id, received_at, name, path, visitor_hash)
    SELECT ${website}::uuid, day, 'Signup', '/', '' FROM generate_series('2023-12-01Z'::timestamptz, '2024-06-15Z', '1 day') AS day`
  for (const table of ["conversion", "conversion_outbox"]) {
    yield* sql`INSERT INTO ${sql(table)} (hosted_website_id, visit_started_at, session_key, name)
      SELECT hosted_website_id, received_at, 'a', 'Form submitted' FROM event`
  }
  yield* sql`INSERT INTO not_counted (website_config_id, day, reason, times)
    SELECT ${website}::uuid, day, 'bot', 1 FROM generate_series('2023-12-01'::date, '2024-06-15', '1 day') AS day`
  yield* sql`INSERT INTO submission (submission_id, website_config_id, received_at, form_data)
    SELECT gen_random_uuid(), ${website}::uuid, '2024-06-15T12:00Z'::timestamptz - number * interval '1 hour', '{}'
    FROM generate_series(0, ${submissions}::int) AS number`
})

/** A database with these rows, and submissions of so many hours. */
const databaseWith = (submissions: number) =>
  Layer.provideMerge(Layer.effectDiscard(Effect.orDie(fill(submissions))), TestClient.layer)

const database = databaseWith(100)

const analytics = AnalyticsRepo.layer({ timeout: "20 seconds", maxQueue: 1_000 })

const view = viewOf(website, shapeOf())

describe("privacy/postgres/Retention", () => {
  it.live("deletes page views and decision counts by month and submissions by time, and logs one line", () =>
    Effect.gen(function* () {
      const options = { pageViews: months(3), submissions: days(90), conversations: off }
      const [line, ...more] = yield* logged(at(now)(Retention.deleteExpired(options)))
      assert.deepStrictEqual(more, [])
      assert.deepStrictEqual(line, {
        level: "INFO",
        message: "Deleted expired data",
        annotations: {
          partitions: ["bot_view", "event", "page_view"]
            .flatMap((parent) => [`${parent}_2024_01`, `${parent}_2024_02`])
            .map((name) => `public.${name}`)
            .join(", "),
          rows: 93,
          conversions: 2 * 91,
          decisionCounts: 31 + 31 + 29,
          submissions: 4_000 - 90 * 24,
          conversations: 0
        }
      })
      assert.deepStrictEqual(yield* partitions, partitionsFrom(3))
      for (const table of ["page_view", "bot_view", "event", "conversion", "conversion_outbox", "not_counted"]) {
        assert.strictEqual(yield* count(table), 31 + 30 + 31 + 15, table)
      }
      assert.strictEqual(yield* count("submission WHERE received_at < '2024-03-17T12:00Z'"), 0)
      assert.strictEqual(yield* count("submission"), 90 * 24 + 1)
      assert.deepStrictEqual(yield* logged(at(now)(Retention.deleteExpired(options))), [])
    }).pipe(Effect.provide(databaseWith(4_000)))
  )

  it.live("each kind has its own retention, and nothing is deleted without one", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(
        yield* logged(at(now)(Retention.deleteExpired({ pageViews: off, submissions: off, conversations: off }))),
        []
      )
      yield* at(now)(Retention.deleteExpired({ pageViews: off, submissions: days(1), conversations: off }))
      assert.deepStrictEqual(yield* partitions, partitionsFrom(1))
      assert.strictEqual(yield* count("submission"), 25)
      yield* at(now)(Retention.deleteExpired({ pageViews: days(1), submissions: off, conversations: off }))
      assert.deepStrictEqual(yield* partitions, partitionsFrom(6))
      assert.strictEqual(yield* count("submission"), 25)
    }).pipe(Effect.provide(database))
  )

  it.live("keeps the counts of refused requests of the last 30 days, in every time zone of the database", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      for (const zone of ["UTC", "Pacific/Kiritimati", "Pacific/Pago_Pago"]) {
        yield* sql`INSERT INTO refusal (website_config_id, day, reason, subject, field, times, first_at, last_at)
          SELECT ${website}::uuid, day, 'foreign-origin', '', '', 1, day, day
          FROM generate_series('2024-05-13'::date, '2024-05-19', '1 day') AS day ON CONFLICT DO NOTHING`
        yield* sql`SELECT set_config('TimeZone', ${zone}, true)`.pipe(
          Effect.andThen(KeptRows.expire("refusal", now)),
          sql.withTransaction
        )
        const kept = yield* sql`SELECT day::text AS day FROM refusal ORDER BY day`
        assert.deepStrictEqual(
          kept.map(({ day }) => day),
          ["2024-05-16", "2024-05-17", "2024-05-18", "2024-05-19"],
          zone
        )
      }
    }).pipe(Effect.provide(database))
  )

  it.live("a round of the maintenance applies the retention", () =>
    Effect.gen(function* () {
      assert.isTrue(yield* at(now)(Maintenance.round({ pageViews: months(3), submissions: off, conversations: off })))
      assert.deepStrictEqual(
        (yield* partitions).filter((name) => name < "page_view_2024_07" && !/_0[789]$/.test(name)),
        partitionsFrom(3)
      )
    }).pipe(Effect.provide(database))
  )

  it.live("deletes conversations by the age of their last message, with their messages", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`INSERT INTO instance (instance_id, name, agent_url) VALUES (${website}, 'a', 'https://a.example')`
      yield* sql`INSERT INTO conversation (instance_id, conversation_id, created_at, updated_at, messages, size)
        SELECT ${website}::uuid, gen_random_uuid()::text, '2020-01-01Z',
          '2024-06-15T12:00Z'::timestamptz - number * interval '1 hour', 1, 1 FROM generate_series(0, 2500) AS number`
      yield* sql`INSERT INTO conversation_message
          (message_id, conversation_key, position, role, parts, characters, created_at)
        SELECT gen_random_uuid(), conversation_key, 1, 'user', '[]', 0, '2020-01-01Z' FROM conversation`
      const options = { pageViews: off, submissions: off, conversations: days(30) }
      const [line] = yield* logged(at(now)(Retention.deleteExpired(options)))
      assert.strictEqual(line?.annotations["conversations"], 2_500 - 30 * 24)
      assert.notProperty(line?.annotations, "partitions")
      assert.strictEqual(yield* count("conversation"), 30 * 24 + 1)
      assert.strictEqual(yield* count("conversation_message"), 30 * 24 + 1)
      assert.strictEqual(yield* count("submission"), 101)
      assert.deepStrictEqual(yield* logged(at(now)(Retention.deleteExpired(options))), [])
    }).pipe(Effect.provide(database))
  )

  it.live("if the clock is years ahead of the database's clock, nothing is deleted too early", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`INSERT INTO submission (submission_id, website_config_id, received_at, form_data)
        VALUES (gen_random_uuid(), ${website}, now(), '{}')`
      yield* at(Date.UTC(2100, 0, 1))(
        Retention.deleteExpired({ pageViews: off, submissions: days(1), conversations: off })
      )
      assert.strictEqual(yield* count("submission"), 1)
    }).pipe(Effect.provide(database))
  )

  it.live("several processes at once delete what one would", () =>
    Effect.gen(function* () {
      const options = { pageViews: months(3), submissions: days(90), conversations: off }
      // A process that waits too long for a partition leaves it to the next round.
      const rounds = Array.from({ length: 4 }, () => Effect.exit(logged(at(now)(Retention.deleteExpired(options)))))
      yield* Effect.all(rounds, { concurrency: "unbounded" })
      yield* logged(at(now)(Retention.deleteExpired(options)))
      assert.deepStrictEqual(yield* partitions, partitionsFrom(3))
      assert.strictEqual(yield* count("submission"), 90 * 24 + 1)
    }).pipe(Effect.scoped, Effect.provide(databaseWith(4_000)))
  )

  it.live(
    "a partition that a report reads is dropped later; other data is deleted, and page views are stored meanwhile",
    () =>
      Effect.gen(function* () {
        const sql = yield* PgClient.PgClient
        const repo = yield* Service.AnalyticsRepo
        const options = { pageViews: months(3), submissions: days(1), conversations: off }
        const reader = yield* Database.dedicated()
        const report = yield* Locks.openTransaction(reader, reader`SELECT count(*) FROM page_view`)
        const round = yield* Effect.forkChild(Effect.exit(at(now)(Retention.deleteExpired(options))))
        yield* Effect.race(Locks.untilAwaited(sql), Fiber.await(round))
        // The insert queues behind the retention's request for a lock, and is stored when that times out.
        yield* repo.append(view)
        assert.isTrue(Exit.isFailure(yield* Fiber.join(round)))
        assert.includeMembers(
          yield* partitions,
          partitionsFrom(1).filter((name) => name.startsWith("page_view"))
        )
        assert.strictEqual(yield* count("submission"), 24 + 1)
        yield* report.commit
        yield* at(now)(Retention.deleteExpired(options))
        assert.deepStrictEqual(yield* partitions, partitionsFrom(3))
        assert.strictEqual(yield* count("page_view WHERE received_at > '2028-01-01Z'"), 1)
      }).pipe(Effect.scoped, Effect.provide(Layer.provideMerge(analytics, database)))
  )

  it.live("deletes only old rows of a manually partitioned default partition", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`DROP TABLE page_view_default`
      yield* sql`CREATE TABLE page_view_default PARTITION OF page_view DEFAULT PARTITION BY HASH (path)`
      for (const remainder of [0, 1]) {
        yield* sql.unsafe(`CREATE TABLE page_view_rest_${remainder} PARTITION OF page_view_default
          FOR VALUES WITH (MODULUS 2, REMAINDER ${remainder})`)
      }
      // Old rows of one table have the same ctids as new rows of the other.
      yield* sql`INSERT INTO page_view (hosted_website_id, received_at, path, visitor_hash)
        SELECT ${website}::uuid, CASE WHEN satisfies_hash_partition('page_view_default'::regclass, 2, 0, path)
          THEN '2023-12-01Z'::timestamptz ELSE '2030-01-01Z' END, path, ''
        FROM (SELECT '/' || number AS path FROM generate_series(1, 100) AS number) AS paths`
      const newRows = yield* count("page_view_rest_1")
      yield* at(now)(Retention.deleteExpired({ pageViews: months(3), submissions: off, conversations: off }))
      assert.strictEqual(yield* count("page_view_rest_0"), 0)
      assert.isAbove(newRows, 0)
      assert.strictEqual(yield* count("page_view_rest_1"), newRows)
    }).pipe(Effect.provide(database))
  )

  it.live("a partition with dependents does not delay the others, and its error is reported", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`CREATE VIEW january AS SELECT * FROM bot_view_2024_01`
      const error = yield* Effect.flip(
        at(now)(Retention.deleteExpired({ pageViews: months(3), submissions: days(1), conversations: off }))
      )
      assert.strictEqual(error._tag === "SqlError" ? Option.getOrNull(Database.sqlState(error)) : null, "2BP01")
      assert.deepStrictEqual(yield* partitions, ["bot_view_2024_01", ...partitionsFrom(3)])
      assert.strictEqual(yield* count("page_view_default"), 0)
      assert.strictEqual(yield* count("not_counted"), 31 + 30 + 31 + 15)
      assert.strictEqual(yield* count("submission"), 24 + 1)
    }).pipe(Effect.provide(database))
  )

  it.live("prepared statements still store page views while partitions are dropped", () =>
    Effect.gen(function* () {
      const repo = yield* Service.AnalyticsRepo
      const stored = yield* Ref.make(0)
      const done = yield* Ref.make(false)
      const writer = Effect.andThen(
        repo.append(view),
        Ref.update(stored, (sum) => sum + 1)
      ).pipe(Effect.repeat({ until: () => Ref.get(done) }))
      const writers = yield* Effect.forEach(Array.from({ length: 8 }), () => Effect.forkChild(writer))
      yield* Effect.repeat(Ref.get(stored), { until: (sum) => sum > 50 })
      for (const kept of [5, 4, 3, 2, 1]) {
        yield* at(now)(Retention.deleteExpired({ pageViews: months(kept), submissions: off, conversations: off })).pipe(
          Effect.eventually
        )
        const sum = yield* Ref.get(stored)
        yield* Effect.repeat(Ref.get(stored), { until: (after) => after > sum + 20 })
      }
      yield* Ref.set(done, true)
      yield* Effect.forEach(writers, Fiber.join)
      assert.deepStrictEqual(yield* partitions, partitionsFrom(5))
      assert.strictEqual(yield* count("page_view WHERE received_at > '2028-01-01Z'"), yield* Ref.get(stored))
    }).pipe(Effect.provide(Layer.provideMerge(analytics, database)))
  )
})
