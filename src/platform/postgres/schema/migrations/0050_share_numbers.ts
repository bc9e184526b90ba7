/**
 * A shared dashboard shows exact numbers or protected ones, and can have a password: its salt and its hash
 * (`sites/access/SharePassword`).
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  "ALTER TABLE share ADD COLUMN numbers text NOT NULL DEFAULT 'protected' CHECK (numbers IN ('protected', 'exact'))",
  "ALTER TABLE share ADD COLUMN password bytea"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
