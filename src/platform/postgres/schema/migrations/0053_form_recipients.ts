/**
 * The form whose submissions a notification mails; null for those of all forms. A recipient can have a notification for the website
 * and one for each form. A process of an earlier version cannot add a notification once the index has the form.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  "ALTER TABLE notification ADD COLUMN page text, ADD CHECK (page IS NULL OR kind = 'submissions')",
  "DROP INDEX notification_recipient",
  `CREATE UNIQUE INDEX notification_recipient
    ON notification (website_config_id, recipient, kind, coalesce(period, ''), coalesce(page, ''))`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
