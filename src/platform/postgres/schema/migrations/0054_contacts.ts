/**
 * When a chat offers its visitor to leave an address, and the conversation in which a submission was written. The conversation has
 * no foreign key: it may be deleted before the submission, and a client may name one that does not exist.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `ALTER TABLE instance ADD COLUMN contact text NOT NULL DEFAULT 'failed'
    CHECK (contact IN ('failed', 'always', 'off'))`,
  ...["submission", "deleted_submission"].map(
    (table) => `ALTER TABLE ${table} ADD COLUMN instance_id uuid, ADD COLUMN conversation_id text COLLATE "C"`
  ),
  `CREATE INDEX submission_conversation ON submission (website_config_id, conversation_id, received_at)
    WHERE conversation_id IS NOT NULL`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
