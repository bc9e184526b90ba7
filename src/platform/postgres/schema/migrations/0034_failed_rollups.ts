/**
 * `rollup_site.failed_until`: until then, a website whose rollup exceeded its time is left out, so that it does not take the
 * time of others again at once.
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE rollup_site ADD COLUMN failed_until timestamptz`
})
