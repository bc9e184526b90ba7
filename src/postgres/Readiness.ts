/**
 * Asks PostgreSQL whether this process can serve. However many ask at once, the database is asked once, and its answer is
 * used for half a second, so that whoever floods the check does not flood the database.
 *
 * @module
 */
import { Effect, Layer, Option, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { decodeRows } from "../runtime/Rows.ts"
import { NotReady, Readiness } from "../services/Readiness.ts"
import { bounded } from "./Database.ts"
import * as Lookup from "./Lookup.ts"
import * as Migrations from "./schema/Migrations.ts"
import * as Privileges from "./schema/Privileges.ts"

const ReadOnly = Schema.Tuple([Schema.Struct({ read_only: Schema.Literals(["on", "off"]) })])

/** Below the two seconds that are promised, so that the answer can still be given. */
const timeout = "1800 millis"

/** How long the list of migrations may be locked before it is left alone. */
const lockPatience = "600 millis"

export const layer: Layer.Layer<Readiness, never, SqlClient.SqlClient> = Layer.effect(
  Readiness,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const isReadOnly = sql`SELECT current_setting('transaction_read_only') AS read_only`.pipe(
      decodeRows(ReadOnly),
      Effect.map(([{ read_only }]) => read_only === "on")
    )
    let migrated = false
    // A migration that is under way locks the list of migrations. Whoever had all that it needs has it still, and goes on
    // serving meanwhile, if the database answers the other question.
    const missing = Migrations.pending.pipe(
      Effect.provideService(SqlClient.SqlClient, sql),
      (asked) =>
        Effect.suspend(() =>
          migrated ? Effect.timeoutOrElse(asked, { duration: lockPatience, orElse: () => Effect.succeed([]) }) : asked
        ),
      Effect.tap((ids) =>
        Effect.sync(() => {
          migrated = ids.length === 0
        })
      )
    )
    const denied = Effect.provideService(Privileges.missing, SqlClient.SqlClient, sql)
    const asked = yield* Lookup.make({
      find: () =>
        Effect.all([missing, isReadOnly, denied]).pipe(
          // The migrations are files of our own.
          Effect.catchTag("MigrationError", Effect.die),
          bounded(timeout),
          Effect.map(
            ([missing, isReadOnly, denied]): Option.Option<NotReady["reason"]> =>
              missing.length > 0
                ? Option.some("database-not-migrated")
                : isReadOnly
                  ? Option.some("database-read-only")
                  : denied.length > 0
                    ? Option.some("database-denied")
                    : Option.none()
          )
        ),
      found: "500 millis",
      unknown: "500 millis",
      capacity: 1
    })
    return Readiness.of({
      check: asked("").pipe(
        Effect.mapError(({ code }) => new NotReady({ reason: "database-unreachable", code })),
        Effect.flatMap(
          Option.match({ onNone: () => Effect.void, onSome: (reason) => Effect.fail(new NotReady({ reason })) })
        )
      )
    })
  })
)
