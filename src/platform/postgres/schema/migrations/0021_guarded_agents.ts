/**
 * Instances that the owner API creates or changes: the key that the owner gave, encrypted with `SECRETS_KEY`, and whether the
 * agent must be on the public internet.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE instance ADD COLUMN agent_key bytea, ADD COLUMN guarded boolean NOT NULL DEFAULT false`
})
