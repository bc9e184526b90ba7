/**
 * What reports need besides page views: events, goals, conversions, countries, the time zones of websites, and why a view in
 * `bot_view` does not count.
 *
 * Events are partitioned like page views. A conversion has its visit's start and session, but neither a time nor an id of its
 * own, so that it cannot be matched with a submission or a conversation by its time.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  "ALTER TABLE site ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC'",
  "ALTER TABLE page_view ADD COLUMN country text",
  `ALTER TABLE bot_view
    ADD COLUMN country text,
    ADD COLUMN reason text NOT NULL DEFAULT 'bot'`,

  `CREATE TABLE event (
    hosted_website_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    name text NOT NULL,
    path text NOT NULL,
    session_id text,
    visitor_hash bytea NOT NULL,
    device_type text,
    browser text,
    os text,
    country text,
    properties json,
    revenue_amount numeric,
    revenue_currency text,
    is_interactive boolean NOT NULL DEFAULT true,
    CHECK ((revenue_amount IS NULL) = (revenue_currency IS NULL))
  ) PARTITION BY RANGE (received_at)`,
  "CREATE TABLE event_default PARTITION OF event DEFAULT",
  "CREATE INDEX event_site_time ON event (hosted_website_id, received_at)",

  `CREATE TABLE goal (
    goal_id uuid PRIMARY KEY,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('event', 'page')),
    value text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (website_config_id, name)
  )`,

  `CREATE TABLE conversion (
    hosted_website_id uuid NOT NULL,
    visit_started_at timestamptz NOT NULL,
    session_key text NOT NULL,
    name text NOT NULL
  )`,
  "CREATE INDEX conversion_site_time ON conversion (hosted_website_id, visit_started_at)"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
