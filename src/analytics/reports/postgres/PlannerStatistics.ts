/**
 * Refreshes the planner's statistics of the tables that reports join. Autovacuum does so about a minute after many rows changed.
 * Until then, the planner may estimate a few visits instead of a hundred thousand, and join them by nested loops.
 *
 * @module
 */
import { Effect, Schema } from "effect"
import { SqlClient } from "effect/sql"
import { decodeRows } from "../../../platform/runtime/Rows.ts"

/** Tables with fewer changed rows are left to autovacuum. */
const minChanged = 10_000

const Tables = Schema.Array(Schema.Struct({ name: Schema.String }))

/**
 * Analyzes each table in which at least `minChanged` rows, and at least a tenth of its rows, changed since it was last
 * analyzed. Skips a table that is locked, for example by autovacuum. A failure is only logged: without current statistics,
 * reports take longer but return the same results.
 */
export const refresh = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  // The server counts changed rows with a delay; this statement makes it count those of this connection at once.
  yield* sql.unsafe("SELECT pg_stat_force_next_flush()")
  const changed = yield* sql
    .unsafe(
      `SELECT relid::regclass::text AS name FROM (
        SELECT relid FROM pg_partition_tree('page_view') WHERE isleaf
        UNION ALL SELECT relid FROM pg_partition_tree('event') WHERE isleaf
        UNION ALL SELECT unnest(ARRAY['conversion', 'visit', 'rollup']::regclass[])
      ) AS report_table JOIN pg_stat_all_tables USING (relid)
      WHERE n_mod_since_analyze >= ${minChanged} AND n_mod_since_analyze >= n_live_tup / 10`
    )
    .pipe(decodeRows(Tables))
  for (const { name } of changed) yield* sql.unsafe(`ANALYZE (SKIP_LOCKED) ${name}`)
}).pipe(
  Effect.catchTag("SqlError", (error) =>
    Effect.logWarning("Could not refresh the planner statistics of the tables that reports read", error)
  )
)
