/**
 * What needs somebody, over all websites: the unread submissions of each website, and the latest submissions and conversations of
 * all of them.
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `CREATE INDEX submission_unread ON submission (website_config_id, received_at, submission_id)
    WHERE status = 'accepted' AND NOT is_read`,
  "CREATE INDEX submission_time ON submission (received_at, submission_id)",
  `CREATE INDEX submission_unread_time ON submission (received_at, submission_id)
    WHERE status = 'accepted' AND NOT is_read`,
  "CREATE INDEX conversation_time ON conversation (updated_at, instance_id, conversation_id)"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
