/**
 * Locks the rows of websites, so that all processes together create at most as many as a maximum allows. Page views, submissions
 * and chats do not wait for this lock.
 *
 * In a process, creations of a website wait before they take a connection, so that they use only one of the pool.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { Effect } from "effect"
import type { SqlError } from "effect/sql"
import * as Database from "../../platform/postgres/Database.ts"
import * as Turns from "../../platform/runtime/Turns.ts"
import { StorageUnavailable } from "../../platform/Storage.ts"

/** How long a creation may take with its turn: less than proxies wait for a response. */
const timeout = "20 seconds"

/**
 * Makes the function that runs a creation in a transaction in which the websites are locked. The creation reads the websites
 * itself, since they may not exist. If it fails, nothing is created.
 */
export const make = Effect.gen(function* () {
  const sql = yield* PgClient
  const inTurn = yield* Turns.make(1)
  return (...websiteConfigIds: ReadonlyArray<string>) =>
    <A, E, R>(creation: Effect.Effect<A, E | SqlError.SqlError, R>) =>
      sql`SELECT FROM site WHERE website_config_id = ANY (${Database.array(websiteConfigIds, PgTypes.OID.uuid)})
        ORDER BY website_config_id FOR NO KEY UPDATE`.pipe(
        Effect.andThen(creation),
        sql.withTransaction,
        Database.mapErrors,
        inTurn(websiteConfigIds),
        Effect.timeoutOrElse({
          duration: timeout,
          orElse: () => Effect.fail(new StorageUnavailable({ reason: "timeout" }))
        })
      )
})
