/**
 * Replays of webhooks (`core/delivery/Replay`). A replay goes through the deliveries of a webhook after `(after_time, after_id)` up
 * to the time `until`, and is deleted when it ends. The index finds the few deliveries that were given up among those that were delivered.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `CREATE TABLE webhook_replay (
    webhook_id uuid NOT NULL REFERENCES webhook ON DELETE CASCADE,
    status text NOT NULL CHECK (status IN ('pending', 'delivered', 'failed', 'cancelled', 'all')),
    after_time timestamptz NOT NULL,
    after_id uuid NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (webhook_id, status)
  )`,
  "CREATE INDEX delivery_failed ON delivery (subscriber_id, created_at, event_id) WHERE status = 'failed'"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
