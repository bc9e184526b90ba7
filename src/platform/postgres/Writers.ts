/**
 * Waits for the transactions that are writing to tables, without blocking others.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { decodeRows } from "../runtime/Rows.ts"
import * as Database from "./Database.ts"

const Writers = Schema.Array(Schema.Struct({ writer: Schema.String }))

/**
 * The transactions that are writing to the tables. A transaction that begins to write to them later sees everything that is
 * committed now, because PostgreSQL locks a statement's target tables before the statement reads data.
 */
const writers = Effect.fnUntraced(function* (tables: ReadonlyArray<string>) {
  const sql = yield* SqlClient.SqlClient
  const rows = yield* sql`SELECT DISTINCT virtualtransaction AS writer FROM pg_locks
    WHERE locktype = 'relation' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND relation IN (SELECT to_regclass(name) FROM unnest(${Database.array(tables, PgTypes.OID.text)}) AS name)
      AND mode = 'RowExclusiveLock' AND granted AND pid IS DISTINCT FROM pg_backend_pid()`.pipe(decodeRows(Writers))
  return new Set(rows.map(({ writer }) => writer))
})

/** Waits until the transactions that are writing to the tables at the time of the call have ended. Ignores later ones. */
export const awaitEnd = Effect.fnUntraced(function* (tables: ReadonlyArray<string>) {
  let left = [...(yield* writers(tables))]
  while (left.length > 0) {
    yield* Effect.sleep("20 millis")
    const still = yield* writers(tables)
    left = left.filter((writer) => still.has(writer))
  }
})
