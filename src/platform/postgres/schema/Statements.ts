/**
 * A migration that is a list of statements.
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient, type SqlError } from "effect/sql"

/** Runs statements one after another. */
export const statements = (
  ...texts: ReadonlyArray<string>
): Effect.Effect<void, SqlError.SqlError, SqlClient.SqlClient> =>
  SqlClient.SqlClient.use((sql) => Effect.forEach(texts, (text) => sql.unsafe(text), { discard: true }))
