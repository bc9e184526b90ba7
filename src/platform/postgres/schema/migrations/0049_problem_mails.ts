/**
 * The mails about problems. A notification with `mails_problems` also gets a mail when a problem of its website begins and when it
 * ends.
 *
 * `watched_problem` has the problems of websites with such notifications, as the last look found them (`health/Watch`).
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  "ALTER TABLE notification ADD COLUMN mails_problems boolean NOT NULL DEFAULT false",
  "CREATE INDEX notification_problems ON notification (website_config_id) WHERE mails_problems",
  `CREATE TABLE watched_problem (
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    problem text COLLATE "C" NOT NULL,
    title text NOT NULL,
    seen_since timestamptz,
    gone_since timestamptz,
    begun_at timestamptz,
    is_mailed boolean NOT NULL,
    PRIMARY KEY (website_config_id, problem)
  )`,
  "ALTER TABLE mail DROP CONSTRAINT mail_kind_check",
  `ALTER TABLE mail ADD CONSTRAINT mail_kind_check
    CHECK (kind IN ('submissions', 'report', 'webhook-disabled', 'confirmation', 'problems')) NOT VALID`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
