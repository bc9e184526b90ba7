/**
 * What is known of the visit in which a conversation began. Until the visit is found, its pending lead names the conversation. It
 * has no foreign key: the conversation may be deleted before.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE conversation ADD COLUMN page text, ADD COLUMN source text, ADD COLUMN country text`
  yield* sql`ALTER TABLE pending_lead ADD COLUMN conversation_key bigint`
})
