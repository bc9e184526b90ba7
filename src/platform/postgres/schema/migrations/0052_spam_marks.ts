/**
 * What websites' owners marked as spam: an address, and the SHA-256 and the beginning of a text. At least one of the two is known.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const statements = [
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
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
