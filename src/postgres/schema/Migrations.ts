/**
 * The tables' history: what of it this version needs, and what a database has.
 *
 * @module
 */
import { fileURLToPath } from "node:url"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { PgMigrator } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schedule, Schema } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import * as MigratorFileSystem from "effect/sql/MigratorFileSystem"
import { decodeRows } from "../../runtime/Rows.ts"
import * as Database from "../Database.ts"
import * as Partitions from "./Partitions.ts"

const table = "effect_sql_migrations"

const loader = MigratorFileSystem.fromFileSystem(fileURLToPath(new URL("./migrations", import.meta.url))).pipe(
  Effect.provide(Layer.merge(NodeFileSystem.layer, NodePath.layer))
)

const Exists = Schema.Tuple([Schema.Struct({ found: Schema.Boolean })])

/** Whether the database has a list of migrations. */
const hasList = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [{ found }] = yield* sql`SELECT to_regclass(${table}) IS NOT NULL AS found`.pipe(decodeRows(Exists))
  return found
})

const migrator = PgMigrator.make({})

/**
 * What the role, the database or the server may have set so that no statement takes long. A migration takes what it takes:
 * cut short, it would end the same way each time.
 */
const limits = ["statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout", "transaction_timeout"]

/**
 * How long a table's lock is waited for before all is let go of and begun again. Whoever stores and reads stands behind the one
 * who waits: where a backup holds the table, that would be for as long as the backup.
 */
const lockPatience = "2s"

/** Whether a migration met a lock that was not to be had. */
const isLockedOut = (error: unknown): boolean => {
  const met = causeOf(error)
  return SqlError.isSqlError(met) && Option.contains(Database.sqlState(met), "55P03")
}

/** Whether a database of an encoding keeps whatever visitors write. Of the others PostgreSQL refuses letters that it has no place for; SQL_ASCII keeps bytes as they come. */
export const storesUnicode = (encoding: string): boolean => encoding === "UTF8" || encoding === "SQL_ASCII"

const Encoding = Schema.Tuple([Schema.Struct({ encoding: Schema.String })])

/** Refuses a new database that could not keep what visitors write. One that has our tables already goes on. */
const requireEncoding = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [{ encoding }] = yield* sql`SELECT current_setting('server_encoding') AS encoding`.pipe(decodeRows(Encoding))
  if (storesUnicode(encoding)) return
  return yield* new PgMigrator.MigrationError({
    kind: "BadState",
    message: `its encoding is ${encoding}, which has no place for every letter; make it anew with ENCODING 'UTF8' TEMPLATE template0`
  })
})

/** What a migration meets in its midst is told as that migration's failure. */
const causeOf = (met: unknown): unknown => (met instanceof PgMigrator.MigrationError ? met.cause : met)

const migrate = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  if (!(yield* hasList)) {
    yield* requireEncoding
    // By itself: where two processes make the list at once one of them fails, and a transaction around it would be over.
    yield* migrator({ loader: Effect.succeed([]), table })
  }
  return yield* sql.withTransaction(
    Effect.andThen(
      sql`SELECT set_config(name, CASE name WHEN 'lock_timeout' THEN ${lockPatience} ELSE '0' END, true)
        FROM pg_settings WHERE ${sql.in("name", limits)}`,
      migrator({ loader, table })
    )
  )
}).pipe(
  Database.recoverConnectionErrors(causeOf),
  Effect.retry({ while: isLockedOut, schedule: Schedule.spaced("1 second") })
)

/**
 * Brings the database up to this version and gives what had to be done, as `[id, name]`; all of it or nothing. Several
 * processes may do so at once: one works, the others wait for it. The months' partitions are made as well, so that no
 * row comes before them.
 */
export const run: Effect.Effect<
  ReadonlyArray<readonly [id: number, name: string]>,
  PgMigrator.MigrationError | SqlError.SqlError,
  SqlClient.SqlClient
> = Effect.gen(function* () {
  const done = yield* migrate
  yield* Partitions.report(yield* Database.recoverConnectionErrors()(Partitions.ensure(yield* Clock.currentTimeMillis)))
  return done
})

const Applied = Schema.Array(Schema.Struct({ migration_id: Schema.Int }))

/** The ids of the migrations that the database has, smallest first; none if it was never migrated. */
const applied = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  if (!(yield* hasList)) return []
  const rows = yield* sql`SELECT migration_id FROM ${sql(table)} ORDER BY migration_id`.pipe(decodeRows(Applied))
  return rows.map((row) => row.migration_id)
})

/**
 * The ids of the migrations that this version needs and the database has not, smallest first. A database that is newer
 * than this version misses none.
 */
export const pending: Effect.Effect<
  ReadonlyArray<number>,
  PgMigrator.MigrationError | SqlError.SqlError,
  SqlClient.SqlClient
> = Effect.gen(function* () {
  const needed = yield* loader
  const has = new Set(yield* applied)
  return needed.map(([id]) => id).filter((id) => !has.has(id))
})
