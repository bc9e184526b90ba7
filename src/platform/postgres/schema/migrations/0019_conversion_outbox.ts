/**
 * The conversions that are not yet in the separate store (see `ConversionOutbox`); empty without a separate store.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `CREATE TABLE conversion_outbox (
    batch_id uuid,
    hosted_website_id uuid NOT NULL,
    visit_started_at timestamptz NOT NULL,
    session_key text NOT NULL,
    name text NOT NULL
  )`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
