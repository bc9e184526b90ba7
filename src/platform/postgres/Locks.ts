/**
 * Locks rows, and waits for the transactions that are writing to tables.
 *
 * @module
 */
import { PgClient } from "@effect/sql-pg/PgClient"
import { Effect, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as Slots from "../limits/Slots.ts"
import { decodeRows } from "../runtime/Rows.ts"
import { StorageUnavailable } from "../Storage.ts"
import * as Database from "./Database.ts"

/** How long a creation may take with its turn: less than proxies wait for a response. */
const timeout = "20 seconds"

/**
 * Makes the function that runs a creation in a transaction in which the rows with these ids are locked, so that all processes
 * together create at most as many of what belongs to them as a maximum allows. The creation reads the rows itself, since they may
 * not exist. If it fails, nothing is created. In a process, creations for a row wait before they take a connection, so that they
 * use only one of the pool.
 */
export const rows = (table: string, id: string) =>
  Effect.gen(function* () {
    const sql = yield* PgClient
    const inTurn = yield* Slots.makeTurns(1)
    return (...ids: ReadonlyArray<string>) =>
      <A, E, R>(creation: Effect.Effect<A, E | SqlError.SqlError, R>) =>
        sql`SELECT FROM ${sql(table)} WHERE ${sql(id)} = ANY (${Database.uuids(ids)})
        ORDER BY ${sql(id)} FOR NO KEY UPDATE`.pipe(
          Effect.andThen(creation),
          sql.withTransaction,
          Database.mapErrors,
          inTurn(ids),
          Effect.timeoutOrElse({
            duration: timeout,
            orElse: () => Effect.fail(new StorageUnavailable({ reason: "timeout" }))
          })
        )
  })

const Writers = Schema.Array(Schema.Struct({ writer: Schema.String }))

/**
 * The transactions that are writing to the tables. A transaction that begins to write to them later sees everything that is
 * committed now, because PostgreSQL locks a statement's target tables before the statement reads data.
 */
const writers = Effect.fnUntraced(function* (tables: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`SELECT DISTINCT virtualtransaction AS writer FROM pg_locks
    WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND relation IN (SELECT to_regclass(name) FROM unnest(${Database.texts(tables)}) AS name)
      AND mode = 'RowExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid()`.pipe(decodeRows(Writers))
  return new Set(rows.map(({ writer }) => writer))
})

/** Waits until the transactions that are writing to the tables at the time of the call have ended. Ignores later ones, and blocks none. */
export const awaitWriters = Effect.fnUntraced(function* (tables: ReadonlyArray<string>) {
  let left = [...(yield* writers(tables))]
  while (left.length > 0) {
    yield* Effect.sleep("20 millis")
    const still = yield* writers(tables)
    left = left.filter((writer) => still.has(writer))
  }
})
