/**
 * The tables' history: what of it this version needs, and what a database has.
 *
 * @module
 */
import { fileURLToPath } from "node:url"
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import { PgMigrator } from "@effect/sql-pg"
import { Clock, Effect, Layer, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as MigratorFileSystem from "effect/sql/MigratorFileSystem"
import * as Partitions from "./Partitions.ts"

const table = "effect_sql_migrations"

const loader = MigratorFileSystem.fromFileSystem(fileURLToPath(new URL("./migrations", import.meta.url))).pipe(
  Effect.provide(Layer.merge(NodeFileSystem.layer, NodePath.layer))
)

const migrate = PgMigrator.make({})({ loader, table })

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
  yield* Partitions.report(yield* Partitions.ensure(yield* Clock.currentTimeMillis))
  return done
})

const Exists = Schema.Tuple([Schema.Struct({ found: Schema.Boolean })])
const Applied = Schema.Array(Schema.Struct({ migration_id: Schema.Int }))

/** The ids of the migrations that the database has, smallest first; none if it was never migrated. */
const applied = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const [{ found }] = yield* sql`SELECT to_regclass(${table}) IS NOT NULL AS found`.pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Exists)),
    Effect.catchTag("SchemaError", Effect.die)
  )
  if (!found) return []
  const rows = yield* sql`SELECT migration_id FROM ${sql(table)} ORDER BY migration_id`.pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Applied)),
    Effect.catchTag("SchemaError", Effect.die)
  )
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
