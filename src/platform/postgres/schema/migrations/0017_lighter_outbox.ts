/**
 * Makes the event of a stored submission cheaper to write. The event's `event_id` is the submission's id, so that the index of
 * subjects needs no entry for the event. No foreign key is needed: the statement that writes an event has locked the website,
 * and the erasure of a website deletes its events.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  "ALTER TABLE outbox DROP CONSTRAINT outbox_website_config_id_fkey",
  "DROP INDEX outbox_subject",
  `CREATE INDEX outbox_subject ON outbox (subject)
    WHERE type NOT IN ('submission.accepted', 'submission.quarantined')`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
