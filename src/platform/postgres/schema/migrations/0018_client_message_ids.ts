/** The id that a client gives a message. When the visitor edits the message, the client sends this id again. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE conversation_message ADD COLUMN client_id text`
})
