/**
 * `migrate` on slow, locked and unreachable databases.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Latch, Layer, Redacted } from "effect"
import { SqlClient } from "effect/sql"
import * as Cluster from "../../../scripts/torture/Cluster.ts"
import * as Migrate from "../../../src/cli/commands/Migrate.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import { migrations } from "../../../src/platform/postgres/schema/history/Analytics.ts"
import * as First from "../../../src/platform/postgres/schema/history/First.ts"
import { loader } from "../../../src/platform/postgres/schema/Migrations.ts"
import * as Locks from "../../support/postgres/Locks.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import { pause, until } from "../../support/Wait.ts"

/** The database timeout, in milliseconds. */
const databaseTimeout = 2_000

/** Migrates with a new client. */
const migrate = ({ url }: TestDatabase.Connection) =>
  Effect.provide(Migrate.migrate, Layer.fresh(Database.layer({ url, connections: 2, timeout: databaseTimeout })))

/** The migrations after the first, in order. */
const laterMigrations = (await Effect.runPromise(loader))
  .filter(([id]) => id > 3)
  .map(([id, name]) => [id, name] as const)

/** Resets a database to its first migration, without partitions. */
const resetToFirst = Effect.fnUntraced(function* (sql: SqlClient.SqlClient) {
  yield* sql`CREATE SCHEMA kept`
  yield* sql`ALTER TABLE effect_sql_migrations SET SCHEMA kept`
  yield* sql`DROP SCHEMA public CASCADE`
  yield* sql`ALTER SCHEMA kept RENAME TO public`
  yield* sql`DELETE FROM effect_sql_migrations WHERE migration_id > 3`
  yield* Effect.provideService(First.migrations["0003_edge"], SqlClient.SqlClient, sql)
})

/** A client on a database that has only its first migration. */
const databaseAtFirst = Effect.gen(function* () {
  const connection = yield* TestDatabase.connection
  const sql = yield* TestDatabase.clientOf(connection)
  yield* resetToFirst(sql)
  return { connection, sql }
})

describe.concurrent("migrate", () => {
  for (const [name, table] of [
    ["a migration that waits for a table that another transaction has locked", "submission"],
    ["a migration that waits for the migration of another process", "effect_sql_migrations"]
  ] as const) {
    it.live(`${name} is not limited by the database's timeouts`, () =>
      Effect.gen(function* () {
        const { connection, sql } = yield* databaseAtFirst
        for (const limit of ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"]) {
          yield* sql.unsafe(`ALTER DATABASE ${connection.database} SET ${limit} = '${databaseTimeout}ms'`)
        }
        const blocker = yield* Locks.openTransaction(sql, sql`LOCK TABLE ${sql(table)} IN ACCESS EXCLUSIVE MODE`)
        const running = yield* Effect.forkChild(migrate(connection))
        yield* Locks.untilAwaited(sql)
        yield* pause(3 * databaseTimeout)
        yield* blocker.commit
        assert.deepStrictEqual(yield* Fiber.join(running), laterMigrations)
        assert.deepStrictEqual(yield* migrate(connection), [])
      }).pipe(Effect.scoped)
    )
  }

  it.live("readers of a table are not blocked while a migration waits for its lock", () =>
    Effect.gen(function* () {
      const { connection, sql } = yield* databaseAtFirst
      const backup = yield* Locks.openTransaction(sql, sql`SELECT 1 FROM site`)
      const running = yield* Effect.forkChild(migrate(connection))
      yield* Locks.untilAwaited(sql)
      assert.deepStrictEqual(yield* Effect.timeout(sql`SELECT 1 FROM site`, "60 seconds"), [])
      yield* backup.commit
      assert.deepStrictEqual(yield* Fiber.join(running), laterMigrations)
    }).pipe(Effect.scoped)
  )

  it.live("a migration is retried after its connection is cut", () =>
    Effect.gen(function* () {
      const { connection, sql } = yield* databaseAtFirst
      const blocker = yield* Locks.openTransaction(sql, sql`LOCK TABLE submission IN ACCESS EXCLUSIVE MODE`)
      const running = yield* Effect.forkChild(migrate(connection))
      yield* Locks.terminateWaiting(sql)
      yield* blocker.commit
      assert.deepStrictEqual(yield* Fiber.join(running), laterMigrations)
    }).pipe(Effect.scoped)
  )

  it.live("a migration is retried after the database restarts", () =>
    Effect.gen(function* () {
      const cluster = yield* Cluster.make({ fsync: "off" })
      const run = Migrate.migrate.pipe(
        Effect.provide(Database.layer({ url: Redacted.make(cluster.url), connections: 1, timeout: "50 seconds" }))
      )
      yield* run
      yield* cluster.use(resetToFirst)
      const locked = yield* Latch.make()
      yield* cluster
        .use((sql) =>
          sql.withTransaction(Effect.andThen(sql`LOCK TABLE submission`, Effect.andThen(locked.open, Effect.never)))
        )
        .pipe(Effect.forkScoped)
      yield* locked.await
      const running = yield* Effect.forkChild(run)
      yield* until("the migration waits for the lock", () => Effect.runPromise(cluster.use(Locks.isAwaited)))
      yield* cluster.stop
      yield* pause(databaseTimeout)
      yield* cluster.start
      assert.deepStrictEqual(yield* Fiber.join(running), laterMigrations)
    }).pipe(Effect.scoped)
  )

  it.live(
    "the migration that indexes visits does not lock them while it waits for a rollup run, which may need them",
    () =>
      Effect.gen(function* () {
        const sql = yield* TestDatabase.clientOf(yield* TestDatabase.connection)
        yield* sql`DROP INDEX visit_hash, visit_session, visit_other_hashes`
        const run = yield* Locks.openTransaction(sql, sql`LOCK TABLE rollup_day IN ROW EXCLUSIVE MODE`)
        const running = yield* migrations["0040_visit_indexes"].pipe(
          Effect.provideService(SqlClient.SqlClient, sql),
          sql.withTransaction,
          Effect.forkChild
        )
        yield* Locks.untilAwaited(sql)
        // Readers, such as a planner, hold only a lock that no rollup run waits for. Copies of one template share the table's id.
        const locks = yield* sql`SELECT mode FROM pg_locks
          WHERE relation = 'visit'::regclass AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND mode <> 'AccessShareLock'`
        yield* run.commit
        yield* Fiber.join(running)
        assert.deepStrictEqual(locks, [])
      }).pipe(Effect.scoped)
  )

  it.live("a failed migration is reported with its name and cause", () =>
    Effect.gen(function* () {
      const { connection, sql } = yield* databaseAtFirst
      yield* sql`CREATE TABLE token_usage (other text)`
      const { message } = yield* Effect.flip(migrate(connection))
      assert.match(message, /^The database could not be migrated: Migration "5_token_budget" failed\. .*SQLSTATE 42P07/)
    }).pipe(Effect.scoped)
  )

  it.live("a database without UTF-8 is rejected before any migration", () =>
    Effect.gen(function* () {
      const { database, url } = yield* TestDatabase.connection
      const sql = yield* TestDatabase.clientOf({ database, url })
      const latin = `${database}_latin1`
      yield* sql.unsafe(`CREATE DATABASE ${latin} ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0`)
      yield* Effect.addFinalizer(() => Effect.orDie(sql.unsafe(`DROP DATABASE ${latin} WITH (FORCE)`)))
      const address = new URL(Redacted.value(url))
      address.pathname = latin
      const connection = { database: latin, url: Redacted.make(address.href) }
      assert.include((yield* Effect.flip(migrate(connection))).message, "its encoding is LATIN1")
      const latinSql = yield* TestDatabase.clientOf(connection)
      assert.deepStrictEqual(yield* latinSql`SELECT relname FROM pg_class WHERE relname = 'effect_sql_migrations'`, [])
    }).pipe(Effect.scoped)
  )

  it.live("says how to continue with a database that stopped before the first migration that this version has", () =>
    Effect.gen(function* () {
      const { connection, sql } = yield* databaseAtFirst
      yield* sql`UPDATE effect_sql_migrations SET migration_id = 2`
      const { message } = yield* Effect.flip(migrate(connection))
      assert.match(
        message,
        /^The database could not be migrated: it stopped at migration 2, .* first, or name an empty/
      )
      assert.deepStrictEqual(yield* sql`SELECT migration_id FROM effect_sql_migrations`, [{ migration_id: 2 }])
    }).pipe(Effect.scoped)
  )

  it.live("fails if the database is unreachable", () =>
    Effect.gen(function* () {
      const unreachable = Database.layer({
        url: Redacted.make("postgres://nobody@127.0.0.1:1/none"),
        connections: 1,
        timeout: databaseTimeout
      })
      const exit = yield* Effect.exit(Effect.provide(Migrate.migrate, unreachable))
      assert.include(String(Exit.isFailure(exit) ? exit.cause : ""), "StorageUnavailable")
    })
  )
})
