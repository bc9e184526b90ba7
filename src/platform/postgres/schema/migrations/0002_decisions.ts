/**
 * The status of a submission with its reasons, and how many requests of a website were not counted, by day and reason.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `ALTER TABLE submission
    ADD COLUMN status text NOT NULL DEFAULT 'accepted' CHECK (status IN ('accepted', 'quarantined')),
    ADD COLUMN reasons text[] NOT NULL DEFAULT '{}'`,
  `CREATE INDEX submission_quarantine ON submission (website_config_id, received_at, submission_id)
    WHERE status = 'quarantined'`,
  `CREATE TABLE not_counted (
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    day date NOT NULL,
    reason text NOT NULL,
    times bigint NOT NULL CHECK (times > 0),
    PRIMARY KEY (website_config_id, day, reason)
  )`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
