/**
 * Visits of open days that later rows continue, instead of sums of parts of open days.
 *
 * A row of `rollup_day` with empty `goals` is of an open day: all its visits up to `ends_at` are stored, and have no sum. A visit
 * ends with its day, so no rollup depends on rows after its `ends_at`; `reaches_to` equals it. Older versions understand such a
 * row. A row with `is_partly_summed` is of an older version, and is not used.
 *
 * A row needs no mark if it is inserted within two minutes of its time, instead of five: reports sort the rows of this time.
 *
 * A change of a lead changes the sums of its day, but no visit. `rollup_stale.changes_visits` tells the two apart: a lead of a
 * visit that began more than five minutes ago must not make a report of today read all rows of today.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const mark = `
  CREATE OR REPLACE FUNCTION mark_stale_rollup() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  DECLARE
    changed jsonb;
    marked timestamptz;
    of_visits boolean := TG_TABLE_NAME <> 'conversion';
  BEGIN
    FOREACH changed IN ARRAY array_remove(ARRAY[
      CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END
    ], NULL) LOOP
      marked := date_bin('1 hour', (changed ->> TG_ARGV[0])::timestamptz, timestamptz '2000-01-01 00:00:00Z');
      INSERT INTO rollup_stale (hosted_website_id, hour, changes_visits)
        SELECT (changed ->> 'hosted_website_id')::uuid, marked, of_visits WHERE NOT EXISTS (
          SELECT FROM rollup_stale WHERE hosted_website_id = (changed ->> 'hosted_website_id')::uuid AND hour = marked
            AND changes_visits = of_visits AND xmin = pg_current_xact_id()::xid);
    END LOOP;
    RETURN NULL;
  END $$`

const markLateRows = (table: string, time: string) =>
  `CREATE OR REPLACE TRIGGER mark_late_insert AFTER INSERT ON ${table} FOR EACH ROW
    WHEN (NEW.${time} < clock_timestamp() - interval '2 minutes') EXECUTE FUNCTION mark_stale_rollup('${time}')`

const statements = [
  `ALTER TABLE visit
    ADD COLUMN is_interactive boolean NOT NULL DEFAULT false,
    ADD COLUMN last_campaign text`,
  "ALTER TABLE rollup_stale ADD COLUMN changes_visits boolean NOT NULL DEFAULT true",
  mark,
  markLateRows("page_view", "received_at"),
  markLateRows("event", "received_at"),
  markLateRows("conversion", "visit_started_at")
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
