/** The shares of dashboards, with the digests of their secrets. A revoked share has no row. */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
  `CREATE TABLE share (
    share_id uuid PRIMARY KEY,
    secret_sha256 bytea NOT NULL UNIQUE CHECK (octet_length(secret_sha256) = 32),
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    label text,
    created_at timestamptz NOT NULL,
    expires_at timestamptz
  )`,
  "CREATE INDEX share_website ON share (website_config_id)"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
