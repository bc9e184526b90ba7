/**
 * The schema migrations: runs them, and lists those that a database lacks.
 *
 * @module
 */
import { PgMigrator } from "@effect/sql-pg"
import { Clock, Duration, Effect, Option, Schedule, Schema } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { decodeRows } from "../../runtime/Rows.ts"
import * as Database from "../Database.ts"
import * as Analytics from "./history/Analytics.ts"
import * as Chat from "./history/Chat.ts"
import * as Delivery from "./history/Delivery.ts"
import * as First from "./history/First.ts"
import * as Forms from "./history/Forms.ts"
import * as Sites from "./history/Sites.ts"
import * as Partitions from "./Partitions.ts"

const table = "effect_sql_migrations"

/** All migrations, ascending. A new one is added to the file of its capability. */
export const loader: PgMigrator.Loader = PgMigrator.fromRecord({
  ...First.migrations,
  ...Analytics.migrations,
  ...Chat.migrations,
  ...Delivery.migrations,
  ...Forms.migrations,
  ...Sites.migrations
})

const Exists = Schema.Tuple([Schema.Struct({ found: Schema.Boolean })])

/** Whether the migrations table exists. */
const hasTable = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [{ found }] = yield* sql`SELECT to_regclass(${table}) IS NOT NULL AS found`.pipe(decodeRows(Exists))
  return found
})

const migrator = PgMigrator.make({})

/**
 * Timeouts that the role, the database or the server may set. A migration that is too slow for a timeout would fail on every
 * attempt, so migrations disable all of them except `lock_timeout`.
 */
const timeouts = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"]

/**
 * How long to wait for a table lock before rolling back and retrying. Reads and writes queue behind a waiting lock request: a
 * request without a timeout would block them until, for example, a backup of the table ends.
 */
const lockTimeout = "2s"

/** Whether a migration failed because of `lock_timeout`. */
const isLockedOut = (error: unknown): boolean => {
  const cause = causeOf(error)
  return SqlError.isSqlError(cause) && Option.contains(Database.sqlState(cause), "55P03")
}

/**
 * Whether a database of this encoding can store all Unicode text. SQL_ASCII stores bytes unchanged; with other encodings
 * PostgreSQL refuses characters that they lack.
 */
const storesUnicode = (encoding: string): boolean => encoding === "UTF8" || encoding === "SQL_ASCII"

const Encoding = Schema.Tuple([Schema.Struct({ encoding: Schema.String })])

/** Fails if the database cannot store all Unicode text. Checked only before the first migration. */
const requireEncoding = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [{ encoding }] = yield* sql`SELECT current_setting('server_encoding') AS encoding`.pipe(decodeRows(Encoding))
  if (storesUnicode(encoding)) return
  return yield* new PgMigrator.MigrationError({
    kind: "BadState",
    message: `its encoding is ${encoding}, which cannot store every character; recreate it with ENCODING 'UTF8' TEMPLATE template0`
  })
})

/** Unwraps the cause of a `MigrationError`. */
const causeOf = (error: unknown): unknown => (error instanceof PgMigrator.MigrationError ? error.cause : error)

const Applied = Schema.Array(Schema.Struct({ migration_id: Schema.Int }))

/** The ids of the applied migrations, ascending; empty for a database that was never migrated. */
const applied = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  if (!(yield* hasTable)) return []
  const rows = yield* sql`SELECT migration_id FROM ${sql(table)} ORDER BY migration_id`.pipe(decodeRows(Applied))
  return rows.map((row) => row.migration_id)
})

/** Fails for a database that stopped before the first migration that this version has, which makes all tables. */
const requireMigratable = Effect.gen(function* () {
  const latest = (yield* applied).at(-1)
  const [first] = yield* loader
  if (latest === undefined || first === undefined || latest >= first[0]) return
  return yield* new PgMigrator.MigrationError({
    kind: "BadState",
    message: `it stopped at migration ${latest}, and this version continues from ${first[0]} on; migrate it with a version of November 2026 first, or name an empty database in DATABASE_URL`
  })
})

const migrate = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  if (!(yield* hasTable)) {
    yield* requireEncoding
    // Outside the transaction: if two processes create the table at once, one fails, which would abort its transaction.
    yield* migrator({ loader: Effect.succeed([]), table })
  }
  const withoutTimeouts = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
    sql.withTransaction(
      Effect.andThen(
        sql`SELECT set_config(name, CASE name WHEN 'lock_timeout' THEN ${lockTimeout} ELSE '0' END, true)
          FROM pg_settings WHERE ${sql.in("name", timeouts)}`,
        effect
      )
    )
  // In a transaction of its own: two runs that have read the table, and then lock it, would be a deadlock.
  yield* withoutTimeouts(requireMigratable)
  return yield* withoutTimeouts(migrator({ loader, table }))
}).pipe(
  Database.recoverConnectionErrors(causeOf),
  Effect.retry({ while: isLockedOut, schedule: Schedule.spaced("1 second") })
)

/**
 * Migrates the database to this version in one transaction and returns the migrations that this run applied. Concurrent runs
 * are safe: one migrates, the others wait. No statement has a timeout. Also creates the monthly partitions, so that they exist before the first row.
 */
export const run: Effect.Effect<
  ReadonlyArray<readonly [id: number, name: string]>,
  PgMigrator.MigrationError | SqlError.SqlError,
  SqlClient.SqlClient
> = Effect.gen(function* () {
  const done = yield* migrate
  yield* Partitions.report(yield* Partitions.ensure(yield* Clock.currentTimeMillis))
  return done
}).pipe(Database.withTimeout(Duration.infinity))

/**
 * The ids of the migrations that this version needs and the database lacks, ascending. Empty for a database newer than this
 * version.
 */
export const pending: Effect.Effect<
  ReadonlyArray<number>,
  PgMigrator.MigrationError | SqlError.SqlError,
  SqlClient.SqlClient
> = Effect.gen(function* () {
  const needed = yield* loader
  const present = new Set(yield* applied)
  return needed.map(([id]) => id).filter((id) => !present.has(id))
})
