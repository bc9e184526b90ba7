/**
 * The migrations of the rules of forms and the inbox.
 *
 * @module
 */
import { statements } from "../Statements.ts"

export const migrations = {
  /** The rules of websites' forms, by the `page_slug` of their submissions. */
  "0013_forms": statements(`CREATE TABLE form (
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    page text COLLATE "C" NOT NULL,
    rules json NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (website_config_id, page)
  )`),

  /** Whether the owner has marked a submission as read. Existing submissions count as read. */
  "0015_inbox": statements(
    "ALTER TABLE submission ADD COLUMN is_read boolean NOT NULL DEFAULT true",
    "ALTER TABLE submission ALTER COLUMN is_read SET DEFAULT false"
  ),

  /**
   * What needs somebody, over all websites: the unread submissions of each website, and the latest submissions and conversations of
   * all of them.
   */
  "0046_attention": statements(
    `CREATE INDEX submission_unread ON submission (website_config_id, received_at, submission_id)
    WHERE status = 'accepted' AND NOT is_read`,
    "CREATE INDEX submission_time ON submission (received_at, submission_id)",
    `CREATE INDEX submission_unread_time ON submission (received_at, submission_id)
    WHERE status = 'accepted' AND NOT is_read`,
    "CREATE INDEX conversation_time ON conversation (updated_at, instance_id, conversation_id)"
  ),

  /**
   * Deleted submissions, until they are restored or deleted for good. They have a table of their own, so that no query of the
   * others can count, export or send them. It has the columns of `submission`, which a later migration adds to both.
   */
  "0047_deleted_submissions": statements(
    "CREATE TABLE deleted_submission (LIKE submission INCLUDING DEFAULTS)",
    `ALTER TABLE deleted_submission
    ADD COLUMN deleted_at timestamptz NOT NULL,
    ADD PRIMARY KEY (submission_id),
    ADD FOREIGN KEY (website_config_id) REFERENCES site ON DELETE CASCADE`,
    "CREATE INDEX deleted_submission_site_time ON deleted_submission (website_config_id, received_at, submission_id)",
    "CREATE INDEX deleted_submission_deleted ON deleted_submission (deleted_at)"
  ),

  /**
   * What websites' owners marked as spam: an address, and the SHA-256 and the beginning of a text. At least one of the two is known.
   */
  "0052_spam_marks": statements(
    `CREATE TABLE spam_mark (
    mark_id uuid PRIMARY KEY,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    email text,
    text_sha256 bytea,
    text text,
    created_at timestamptz NOT NULL,
    CHECK (email IS NOT NULL OR text_sha256 IS NOT NULL)
  )`,
    `CREATE UNIQUE INDEX spam_mark_site ON spam_mark (website_config_id, coalesce(email, ''), coalesce(text_sha256, ''))`
  )
}
