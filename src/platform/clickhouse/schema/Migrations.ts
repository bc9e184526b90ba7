/**
 * The migrations of the tables: runs them, lists those that the database lacks, and finds where the tables are.
 *
 * @module
 */
import { Effect, Option, Schema } from "effect"
import { decodeRows } from "../../runtime/Rows.ts"
import { ClickHouse, quoted } from "../ClickHouse.ts"
import type { ClickHouseError } from "../Errors.ts"
import { migrations } from "./History.ts"
import type { Migration } from "./Tables.ts"
import * as Tables from "./Tables.ts"

/** The tables exist, but not on the named cluster. */
export class OtherLayout extends Schema.TaggedError<OtherLayout>()("OtherLayout", {
  /** Where the tables are, such as `one server`. */
  layout: Schema.String
}) {}

const Found = Schema.Array(Schema.Struct({ name: Schema.String, engine: Schema.String, definition: Schema.String }))

/** Those of the service's tables that the database has, with their engines. */
const existing = ClickHouse.use(({ query }) =>
  query(
    `SELECT name, engine, engine_full AS definition FROM system.tables
      WHERE database = currentDatabase() AND name IN {names:Array(String)}`,
    { parameters: { names: [...Tables.names, Tables.versions] } }
  ).pipe(decodeRows(Found))
)

/** The cluster of a `Distributed` table. */
const clusterOf = (definition: string): string | undefined => /^Distributed\('((?:[^'\\]|\\.)*)'/.exec(definition)?.[1]

/** Where the tables are; on one server if there are none yet. */
export const target: Effect.Effect<Tables.Target, ClickHouseError, ClickHouse> = Effect.map(existing, (found) => {
  const cluster = found.map(({ definition }) => clusterOf(definition)).find((name) => name !== undefined)
  return cluster === undefined ? Tables.server : { _tag: "Cluster", cluster: cluster.replace(/\\(.)/g, "$1") }
})

/** The names of the service's tables that the database has. */
export const present: Effect.Effect<ReadonlySet<string>, ClickHouseError, ClickHouse> = Effect.map(
  existing,
  (found) => new Set(found.map(({ name }) => name))
)

const Ids = Schema.Array(Schema.Struct({ id: Schema.Int }))

const recorded = ClickHouse.use(({ query }) =>
  query(`SELECT DISTINCT id FROM ${Tables.versions} ORDER BY id`).pipe(
    decodeRows(Ids),
    Effect.map((rows) => new Set(rows.map(({ id }) => id)))
  )
)

/**
 * The ids of the applied migrations. Tables that were created before there was a record of migrations are those of the first
 * one. If a table is missing, neither the migration that creates it nor a later one, which may change it, counts as applied.
 */
const applied = Effect.fnUntraced(function* (all: ReadonlyArray<Migration>) {
  const tables = yield* present
  const ids = tables.has(Tables.versions) ? yield* recorded : new Set([1])
  const incomplete = all.find(({ creates }) => !creates.every((name) => tables.has(name)))
  return incomplete === undefined ? ids : new Set([...ids].filter((id) => id < incomplete.id))
})

/**
 * The migrations that this version needs and the database lacks, ascending. Empty for a database newer than this version.
 *
 * @param all the migrations of this version
 */
export const pending = (
  all: ReadonlyArray<Migration> = migrations
): Effect.Effect<ReadonlyArray<Migration>, ClickHouseError, ClickHouse> =>
  Effect.map(applied(all), (ids) => all.filter(({ id }) => !ids.has(id)))

const record = ({ id, name }: Migration): string =>
  `INSERT INTO ${Tables.versions} (id, name) VALUES (${id}, ${quoted(name)})`

/** Runs the migrations that are pending, without checking where the tables are. */
export const migrate = Effect.fnUntraced(function* (
  target: Tables.Target,
  all: ReadonlyArray<Migration> = migrations
): Effect.fn.Return<ReadonlyArray<Migration>, ClickHouseError, ClickHouse> {
  const { command } = yield* ClickHouse
  const missing = yield* pending(all)
  yield* command(Tables.createVersions(target))
  const known = yield* recorded
  for (const migration of all) {
    if (missing.includes(migration)) {
      yield* Effect.forEach(migration.statements(target), (statement) => command(statement), { discard: true })
    }
    if (!known.has(migration.id)) yield* command(record(migration))
  }
  return missing
})

const layoutOf = (target: Tables.Target): string =>
  target._tag === "Server" ? "one server" : `the cluster ${target.cluster}`

/**
 * Runs the pending migrations on the named cluster, or, if none is named, where the existing tables are, and returns them. Fails
 * if the existing tables are not on the named cluster.
 */
export const apply = Effect.fnUntraced(function* (
  cluster: Option.Option<string>,
  all: ReadonlyArray<Migration> = migrations
): Effect.fn.Return<ReadonlyArray<Migration>, ClickHouseError | OtherLayout, ClickHouse> {
  const current = yield* target
  const tables = yield* present
  const wanted: Tables.Target = Option.match(cluster, {
    onNone: () => current,
    onSome: (name) => ({ _tag: "Cluster", cluster: name })
  })
  const anyExists = Tables.names.some((name) => tables.has(name))
  if (anyExists && layoutOf(wanted) !== layoutOf(current)) {
    return yield* new OtherLayout({ layout: layoutOf(current) })
  }
  return yield* migrate(wanted, all)
})
