/**
 * The visits that rows continue are found by their visitor's hash, or by their session id if a client sent one, instead of among
 * all visits of the day; see `VisitSql`.
 *
 * A row needs no mark if it is inserted within twelve seconds of its time, instead of two minutes: reports sort the rows of this
 * time, of which a burst has many. A page view is stored within `DATABASE_TIMEOUT`, which is ten seconds unless set, and clocks
 * differ by a little. A row that takes longer is marked, so it only costs more.
 *
 * `rollup_day` is locked first, like by a rollup run: one that had locked it before and waited for the indexes of `visit` would be in
 * a deadlock with the changes of `rollup_day`. Reports still read while the indexes are built.
 *
 * `reaches_to` is always `ends_at`, and this version neither reads nor writes it. It stays for an older version, which does, as
 * `rollup_site.failed_until` does.
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const markLateRows = (table: string, time: string) =>
  `CREATE OR REPLACE TRIGGER mark_late_insert AFTER INSERT ON ${table} FOR EACH ROW
    WHEN (NEW.${time} < clock_timestamp() - interval '12 seconds') EXECUTE FUNCTION mark_stale_rollup('${time}')`

const statements = [
  "LOCK TABLE rollup_day IN SHARE MODE",
  "CREATE INDEX visit_hash ON visit (visitor_hash)",
  "CREATE INDEX visit_session ON visit (session_key) WHERE session_key <> encode(visitor_hash, 'hex')",
  "CREATE INDEX visit_other_hashes ON visit (hosted_website_id, started_at) WHERE other_hashes IS NOT NULL",
  markLateRows("page_view", "received_at"),
  markLateRows("event", "received_at"),
  markLateRows("conversion", "visit_started_at"),
  "ALTER TABLE rollup_day ALTER COLUMN reaches_to DROP NOT NULL",
  "ALTER TABLE rollup_month ALTER COLUMN reaches_to DROP NOT NULL"
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
