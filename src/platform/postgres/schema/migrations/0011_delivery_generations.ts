/**
 * `delivery.generation` counts the leases and the manual retries of a delivery and never decreases, so that the outcome of an
 * attempt is not recorded once a newer attempt was leased. The outbox gets indexes, since it grows while no process delivers.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  "ALTER TABLE delivery ADD COLUMN generation integer NOT NULL DEFAULT 0",
  "CREATE INDEX outbox_created ON outbox (created_at)",
  "CREATE INDEX outbox_subject ON outbox (subject)"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
