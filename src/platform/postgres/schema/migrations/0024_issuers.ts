/**
 * `issued_by` is the console session or the key that issued an owner key. `created_by` is the one that created a link to the
 * console. Both are null if the command line did, and in rows older than these columns. They are not foreign keys, because they
 * refer to two tables.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  "ALTER TABLE owner_key ADD COLUMN issued_by uuid",
  "CREATE INDEX owner_key_issued_by ON owner_key (issued_by) WHERE issued_by IS NOT NULL",
  "ALTER TABLE console_session ADD COLUMN created_by uuid"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
