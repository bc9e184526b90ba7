/**
 * The times at which an address was invited to the console in the last day, which count against the limits of mails to addresses
 * that have not confirmed.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE mail_recipient ADD COLUMN invited_at timestamptz[] NOT NULL DEFAULT '{}'`
})
