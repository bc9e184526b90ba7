/** The id that a client gives a message, by which it names the message when the visitor edits it. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE conversation_message ADD COLUMN client_id text`
})
