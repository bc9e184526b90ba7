/**
 * The sums of an open day: those of the visits that begin before the row's `ends_at`, which is before the end of the day.
 * Rows without this mark have no sums of an open day, since processes of an earlier version do not make them.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`ALTER TABLE rollup_day ADD COLUMN is_partly_summed boolean NOT NULL DEFAULT false`
})
