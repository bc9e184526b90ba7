/**
 * Automatic replies to visitors: what a website answers to the submissions of a form, and when an address got such replies, by a
 * keyed hash of the address. A reply with a subject is automatic; a submission gets one at most.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `CREATE TABLE auto_reply (
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    page text NOT NULL,
    subject text NOT NULL,
    body text NOT NULL,
    reply_to text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (website_config_id, page)
  )`,
  `CREATE TABLE auto_reply_recipient (
    recipient_hmac bytea PRIMARY KEY,
    sent_at timestamptz[] NOT NULL DEFAULT '{}',
    used_at timestamptz NOT NULL
  )`,
  "CREATE INDEX auto_reply_recipient_used ON auto_reply_recipient (used_at)",
  "ALTER TABLE reply ADD COLUMN subject text",
  "CREATE UNIQUE INDEX reply_automatic ON reply (submission_id) WHERE subject IS NOT NULL"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
