/** Indexes for the lists of keys and console sessions, and for the links that a key or session created. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  "CREATE INDEX owner_key_created ON owner_key (created_at, key_id)",
  "CREATE INDEX owner_key_unrevoked ON owner_key (created_at, key_id) WHERE revoked_at IS NULL",
  "CREATE INDEX console_session_created ON console_session (created_at, session_id) WHERE link_expires_at > to_timestamp(0)",
  "CREATE INDEX console_session_created_by ON console_session (created_by) WHERE created_by IS NOT NULL"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
