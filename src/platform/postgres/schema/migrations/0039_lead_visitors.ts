/**
 * `pending_lead.visitor_hashes`: the hashes by which the visit of a lead is found, instead of the tracker's session id. Processes
 * of earlier versions still write and read `session_id`.
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE pending_lead ADD COLUMN visitor_hashes text[] NOT NULL DEFAULT '{}',
    ALTER COLUMN session_id SET DEFAULT ''`
})
