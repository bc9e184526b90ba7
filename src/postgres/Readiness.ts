/**
 * Asks PostgreSQL whether this process can serve. However many ask at once, the database is asked once, and its answer is
 * used for half a second, so that whoever floods the check does not flood the database.
 *
 * @module
 */
import { Effect, Layer, Option } from "effect"
import { SqlClient } from "effect/sql"
import { NotReady, Readiness } from "../services/Readiness.ts"
import { bounded } from "./Database.ts"
import * as Lookup from "./Lookup.ts"
import * as Migrations from "./Migrations.ts"

/** Below the two seconds that are promised, so that the answer can still be given. */
const timeout = "1800 millis"

/** How long the list of migrations may be locked before it is left alone. */
const lockPatience = "600 millis"

export const layer: Layer.Layer<Readiness, never, SqlClient.SqlClient> = Layer.effect(
  Readiness,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const alive = Effect.as(sql`SELECT 1`, [])
    let migrated = false
    // A migration that is under way locks the list of migrations. Whoever had all that it needs has it still, and goes on
    // serving meanwhile.
    const missing = Migrations.pending.pipe(
      Effect.provideService(SqlClient.SqlClient, sql),
      (asked) =>
        Effect.suspend(() =>
          migrated ? Effect.timeoutOrElse(asked, { duration: lockPatience, orElse: () => alive }) : asked
        ),
      Effect.tap((ids) =>
        Effect.sync(() => {
          migrated = ids.length === 0
        })
      )
    )
    const pending = yield* Lookup.make({
      find: () =>
        missing.pipe(
          // The migrations are files of our own.
          Effect.catchTag("MigrationError", Effect.die),
          bounded(timeout),
          Effect.asSome
        ),
      found: "500 millis",
      unknown: "500 millis",
      capacity: 1
    })
    return Readiness.of({
      check: pending("").pipe(
        Effect.mapError(() => new NotReady({ reason: "database-unreachable" })),
        Effect.filterOrFail(
          Option.exists((ids) => ids.length === 0),
          () => new NotReady({ reason: "database-not-migrated" })
        ),
        Effect.asVoid
      )
    })
  })
)
