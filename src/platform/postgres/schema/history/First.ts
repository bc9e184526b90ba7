/**
 * The first migration.
 *
 * @module
 */
import { statements } from "../Statements.ts"

const pageViewColumns = `
  hosted_website_id uuid NOT NULL,
  received_at timestamptz NOT NULL,
  path text NOT NULL,
  utm_source text,
  utm_medium text,
  utm_campaign text,
  utm_term text,
  utm_content text,
  referrer_host text,
  referrer_path text,
  device_type text,
  screen_width smallint,
  session_id text,
  browser text,
  os text,
  visitor_hash bytea NOT NULL
`

export const migrations = {
  /**
   * The tables of the edge, as the earliest version had them that can be migrated.
   *
   * No statement looks up or updates a single page view, so page views have no primary key, and an insert updates only one
   * index. `page_view_batch`, with one row per batch, makes a retried batch idempotent. Rows of a month that has no
   * partition go to the default partition. `not_counted` has how many requests of a website were not counted. From
   * `site.deleted_at` on, lookups do not find the website; its row is deleted last, so that an interrupted deletion can be found
   * and completed.
   */
  "0003_edge": statements(
    `CREATE TABLE site (
    website_config_id uuid PRIMARY KEY,
    hosted_website_id uuid NOT NULL UNIQUE,
    tracking_token uuid NOT NULL UNIQUE,
    name text NOT NULL,
    origins text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    deleted_at timestamptz
  )`,
    `CREATE TABLE instance (
    instance_id uuid PRIMARY KEY,
    name text NOT NULL,
    agent_url text NOT NULL,
    agent_model text,
    agent_key_env text,
    origins text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now()
  )`,
    `CREATE TABLE widget_token (
    token_id uuid PRIMARY KEY,
    instance_id uuid NOT NULL REFERENCES instance ON DELETE CASCADE,
    token_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(token_sha256) = 32),
    label text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
  )`,
    "CREATE INDEX widget_token_instance ON widget_token (instance_id, created_at)",
    `CREATE TABLE visitor_salt (
    day date PRIMARY KEY,
    salt bytea NOT NULL CHECK (octet_length(salt) = 32)
  )`,

    `CREATE TABLE page_view (${pageViewColumns}) PARTITION BY RANGE (received_at)`,
    "CREATE TABLE page_view_default PARTITION OF page_view DEFAULT",
    "CREATE INDEX page_view_site_time ON page_view (hosted_website_id, received_at)",
    `CREATE TABLE bot_view (${pageViewColumns}) PARTITION BY RANGE (received_at)`,
    "CREATE TABLE bot_view_default PARTITION OF bot_view DEFAULT",
    "CREATE INDEX bot_view_site_time ON bot_view (hosted_website_id, received_at)",
    `CREATE TABLE page_view_batch (
    batch_id uuid PRIMARY KEY,
    stored_at timestamptz NOT NULL DEFAULT now()
  )`,

    `CREATE TABLE submission (
    submission_id uuid PRIMARY KEY,
    website_config_id uuid NOT NULL REFERENCES site,
    received_at timestamptz NOT NULL,
    email text,
    page_slug text,
    form_data json NOT NULL,
    status text NOT NULL DEFAULT 'accepted' CHECK (status IN ('accepted', 'quarantined')),
    reasons text[] NOT NULL DEFAULT '{}'
  )`,
    "CREATE INDEX submission_site_time ON submission (website_config_id, received_at, submission_id)",
    `CREATE INDEX submission_quarantine ON submission (website_config_id, received_at, submission_id)
    WHERE status = 'quarantined'`,
    `CREATE TABLE not_counted (
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    day date NOT NULL,
    reason text NOT NULL,
    times bigint NOT NULL CHECK (times > 0),
    PRIMARY KEY (website_config_id, day, reason)
  )`,
    `CREATE TABLE idempotency_key (
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    key_sha256 bytea NOT NULL,
    fingerprint text NOT NULL,
    submission_id uuid NOT NULL,
    used_at timestamptz NOT NULL,
    PRIMARY KEY (website_config_id, key_sha256)
  )`,
    "CREATE INDEX idempotency_key_used ON idempotency_key (used_at)"
  )
}
