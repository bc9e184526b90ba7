/**
 * What is known about the addresses that get, or got, the mails of a website, and whether the recipient of a notification has
 * confirmed the address.
 *
 * An address is stored as an HMAC (`MailRecipient.digestOf`). Its row has the times of its latest mails about submissions, and
 * remains when its notifications are removed. Existing notifications, and those that an earlier version adds, count as confirmed.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `CREATE TABLE mail_recipient (
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    recipient_hmac bytea NOT NULL CHECK (octet_length(recipient_hmac) = 32),
    used_at timestamptz NOT NULL,
    added_at timestamptz,
    mailed_at timestamptz[] NOT NULL DEFAULT '{}',
    unsubscribed_at timestamptz,
    PRIMARY KEY (website_config_id, recipient_hmac)
  )`,
  "ALTER TABLE notification ADD COLUMN is_confirmed boolean NOT NULL DEFAULT true",
  "ALTER TABLE mail DROP CONSTRAINT mail_kind_check",
  `ALTER TABLE mail ADD CONSTRAINT mail_kind_check
    CHECK (kind IN ('submissions', 'report', 'webhook-disabled', 'confirmation')) NOT VALID`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
