/**
 * Whether a mail has reached the address of a person. `person.confirmed_at` is when the first mailed link was opened: an invitation, or
 * a link to log in (`console_session.is_mailed`). It is null for the people of earlier versions, because theirs is not known, until they
 * log in by mail. An address that is confirmed like this needs no confirmation as a recipient of mails; the index finds those that wait.
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  "ALTER TABLE person ADD COLUMN confirmed_at timestamptz",
  "ALTER TABLE console_session ADD COLUMN is_mailed boolean NOT NULL DEFAULT false",
  "CREATE INDEX notification_unconfirmed ON notification (lower(recipient)) WHERE NOT is_confirmed"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
