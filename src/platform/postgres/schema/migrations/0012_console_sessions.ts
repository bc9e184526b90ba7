/**
 * The sessions of the console and the websites that they reach. A row begins as a link, and becomes a session when the link is
 * opened, which sets `opened_at`. A session for all websites has no rows in `console_session_site`.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `CREATE TABLE console_session (
    session_id uuid PRIMARY KEY,
    link_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(link_sha256) = 32),
    cookie_sha256 bytea UNIQUE CHECK (octet_length(cookie_sha256) = 32),
    role text NOT NULL CHECK (role IN ('viewer', 'owner')),
    all_sites boolean NOT NULL,
    label text,
    created_at timestamptz NOT NULL,
    link_expires_at timestamptz NOT NULL,
    opened_at timestamptz,
    last_used_at timestamptz,
    CHECK (num_nulls(cookie_sha256, opened_at, last_used_at) IN (0, 3))
  )`,
  `CREATE TABLE console_session_site (
    session_id uuid NOT NULL REFERENCES console_session ON DELETE CASCADE,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    PRIMARY KEY (session_id, website_config_id)
  )`,
  "CREATE INDEX console_session_site_website ON console_session_site (website_config_id)"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
