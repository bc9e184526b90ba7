/**
 * Makes the event of a stored submission cheaper to write. Its `event_id` is the submission's id, so that the index of subjects
 * needs no entry for it. The statement has locked the website, and an erasure deletes its events, so no foreign key is needed.
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
