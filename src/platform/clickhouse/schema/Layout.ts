/**
 * Detects where the tables are: on one server, or on a cluster.
 *
 * @module
 */
import { Effect, Schema } from "effect"
import { decodeRows } from "../../runtime/Rows.ts"
import { ClickHouse } from "../ClickHouse.ts"
import type { ClickHouseError } from "../Errors.ts"
import * as Tables from "./Tables.ts"

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
