/**
 * Runs the creations of a website one after another in all processes: each is a transaction that locks the website's row. Page
 * views, submissions and chats do not wait for this lock.
 *
 * In a process, creations of a website wait before they take a connection, so that they use only one of the pool.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { PgClient } from "@effect/sql-pg/PgClient"
import { type Duration, Effect, Layer } from "effect"
import * as Database from "../../../platform/postgres/Database.ts"
import * as Turns from "../../../platform/runtime/Turns.ts"
import { StorageUnavailable } from "../../../platform/Storage.ts"
import { CreationTurns } from "../CreationTurns.ts"

export interface Options {
  /** The timeout of a creation, which includes its turn. */
  readonly timeout: Duration.Input
}

export const layer = ({ timeout }: Options): Layer.Layer<CreationTurns, never, PgClient> =>
  Layer.effect(
    CreationTurns,
    Effect.gen(function* () {
      const sql = yield* PgClient
      const inTurn = yield* Turns.make(1)
      return CreationTurns.of({
        inTurn: (websiteConfigIds) => (creation) =>
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
    })
  )
