/**
 * The migrations of the outbox, webhooks, mails and replies, and the work in the background.
 *
 * @module
 */
import { statements } from "../Statements.ts"

const deleteRepliesTrigger = (table: string) =>
  `CREATE TRIGGER delete_replies AFTER DELETE ON ${table} REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION delete_replies()`

export const migrations = {
  /**
   * Events of websites and their delivery to webhooks and by mail.
   *
   * An event is first a row of `outbox`, written by the statement that stores the event's cause. A background step turns the row
   * into one `delivery` per subscriber and deletes it. `site.has_subscribers` is true while a website has a webhook or a
   * notification, so that a statement knows without a lookup whether to write an event. A pending delivery is due at
   * `next_attempt_at`. Before an attempt, a process moves that time to the end of its lease.
   */
  "0010_delivery": statements(
    "ALTER TABLE site ADD COLUMN has_subscribers boolean NOT NULL DEFAULT false",
    `CREATE TABLE webhook (
    webhook_id uuid PRIMARY KEY,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    url text NOT NULL,
    events text[] NOT NULL DEFAULT '{}',
    format text NOT NULL DEFAULT 'standard' CHECK (format IN ('standard', 'slack')),
    secret bytea NOT NULL,
    previous_secret bytea,
    previous_secret_until timestamptz,
    failing_since timestamptz,
    disabled_at timestamptz,
    created_at timestamptz NOT NULL DEFAULT now()
  )`,
    "CREATE INDEX webhook_site ON webhook (website_config_id, created_at)",
    `CREATE TABLE notification (
    notification_id uuid PRIMARY KEY,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    recipient text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('submissions', 'report')),
    digest text,
    include_quarantined boolean NOT NULL DEFAULT false,
    period text,
    unsubscribe_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(unsubscribe_sha256) = 32),
    created_at timestamptz NOT NULL DEFAULT now()
  )`,
    "CREATE INDEX notification_site ON notification (website_config_id, created_at)",
    `CREATE TABLE outbox (
    event_id uuid PRIMARY KEY,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    type text NOT NULL,
    created_at timestamptz NOT NULL,
    subject text,
    data json
  )`,
    `CREATE TABLE delivery (
    event_id uuid NOT NULL,
    subscriber_id uuid NOT NULL,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    type text NOT NULL,
    created_at timestamptz NOT NULL,
    subject text,
    payload json,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed', 'cancelled')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    PRIMARY KEY (event_id, subscriber_id)
  )`,
    "CREATE INDEX delivery_due ON delivery (subscriber_id, next_attempt_at) WHERE status = 'pending'",
    "CREATE INDEX delivery_subscriber ON delivery (subscriber_id, created_at, event_id)",
    "CREATE INDEX delivery_site ON delivery (website_config_id, created_at)",
    "CREATE INDEX delivery_subject ON delivery (subject)",
    `CREATE TABLE delivery_attempt (
    event_id uuid NOT NULL,
    subscriber_id uuid NOT NULL,
    attempted_at timestamptz NOT NULL,
    status integer,
    millis integer NOT NULL,
    answer text,
    error text,
    FOREIGN KEY (event_id, subscriber_id) REFERENCES delivery ON DELETE CASCADE
  )`,
    "CREATE INDEX delivery_attempt_of ON delivery_attempt (event_id, subscriber_id, attempted_at)"
  ),

  /**
   * `delivery.generation` counts the leases and the manual retries of a delivery and never decreases, so that the outcome of an
   * attempt is not recorded once a newer attempt was leased. The outbox gets indexes, since it grows while no process delivers.
   */
  "0011_delivery_generations": statements(
    "ALTER TABLE delivery ADD COLUMN generation integer NOT NULL DEFAULT 0",
    "CREATE INDEX outbox_created ON outbox (created_at)",
    "CREATE INDEX outbox_subject ON outbox (subject)"
  ),

  /**
   * Mails to the recipients of a website's notifications.
   *
   * A submission that a recipient gets by mail is first a row of `mail_item`, and waits until `mail_id` is set. At
   * `notification.due_at`, the mails with the notification's waiting items, or with its next report, are added to `mail`. `due_at`
   * is null while nothing waits. The unsubscribe link is signed, so it needs no column.
   */
  "0016_mail": statements(
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
  ),

  /**
   * Makes the event of a stored submission cheaper to write. The event's `event_id` is the submission's id, so that the index of
   * subjects needs no entry for the event. No foreign key is needed: the statement that writes an event has locked the website,
   * and the erasure of a website deletes its events.
   */
  "0017_lighter_outbox": statements(
    "ALTER TABLE outbox DROP CONSTRAINT outbox_website_config_id_fkey",
    "DROP INDEX outbox_subject",
    `CREATE INDEX outbox_subject ON outbox (subject)
    WHERE type NOT IN ('submission.accepted', 'submission.quarantined')`
  ),

  /**
   * The conversions that are not yet in the separate store (see `ConversionOutbox`); empty without a separate store.
   */
  "0019_conversion_outbox": statements(
    `CREATE TABLE conversion_outbox (
    batch_id uuid,
    hosted_website_id uuid NOT NULL,
    visit_started_at timestamptz NOT NULL,
    session_key text NOT NULL,
    name text NOT NULL
  )`
  ),

  /**
   * The events of stored submissions, with one row per website, type and batch, so that an event adds almost nothing to the cost
   * of a submission. When a submission is deleted, its id may stay here: the fan-out skips submissions that do not exist.
   * Processes of an earlier version use `outbox`.
   */
  "0026_submission_outbox": statements(
    `CREATE TABLE submission_outbox (
    website_config_id uuid NOT NULL,
    type text NOT NULL,
    created_at timestamptz NOT NULL,
    submission_ids uuid[] NOT NULL
  )`,
    "CREATE INDEX submission_outbox_created ON submission_outbox (created_at)"
  ),

  /**
   * What is known about the addresses that get, or got, the mails of a website, and whether the recipient of a notification has
   * confirmed the address.
   *
   * An address is stored as an HMAC (`MailRecipient.digestOf`). Its row has the times of its latest mails about submissions, and
   * remains when its notifications are removed. Existing notifications, and those that an earlier version adds, count as confirmed.
   */
  "0027_mail_recipients": statements(
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
  ),

  /**
   * The times of the confirmation mails that were sent again to an address in the last day. The time of the first confirmation mail
   * is still in `added_at`.
   */
  "0028_resent_confirmations": statements(
    `ALTER TABLE mail_recipient ADD COLUMN resent_at timestamptz[] NOT NULL DEFAULT '{}'`
  ),

  /**
   * `webhook.failed_again_at` is the last recorded failure of a webhook's series of failures besides the first, which is
   * `failing_since`. Each recorded failure is twelve hours or more after the one before (`platform/outward/Schedule`).
   */
  "0029_failure_series": statements(`ALTER TABLE webhook ADD COLUMN failed_again_at timestamptz`),

  /**
   * Replays of webhooks (`delivery/Delivery`). A replay goes through the deliveries of a webhook after `(after_time, after_id)` up
   * to the time `until`, and is deleted when it ends. The index finds the few deliveries that were given up among those that were delivered.
   */
  "0031_webhook_replays": statements(
    `CREATE TABLE webhook_replay (
    webhook_id uuid NOT NULL REFERENCES webhook ON DELETE CASCADE,
    status text NOT NULL CHECK (status IN ('pending', 'delivered', 'failed', 'cancelled', 'all')),
    after_time timestamptz NOT NULL,
    after_id uuid NOT NULL,
    until timestamptz NOT NULL,
    PRIMARY KEY (webhook_id, status)
  )`,
    "CREATE INDEX delivery_failed ON delivery (subscriber_id, created_at, event_id) WHERE status = 'failed'"
  ),

  /**
   * The times at which an address was invited to the console in the last day, which count against the limits of mails to addresses
   * that have not confirmed.
   */
  "0035_invited_recipients": statements(
    `ALTER TABLE mail_recipient ADD COLUMN invited_at timestamptz[] NOT NULL DEFAULT '{}'`
  ),

  /**
   * The items of background work that failed, such as the rollup of one website, so that all processes leave them out until
   * `retry_at`, and the others go on. An item without `retry_at` is set apart.
   */
  "0036_failed_items": statements(`CREATE TABLE failed_item (
    kind text NOT NULL,
    item text NOT NULL,
    failures integer NOT NULL,
    reason text NOT NULL,
    failed_at timestamptz NOT NULL,
    retry_at timestamptz,
    PRIMARY KEY (kind, item)
  )`),

  /**
   * The lease of the process that looks for work that others left over; see `platform/rounds/postgres/LeftOver`. `kinds` is the number of
   * kinds of work that the holder does. At `next_look_at`, the next process looks whether the lease has ended.
   */
  "0038_background_lease": statements(`CREATE TABLE background_lease (
    name text PRIMARY KEY,
    holder uuid NOT NULL,
    kinds integer NOT NULL,
    until timestamptz NOT NULL,
    next_look_at timestamptz NOT NULL
  )`),

  /**
   * The replies that people of a website mail to visitors. A reply waits for its next attempt at `next_attempt_at`. It stays while its
   * submission can be restored, and is deleted with it for good, also before it was sent.
   */
  "0048_replies": statements(
    `CREATE TABLE reply (
    reply_id uuid PRIMARY KEY,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    submission_id uuid NOT NULL,
    author text,
    reply_to text NOT NULL,
    recipient text NOT NULL,
    body text NOT NULL,
    created_at timestamptz NOT NULL,
    status text NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'sent', 'failed')),
    attempts integer NOT NULL DEFAULT 0,
    next_attempt_at timestamptz,
    error text
  )`,
    "CREATE INDEX reply_submission ON reply (submission_id, created_at, reply_id)",
    "CREATE INDEX reply_site ON reply (website_config_id)",
    "CREATE INDEX reply_due ON reply (next_attempt_at) WHERE status = 'pending'",
    `CREATE FUNCTION delete_replies() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
    BEGIN
      DELETE FROM reply USING gone WHERE reply.submission_id = gone.submission_id
        AND NOT EXISTS (SELECT FROM submission WHERE submission.submission_id = gone.submission_id)
        AND NOT EXISTS (SELECT FROM deleted_submission AS kept WHERE kept.submission_id = gone.submission_id);
      RETURN NULL;
    END $$`,
    deleteRepliesTrigger("submission"),
    deleteRepliesTrigger("deleted_submission")
  ),

  /**
   * The mails about problems. A notification with `mails_problems` also gets a mail when a problem of its website begins and when it
   * ends.
   *
   * `watched_problem` has the problems of websites with such notifications, as the last look found them (`health/postgres/ProblemMails`).
   */
  "0049_problem_mails": statements(
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
  ),

  /**
   * The form whose submissions a notification mails; null for those of all forms. A recipient can have a notification for the website
   * and one for each form. A process of an earlier version cannot add a notification once the index has the form.
   */
  "0053_form_recipients": statements(
    "ALTER TABLE notification ADD COLUMN page text, ADD CHECK (page IS NULL OR kind = 'submissions')",
    "DROP INDEX notification_recipient",
    `CREATE UNIQUE INDEX notification_recipient
    ON notification (website_config_id, recipient, kind, coalesce(period, ''), coalesce(page, ''))`
  ),

  /**
   * Automatic replies to visitors: what a website answers to the submissions of a form, and when an address got such replies, by a
   * keyed hash of the address. A reply with a subject is automatic; a submission gets one at most.
   */
  "0055_auto_replies": statements(
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
  ),

  /**
   * The mails about conversations. An item of a mail is a submission or a conversation; a conversation's items are deleted with it.
   * `notification.mails_conversations` says about which conversations of its website a recipient gets a mail. Existing recipients get
   * none, as before.
   *
   * `submission.is_mailed` is set if an accepted submission is marked as spam whose recipients have it already. Its release mails it to
   * nobody.
   */
  "0057_conversation_mails": statements(
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
  ),

  /**
   * The latest attempts of a subscriber, of which the problem of a webhook that fails is made. Without the index, all deliveries of the
   * webhook are read.
   */
  "0058_latest_attempts": statements(
    "CREATE INDEX delivery_attempt_subscriber ON delivery_attempt (subscriber_id, attempted_at)"
  ),

  /**
   * The automatic replies that the limit of a website counts. Those that a limit refused, of which a flood of one form makes many, are
   * not read any more. The new index is built before the old one is dropped, because that locks the table until the commit.
   */
  "0060_automatic_replies": statements(
    `CREATE INDEX reply_automatic_counted ON reply (website_config_id, created_at)
    WHERE subject IS NOT NULL AND (status <> 'failed' OR attempts > 0)`,
    "DROP INDEX reply_automatic_time"
  ),

  /**
   * The index of subjects gets the events of submissions that were marked as spam, so that a deletion finds them. Their ids are not those
   * of their submissions.
   */
  "0061_outbox_subjects": statements(
    "CREATE INDEX outbox_subjects ON outbox (subject) WHERE type <> 'submission.accepted'",
    "DROP INDEX outbox_subject"
  )
}
