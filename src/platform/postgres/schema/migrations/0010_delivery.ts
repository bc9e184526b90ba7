/**
 * Events of websites and their delivery to webhooks and by mail.
 *
 * An event is first a row of `outbox`, written by the statement that stores the event's cause. A background step turns the row
 * into one `delivery` per subscriber and deletes it. `site.has_subscribers` is true while a website has a webhook or a
 * notification, so that a statement knows without a lookup whether to write an event. A pending delivery is due at
 * `next_attempt_at`. Before an attempt, a process moves that time to the end of its lease.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
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
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
