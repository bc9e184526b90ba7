/**
 * Deleted submissions, until they are restored or deleted for good. They have a table of their own, so that no query of the
 * others can count, export or send them. It has the columns of `submission`, which a later migration adds to both.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  "CREATE TABLE deleted_submission (LIKE submission INCLUDING DEFAULTS)",
  `ALTER TABLE deleted_submission
    ADD COLUMN deleted_at timestamptz NOT NULL,
    ADD PRIMARY KEY (submission_id),
    ADD FOREIGN KEY (website_config_id) REFERENCES site ON DELETE CASCADE`,
  "CREATE INDEX deleted_submission_site_time ON deleted_submission (website_config_id, received_at, submission_id)",
  "CREATE INDEX deleted_submission_deleted ON deleted_submission (deleted_at)"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
