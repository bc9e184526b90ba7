/**
 * The texts of widget tokens, which every visitor can read in the page, so that the owner can see them again. Null for tokens from
 * before this migration, of which only the digest is known, and for revoked ones.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default SqlClient.SqlClient.pipe(Effect.flatMap((sql) => sql`ALTER TABLE widget_token ADD COLUMN token text`))
