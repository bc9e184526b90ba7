/** The keys of the owner API and the websites that they reach. A key for all websites has no rows in `owner_key_site`. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `CREATE TABLE owner_key (
    key_id uuid PRIMARY KEY,
    key_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(key_sha256) = 32),
    scope text NOT NULL CHECK (scope IN ('stats', 'read', 'write')),
    all_sites boolean NOT NULL,
    label text,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    revoked_at timestamptz
  )`,
  `CREATE TABLE owner_key_site (
    key_id uuid NOT NULL REFERENCES owner_key ON DELETE CASCADE,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    PRIMARY KEY (key_id, website_config_id)
  )`,
  "CREATE INDEX owner_key_site_website ON owner_key_site (website_config_id)"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
