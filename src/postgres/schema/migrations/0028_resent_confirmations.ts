/**
 * The times of the confirmation mails that were sent again to an address in the last day. The first one is made at `added_at`, as in
 * earlier versions.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE mail_recipient ADD COLUMN resent_at timestamptz[] NOT NULL DEFAULT '{}'`
})
