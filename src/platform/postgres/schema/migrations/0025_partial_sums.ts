/**
 * Marks the sums of an open day: they count only the visits that begin before the row's `ends_at`, which is before the end of
 * the day. Earlier versions store no such sums, so existing rows have no mark.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE rollup_day ADD COLUMN is_partly_summed boolean NOT NULL DEFAULT false`
})
