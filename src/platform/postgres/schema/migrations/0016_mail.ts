/**
 * Mails to the recipients of a website's notifications.
 *
 * A submission that a recipient gets by mail is first a row of `mail_item`, and waits until `mail_id` is set. At
 * `notification.due_at`, the mails with the notification's waiting items, or with its next report, are added to `mail`. `due_at`
 * is null while nothing waits. The unsubscribe link is signed, so it needs no column.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `ALTER TABLE notification DROP COLUMN unsubscribe_sha256,
    ADD COLUMN due_at timestamptz,
    ADD COLUMN reported_until date,
    ADD CHECK (digest IN ('15m', 'daily')),
    ADD CHECK (period IN ('weekly', 'monthly')),
    ADD CHECK ((kind = 'report') = (period IS NOT NULL))`,
  "CREATE INDEX notification_due ON notification (due_at)",
  "CREATE UNIQUE INDEX notification_recipient ON notification (website_config_id, recipient, kind, coalesce(period, ''))",
  `CREATE TABLE mail (
    mail_id uuid PRIMARY KEY,
    notification_id uuid NOT NULL REFERENCES notification ON DELETE CASCADE,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    kind text NOT NULL CHECK (kind IN ('submissions', 'report', 'webhook-disabled')),
    data json,
    created_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'failed', 'cancelled')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    error text
  )`,
  "CREATE INDEX mail_due ON mail (next_attempt_at) WHERE status = 'pending'",
  "CREATE INDEX mail_notification ON mail (notification_id, created_at)",
  "CREATE INDEX mail_site ON mail (website_config_id, created_at)",
  `CREATE TABLE mail_item (
    notification_id uuid NOT NULL REFERENCES notification ON DELETE CASCADE,
    submission_id uuid NOT NULL,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    created_at timestamptz NOT NULL,
    mail_id uuid REFERENCES mail ON DELETE CASCADE,
    PRIMARY KEY (notification_id, submission_id)
  )`,
  "CREATE INDEX mail_item_waiting ON mail_item (notification_id, created_at, submission_id) WHERE mail_id IS NULL",
  "CREATE INDEX mail_item_mail ON mail_item (mail_id)",
  "CREATE INDEX mail_item_site ON mail_item (website_config_id, created_at)"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
