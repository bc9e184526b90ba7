/**
 * Finds out whether prepared statements outlive a transaction. They do not behind a pooler that gives each transaction another
 * of its connections and does not prepare the statement there, as PgBouncer with `max_prepared_statements = 0`.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg"
import { Effect } from "effect"
import type { SqlError } from "effect/sql"
import * as Database from "../Database.ts"

/** `invalid_sql_statement_name`: the connection has no prepared statement of the name. */
const unknownStatement = "26000"

/** Behind a pooler with one connection, the second transaction waits for the first. */
const timeout = "1 second"

/** Other users of the pooler can take the connection that the first statement was prepared on. */
const attempts = 3

/**
 * Whether a statement that was prepared outside a transaction exists in a later transaction, while another transaction uses the
 * pooler's connection. True if that cannot be found out.
 */
export const areKept: Effect.Effect<boolean, SqlError.SqlError, PgClient.PgClient> = Effect.gen(function* () {
  const first = yield* Database.dedicated()
  const second = yield* Database.dedicated()
  const statement = first`SELECT 1`
  const attempt = Effect.gen(function* () {
    yield* statement
    return yield* second.withTransaction(
      Effect.andThen(
        second`SELECT 2`,
        // The driver repeats an unknown statement outside a transaction, but cannot do so in one.
        first
          .withTransaction(statement)
          .pipe(
            Database.withTimeout(timeout),
            Database.mapErrors,
            Effect.match({ onFailure: ({ code }) => code !== unknownStatement, onSuccess: () => true })
          )
      )
    )
  })
  for (let count = 0; count < attempts; count++) if (!(yield* attempt)) return false
  return true
}).pipe(Effect.scoped)
