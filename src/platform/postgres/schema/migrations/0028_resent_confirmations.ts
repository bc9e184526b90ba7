/**
 * The times of the confirmation mails that were sent again to an address in the last day. The time of the first confirmation mail
 * is still in `added_at`.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE mail_recipient ADD COLUMN resent_at timestamptz[] NOT NULL DEFAULT '{}'`
})
