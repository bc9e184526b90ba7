/**
 * Where a submission's visit came from, and the leads that are not matched with a visit yet.
 *
 * A pending lead names the tracker's session. It is deleted once it is matched or dropped, seconds after it was stored, so that
 * no session is kept beside a submission or a conversation.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `ALTER TABLE submission
    ADD COLUMN source text,
    ADD COLUMN medium text,
    ADD COLUMN campaign text,
    ADD COLUMN referrer text,
    ADD COLUMN entry_page text`,
  `CREATE TABLE pending_lead (
    lead_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('form', 'chat')),
    hosted_website_id uuid NOT NULL,
    session_id text NOT NULL,
    received_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
  )`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
