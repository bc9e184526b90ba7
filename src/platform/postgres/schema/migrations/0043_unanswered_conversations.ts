/**
 * Which conversations wait for a person. `unanswered_at` is when the latest answer failed, and null once the visitor got an answer.
 * `opened_at` and `opened_by` are the latest time at which a person opened the conversation, and that person's name. The index has
 * the conversations that wait (see `ConversationRows.isWaiting`).
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `ALTER TABLE conversation ADD COLUMN unanswered_at timestamptz, ADD COLUMN opened_at timestamptz,
    ADD COLUMN opened_by text`,
  `CREATE INDEX conversation_waiting ON conversation (instance_id, updated_at, conversation_id)
    WHERE unanswered_at IS NOT NULL AND (opened_at IS NULL OR opened_at < unanswered_at)`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
