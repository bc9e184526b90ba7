/** Whether the owner has marked a submission as read. Existing submissions count as read. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  "ALTER TABLE submission ADD COLUMN is_read boolean NOT NULL DEFAULT true",
  "ALTER TABLE submission ALTER COLUMN is_read SET DEFAULT false"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
