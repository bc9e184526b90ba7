/**
 * `delivery.generation` counts the leases and the manual retries of a delivery and never decreases, so that a late record of
 * an attempt cannot match a newer one. The outbox gets indexes, since it grows while no process delivers.
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
