/**
 * Stored visits and rollups, which reports read instead of page views. Both are derived from page views, events and
 * conversions: they can be deleted and computed again.
 *
 * A row of `rollup_day` says that `visit` holds the visits that began on this day, and `rollup` their sums. Both depend on the
 * rows from 30 minutes before `starts_at` to 30 minutes after `reaches_to`, the end of the day's last visit. A change of such a
 * row adds a mark to `rollup_stale` in the same transaction, and reports do not use a day that a mark touches. A row that is
 * inserted within five minutes of its time needs no mark, since no rolled-up day depends on the last five minutes. The service
 * usually inserts such rows, for which the trigger evaluates nothing but this condition.
 *
 * Marks have no unique key: if two transactions change rows of the same hour, each must commit its own mark.
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

/** Marks the hour of each changed row. The trigger's argument is the name of the column with the row's time. */
const mark = `
  CREATE FUNCTION mark_stale_rollup() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  DECLARE
    changed jsonb;
    marked timestamptz;
  BEGIN
    FOREACH changed IN ARRAY array_remove(ARRAY[
      CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(OLD) END, CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(NEW) END
    ], NULL) LOOP
      marked := date_bin('1 hour', (changed ->> TG_ARGV[0])::timestamptz, timestamptz '2000-01-01 00:00:00Z');
      INSERT INTO rollup_stale (hosted_website_id, hour)
        SELECT (changed ->> 'hosted_website_id')::uuid, marked WHERE NOT EXISTS (
          SELECT FROM rollup_stale WHERE hosted_website_id = (changed ->> 'hosted_website_id')::uuid AND hour = marked
            AND xmin = pg_current_xact_id()::xid);
    END LOOP;
    RETURN NULL;
  END $$`

/** Discards all rollups after a table was truncated. `rollup` and `visit` keep their rows, which reports then ignore. */
const deleteRollups = `
  CREATE FUNCTION forget_rollups() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    DELETE FROM rollup_month;
    DELETE FROM rollup_day;
    DELETE FROM rollup_site;
    RETURN NULL;
  END $$`

const triggers = (table: string, time: string) => [
  `CREATE TRIGGER mark_late_insert AFTER INSERT ON ${table} FOR EACH ROW
    WHEN (NEW.${time} < clock_timestamp() - interval '5 minutes') EXECUTE FUNCTION mark_stale_rollup('${time}')`,
  `CREATE TRIGGER mark_change AFTER UPDATE OR DELETE ON ${table} FOR EACH ROW
    EXECUTE FUNCTION mark_stale_rollup('${time}')`,
  `CREATE TRIGGER forget_rollups AFTER TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION forget_rollups()`
]

const statements = [
  `CREATE TABLE visit (
    visit_id bigint GENERATED ALWAYS AS IDENTITY,
    hosted_website_id uuid NOT NULL,
    started_at timestamptz NOT NULL,
    ended_at timestamptz NOT NULL,
    session_key text COLLATE "C" NOT NULL,
    visitor_hash bytea NOT NULL,
    other_hashes bytea[],
    pageviews integer NOT NULL,
    events integer NOT NULL,
    is_bounce boolean NOT NULL,
    duration bigint NOT NULL,
    entry_page text,
    exit_page text,
    utm_source text,
    utm_medium text,
    utm_campaign text,
    utm_term text,
    utm_content text,
    referrer_host text,
    referrer_path text,
    channel text NOT NULL,
    device_type text,
    browser text,
    os text,
    country text
  )`,
  "CREATE INDEX visit_site_time ON visit (hosted_website_id, started_at)",

  `CREATE TABLE rollup_site (
    hosted_website_id uuid PRIMARY KEY,
    time_zone text NOT NULL,
    version integer NOT NULL,
    goals text,
    rolled_before date,
    retry_at timestamptz
  )`,
  `CREATE TABLE rollup_day (
    hosted_website_id uuid NOT NULL,
    day date NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    reaches_to timestamptz NOT NULL,
    goals text NOT NULL,
    PRIMARY KEY (hosted_website_id, day)
  )`,
  `CREATE TABLE rollup_month (
    hosted_website_id uuid NOT NULL,
    month date NOT NULL,
    starts_at timestamptz NOT NULL,
    ends_at timestamptz NOT NULL,
    reaches_to timestamptz NOT NULL,
    goals text NOT NULL,
    PRIMARY KEY (hosted_website_id, month)
  )`,
  `CREATE TABLE rollup (
    hosted_website_id uuid NOT NULL,
    dimension text NOT NULL,
    is_month boolean NOT NULL,
    day date NOT NULL,
    names text[] NOT NULL,
    visitors bigint[] NOT NULL,
    visits bigint[] NOT NULL,
    pageviews bigint[] NOT NULL,
    events bigint[] NOT NULL,
    visit_pageviews bigint[] NOT NULL,
    entries bigint[] NOT NULL,
    bounces bigint[] NOT NULL,
    duration bigint[] NOT NULL,
    conversions bigint[] NOT NULL,
    converted bigint[] NOT NULL,
    revenue text[] NOT NULL,
    PRIMARY KEY (hosted_website_id, dimension, is_month, day)
  )`,
  `CREATE TABLE rollup_stale (
    hosted_website_id uuid NOT NULL,
    hour timestamptz NOT NULL
  )`,
  "CREATE INDEX rollup_stale_site ON rollup_stale (hosted_website_id, hour)",
  mark,
  deleteRollups,
  ...triggers("page_view", "received_at"),
  ...triggers("event", "received_at"),
  ...triggers("conversion", "visit_started_at")
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
