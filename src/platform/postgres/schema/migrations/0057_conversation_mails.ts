/**
 * The mails about conversations. An item of a mail is a submission or a conversation; a conversation's items are deleted with it.
 * `notification.mails_conversations` says about which conversations of its website a recipient gets a mail. Existing recipients get
 * none, as before.
 *
 * `submission.is_mailed` is set if an accepted submission is marked as spam whose recipients have it already. Its release mails it to
 * nobody.
 *
 * @module
 */
import { statements } from "../Statements.ts"

export default statements(
  `ALTER TABLE notification ADD COLUMN mails_conversations text NOT NULL DEFAULT 'off'
    CHECK (mails_conversations IN ('off', 'unanswered', 'all')),
    ADD CHECK (mails_conversations = 'off' OR kind = 'submissions' AND page IS NULL)`,
  "ALTER TABLE mail_item DROP CONSTRAINT mail_item_pkey",
  `ALTER TABLE mail_item ALTER COLUMN submission_id DROP NOT NULL,
    ADD COLUMN instance_id uuid, ADD COLUMN conversation_id text COLLATE "C",
    ADD FOREIGN KEY (instance_id, conversation_id) REFERENCES conversation (instance_id, conversation_id) ON DELETE CASCADE,
    ADD CHECK ((submission_id IS NULL) = (conversation_id IS NOT NULL)) NOT VALID,
    ADD CHECK ((instance_id IS NULL) = (conversation_id IS NULL)) NOT VALID`,
  // Of all items, because the deletion of a notification finds its items by this index.
  "CREATE UNIQUE INDEX mail_item_submission ON mail_item (notification_id, submission_id)",
  `CREATE UNIQUE INDEX mail_item_conversation ON mail_item (instance_id, conversation_id, notification_id)
    WHERE conversation_id IS NOT NULL`,
  ...["submission", "deleted_submission"].map(
    (table) => `ALTER TABLE ${table} ADD COLUMN is_mailed boolean NOT NULL DEFAULT false`
  ),
  // For the limit of automatic replies.
  "CREATE INDEX reply_automatic_time ON reply (website_config_id, created_at) WHERE subject IS NOT NULL"
)
