/**
 * What an instance adds to the requests of its agent: the names, and the values encrypted with `SECRETS_KEY`, as `{names, sealed}`.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE instance ADD COLUMN agent_body jsonb, ADD COLUMN agent_headers jsonb`
})
