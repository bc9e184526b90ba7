/**
 * The events of stored submissions, one row for those of a website in a batch, so that an event costs a submission next to nothing.
 * What is deleted before its event is sent needs no deletion here: a fan-out finds only submissions that exist. Rows of processes
 * of an earlier version stay in `outbox`.
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
