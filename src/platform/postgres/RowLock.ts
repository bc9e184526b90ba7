/**
 * Locks rows, so that all processes together create at most as many of what belongs to them as a maximum allows.
 *
 * In a process, creations for a row wait before they take a connection, so that they use only one of the pool.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { Effect } from "effect"
import type { SqlError } from "effect/sql"
import * as Slots from "../limits/Slots.ts"
import { StorageUnavailable } from "../Storage.ts"
import * as Database from "./Database.ts"

/** How long a creation may take with its turn: less than proxies wait for a response. */
const timeout = "20 seconds"

/**
 * Makes the function that runs a creation in a transaction in which the rows with these ids are locked. The creation reads the
 * rows itself, since they may not exist. If it fails, nothing is created.
 */
export const make = (table: string, id: string) =>
  Effect.gen(function* () {
    const sql = yield* PgClient
    const inTurn = yield* Slots.makeTurns(1)
    return (...ids: ReadonlyArray<string>) =>
      <A, E, R>(creation: Effect.Effect<A, E | SqlError.SqlError, R>) =>
        sql`SELECT FROM ${sql(table)} WHERE ${sql(id)} = ANY (${Database.array(ids, PgTypes.OID.uuid)})
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
