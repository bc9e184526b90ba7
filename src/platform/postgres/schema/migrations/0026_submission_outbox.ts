/**
 * The events of stored submissions, with one row per website, type and batch, so that an event adds almost nothing to the cost
 * of a submission. When a submission is deleted, its id may stay here: the fan-out skips submissions that do not exist.
 * Processes of an earlier version use `outbox`.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `CREATE TABLE submission_outbox (
    website_config_id uuid NOT NULL,
    type text NOT NULL,
    created_at timestamptz NOT NULL,
    submission_ids uuid[] NOT NULL
  )`,
  "CREATE INDEX submission_outbox_created ON submission_outbox (created_at)"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
