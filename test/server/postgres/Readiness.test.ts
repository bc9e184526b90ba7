import { readFileSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { PgClient } from "@effect/sql-pg"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted } from "effect"
import { TestClock } from "effect/testing"
import * as Cluster from "../../../scripts/torture/Cluster.ts"
import { SeparateStore } from "../../../src/analytics/SeparateStore.ts"
import * as SubmissionRepo from "../../../src/forms/postgres/SubmissionRepo.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"
import { layer } from "../../../src/server/postgres/Readiness.ts"
import { check, checkOnce, suite, untilReady, write } from "../../suites/Readiness.ts"
import * as TestClient from "../../support/postgres/TestClient.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import { websites } from "../../support/TestSubmissions.ts"

const onDatabase = Layer.provideMerge(layer, TestClient.layer)

/** Makes every insert into these tables fail as on a full disk, and counts the attempts in `tries`. */
const fillDisk = (...tables: ReadonlyArray<string>) =>
  PgClient.PgClient.use((sql) =>
    Effect.forEach(
      [
        "CREATE SEQUENCE IF NOT EXISTS tries",
        `CREATE OR REPLACE FUNCTION disk_full() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('tries');
          RAISE EXCEPTION 'could not extend file "base/1/2": No space left on device' USING ERRCODE = '53100'; END $$`,
        ...tables.map((table) => `CREATE TRIGGER full_${table} BEFORE INSERT ON ${table} EXECUTE FUNCTION disk_full()`)
      ],
      (statement) => sql.unsafe(statement),
      { discard: true }
    )
  )

const freeDisk = (...tables: ReadonlyArray<string>) =>
  PgClient.PgClient.use((sql) =>
    Effect.forEach(tables, (table) => sql.unsafe(`DROP TRIGGER full_${table} ON ${table}`), { discard: true })
  )

const tries = PgClient.PgClient.use((sql) =>
  Effect.map(sql<{ readonly n: number }>`SELECT last_value::int AS n FROM tries`, ([row]) => row?.n ?? 0)
)

const addWebsite = PgClient.PgClient.use(
  (sql) => sql`INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
    VALUES (${websites[0]}, gen_random_uuid(), gen_random_uuid(), 'test')`
)

/**
 * Readiness and submissions, which share a `WriteHealth`. With a short timeout, a failed write could still be stored after its
 * caller got the failure.
 */
const withWrites = Layer.fresh(
  Layer.mergeAll(layer, SubmissionRepo.layer({ timeout: "2 seconds", maxQueue: 10 })).pipe(
    Layer.provideMerge(Layer.effectDiscard(addWebsite)),
    Layer.provideMerge(TestClient.layer)
  )
)

suite("server/postgres/Readiness: the state", withWrites, {
  begin: fillDisk("submission"),
  end: freeDisk("submission")
})

describe.concurrent("server/postgres/Readiness: while writes fail", () => {
  it.live("trial writes run, the database is not ready while they fail, and they leave only a batch id", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* fillDisk("submission")
      yield* Effect.flip(write)
      yield* freeDisk("submission")
      // All kinds of writes are tried, not only the failed one.
      for (const table of ["bot_view", "page_view_batch", "submission"]) {
        yield* fillDisk(table)
        const before = yield* tries
        while ((yield* tries) === before) {
          assert.strictEqual((yield* Effect.flip(check)).reason, "database-not-storing", table)
          yield* Effect.sleep("50 millis")
        }
        yield* freeDisk(table)
      }
      yield* untilReady
      for (const table of ["page_view", "bot_view", "submission"]) {
        assert.deepStrictEqual(yield* sql`SELECT 1 FROM ${sql(table)}`, [], table)
      }
      assert.lengthOf(yield* sql`SELECT 1 FROM page_view_batch`, 1)
    }).pipe(Effect.provide(withWrites))
  )

  it.live("no trial writes run while requests write successfully", () =>
    Effect.gen(function* () {
      yield* write
      yield* fillDisk("page_view", "bot_view", "submission", "page_view_batch")
      yield* check
    }).pipe(Effect.provide(withWrites))
  )
})

/** Starts a loopback server that accepts connections and never replies; returns its port. */
const unresponsiveServer = Effect.acquireRelease(
  Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
    const sockets = new Set<{ destroy: () => void }>()
    const server = createServer((socket) => sockets.add(socket))
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" && address !== null ? address.port : 0
      const close = () => {
        for (const socket of sockets) socket.destroy()
        server.close()
      }
      resume(Effect.succeed({ port, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

const readinessAt = (port: number) =>
  Layer.provide(
    layer,
    Database.layer({ url: Redacted.make(`postgres://nobody@127.0.0.1:${port}/none`), connections: 1 })
  )

const refused = Effect.fail(new StorageUnavailable({ reason: "unreachable", setting: "ANALYTICS_URL" }))

/** Readiness with a separate store that has all migrations, or lacks one, or cannot say. */
const withSeparateStore = (isMigrated: Effect.Effect<boolean, StorageUnavailable>) =>
  onDatabase.pipe(
    Layer.provide(
      Layer.succeed(
        SeparateStore,
        Option.some({
          isMigrated,
          visitorRows: () => refused,
          addConversions: () => refused,
          erase: () => refused,
          websitesWithVisits: refused,
          eraseVisits: () => refused,
          dropMonthsBefore: () => refused
        })
      )
    )
  )

describe.concurrent("server/postgres/Readiness", () => {
  it.effect("a migrated database is ready", () => check.pipe(Effect.provide(onDatabase)))

  it.live("a separate store that lacks a migration is not ready; one that cannot be reached does not matter", () =>
    Effect.gen(function* () {
      const outcome = (isMigrated: Effect.Effect<boolean, StorageUnavailable>) =>
        Effect.match(check, { onSuccess: () => "ready", onFailure: ({ reason }) => reason }).pipe(
          Effect.provide(Layer.fresh(withSeparateStore(isMigrated)))
        )
      assert.strictEqual(yield* outcome(Effect.succeed(true)), "ready")
      assert.strictEqual(yield* outcome(Effect.succeed(false)), "analytics-not-migrated")
      assert.strictEqual(yield* outcome(refused), "ready")
      assert.strictEqual(yield* outcome(Effect.never), "ready")
    })
  )

  it.effect("a database that lacks migrations is not ready until they are applied", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* check
      yield* sql`ALTER TABLE effect_sql_migrations RENAME TO hidden`
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Effect.flip(check)).reason, "database-not-migrated")
      yield* sql`ALTER TABLE hidden RENAME TO effect_sql_migrations`
      yield* sql`UPDATE effect_sql_migrations SET migration_id = -migration_id`
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* Effect.flip(check)).reason, "database-not-migrated")
      yield* sql`UPDATE effect_sql_migrations SET migration_id = -migration_id`
      yield* TestClock.adjust("1 second")
      yield* check
    }).pipe(Effect.provide(onDatabase))
  )

  it.live("a database whose transactions are read-only by default is not ready", () =>
    Effect.gen(function* () {
      const connection = yield* TestDatabase.connection
      const writer = yield* TestDatabase.clientOf(connection)
      yield* writer`ALTER DATABASE ${writer(connection.database)} SET default_transaction_read_only = on`
      const onReadOnly = Layer.provide(layer, Database.layer({ url: connection.url, connections: 1 }))
      assert.strictEqual((yield* Effect.flip(Effect.provide(check, onReadOnly))).reason, "database-read-only")
    }).pipe(Effect.scoped)
  )

  it.live("a user without write privileges is not ready until they are granted", () =>
    Effect.gen(function* () {
      const connection = yield* TestDatabase.connection
      const { allowRequests, owner, reader } = yield* TestDatabase.readOnly(connection)
      const asReader = Layer.fresh(Layer.provide(layer, Database.layer({ url: connection.url, connections: 1 })))
      assert.strictEqual((yield* Effect.flip(Effect.provide(check, asReader))).reason, "database-denied")
      yield* allowRequests
      yield* Effect.provide(check, asReader)
      for (const table of ["submission", "idempotency_key", "conversation"]) {
        yield* owner`REVOKE DELETE ON ${owner(table)} FROM ${reader}`
        assert.strictEqual((yield* Effect.flip(Effect.provide(check, asReader))).reason, "database-denied")
        yield* allowRequests
        yield* Effect.provide(check, asReader)
      }
      yield* owner`REVOKE INSERT ON bot_view FROM ${reader}`
      assert.strictEqual((yield* Effect.flip(Effect.provide(check, asReader))).reason, "database-denied")
    }).pipe(Effect.scoped)
  )

  it.effect("a database with migrations of a later version is ready", () =>
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      yield* sql`INSERT INTO effect_sql_migrations (migration_id, name) VALUES (9999, 'later')`
      yield* check
    }).pipe(Effect.provide(onDatabase))
  )

  it.live("a server that accepts connections and never replies is unreachable, and the check still completes", () =>
    Effect.gen(function* () {
      const { port } = yield* unresponsiveServer
      const error = yield* Effect.flip(Effect.provide(checkOnce, readinessAt(port)))
      assert.strictEqual(error.reason, "database-unreachable")
    })
  )

  it.live("a missing server is unreachable, with the system's error code", () =>
    Effect.gen(function* () {
      // Nothing listens there.
      const error = yield* Effect.flip(Effect.provide(check, readinessAt(1)))
      assert.deepInclude(error, { reason: "database-unreachable", code: "ECONNREFUSED" })
    })
  )

  it.live("a server that refuses the connection is unreachable, with its SQLSTATE", () =>
    Effect.gen(function* () {
      const connection = yield* TestDatabase.connection
      const toMissing = new URL(Redacted.value(connection.url))
      toMissing.pathname = "/nowhere"
      const refused = (url: string) =>
        Effect.flip(
          Effect.provide(check, Layer.provide(layer, Database.layer({ url: Redacted.make(url), connections: 1 })))
        )
      assert.deepInclude(yield* refused(toMissing.href), { reason: "database-unreachable", code: "3D000" })
    }).pipe(Effect.scoped)
  )

  it.live("a refused login, a missing password and exhausted connections each have their code", () =>
    Effect.gen(function* () {
      const cluster = yield* Cluster.make({
        fsync: "off",
        max_connections: "5",
        max_wal_senders: "0",
        superuser_reserved_connections: "1",
        reserved_connections: "0"
      })
      const file = yield* cluster.use((sql) =>
        sql`CREATE ROLE ada LOGIN PASSWORD 'sesame'`.pipe(
          Effect.andThen(sql`CREATE ROLE eve LOGIN`),
          Effect.andThen(sql<{ readonly hba_file: string }>`SHOW hba_file`),
          Effect.map(([row]) => row?.hba_file ?? "")
        )
      )
      writeFileSync(file, `local all ada scram-sha-256\n${readFileSync(file, "utf8")}`)
      yield* cluster.use((sql) => sql`SELECT pg_reload_conf()`)
      const clientOf = (user: string, password: string | undefined, connections: number) => {
        const url = new URL(cluster.url)
        url.searchParams.set("user", user)
        if (password !== undefined) url.searchParams.set("password", password)
        return Database.layer({ url: Redacted.make(url.href), connections })
      }
      const codeFor = (user: string, password?: string) =>
        Effect.flip(Effect.provide(check, Layer.provide(layer, clientOf(user, password, 1)))).pipe(
          Effect.map((error) => (error._tag === "NotReady" ? error.code : error._tag))
        )
      assert.strictEqual(yield* codeFor("nobody"), "28000")
      assert.strictEqual(yield* codeFor("ada", "wrong"), "28P01")
      assert.strictEqual(yield* codeFor("ada"), "28P01")
      // The last connection is reserved for superusers.
      const others = yield* Effect.provide(PgClient.PgClient, yield* Layer.build(clientOf("eve", undefined, 4)))
      for (let count = 0; count < 4; count++) yield* others.reserve
      assert.strictEqual(yield* codeFor("eve"), "53300")
    }).pipe(Effect.scoped)
  )
})
