/**
 * A row needs no mark if it is inserted within five seconds of its time, instead of twelve: each query of a report groups the
 * rows of this time into visits. The service stores a row that waited for longer than three seconds with a later time; see
 * `LateRows`. An older version does not, so that such a row is marked, and only costs more.
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const markLateRows = (table: string, time: string) =>
  `CREATE OR REPLACE TRIGGER mark_late_insert AFTER INSERT ON ${table} FOR EACH ROW
    WHEN (NEW.${time} < clock_timestamp() - interval '5 seconds') EXECUTE FUNCTION mark_stale_rollup('${time}')`

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(markLateRows("page_view", "received_at"))
  yield* sql.unsafe(markLateRows("event", "received_at"))
  yield* sql.unsafe(markLateRows("conversion", "visit_started_at"))
})
