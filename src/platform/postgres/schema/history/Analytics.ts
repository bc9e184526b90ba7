/**
 * The migrations of events, goals, leads, stored visits and rollups.
 *
 * @module
 */
import { statements } from "../Statements.ts"

/** Marks the hour of each changed row. The trigger's argument is the name of the column with the row's time. */
const markStaleRollup = `
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
const forgetRollups = `
  CREATE FUNCTION forget_rollups() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    DELETE FROM rollup_month;
    DELETE FROM rollup_day;
    DELETE FROM rollup_site;
    RETURN NULL;
  END $$`

const rollupTriggers = (table: string, time: string) => [
  `CREATE TRIGGER mark_late_insert AFTER INSERT ON ${table} FOR EACH ROW
    WHEN (NEW.${time} < clock_timestamp() - interval '5 minutes') EXECUTE FUNCTION mark_stale_rollup('${time}')`,
  `CREATE TRIGGER mark_change AFTER UPDATE OR DELETE ON ${table} FOR EACH ROW
    EXECUTE FUNCTION mark_stale_rollup('${time}')`,
  `CREATE TRIGGER forget_rollups AFTER TRUNCATE ON ${table} FOR EACH STATEMENT EXECUTE FUNCTION forget_rollups()`
]

/** Marks a lead apart from other rows; see the 37th migration. */
const markStaleRollupApart = `
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

/** Marks rows that are inserted later than this after their time. */
const markLateRows = (later: string) =>
  [
    ["page_view", "received_at"],
    ["event", "received_at"],
    ["conversion", "visit_started_at"]
  ].map(
    ([table, time]) =>
      `CREATE OR REPLACE TRIGGER mark_late_insert AFTER INSERT ON ${table} FOR EACH ROW
    WHEN (NEW.${time} < clock_timestamp() - interval '${later}') EXECUTE FUNCTION mark_stale_rollup('${time}')`
  )

const markGoals = `
  CREATE FUNCTION mark_goals() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    INSERT INTO rollup_stale (hosted_website_id, hour, until, changes_visits)
      SELECT DISTINCT hosted_website_id, to_timestamp(0), timestamptz 'infinity', false
      FROM changed JOIN site USING (website_config_id);
    RETURN NULL;
  END $$`

const markGoalsTrigger = (event: "INSERT" | "UPDATE" | "DELETE", rows: "NEW" | "OLD") =>
  `CREATE TRIGGER mark_goals_${event.toLowerCase()} AFTER ${event} ON goal REFERENCING ${rows} TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_goals()`

/** The hash that earlier versions stored for a website without goals. */
const withoutGoals = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"

export const migrations = {
  /**
   * What reports need besides page views: events, goals, conversions, countries, the time zones of websites, and why a view in
   * `bot_view` does not count.
   *
   * Events are partitioned like page views. A conversion has its visit's start and session, but neither a time nor an id of its
   * own, so that it cannot be matched with a submission or a conversation by its time.
   */
  "0006_reports": statements(
    "ALTER TABLE site ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC'",
    "ALTER TABLE page_view ADD COLUMN country text",
    `ALTER TABLE bot_view
    ADD COLUMN country text,
    ADD COLUMN reason text NOT NULL DEFAULT 'bot'`,

    `CREATE TABLE event (
    hosted_website_id uuid NOT NULL,
    received_at timestamptz NOT NULL,
    name text NOT NULL,
    path text NOT NULL,
    session_id text,
    visitor_hash bytea NOT NULL,
    device_type text,
    browser text,
    os text,
    country text,
    properties json,
    revenue_amount numeric,
    revenue_currency text,
    is_interactive boolean NOT NULL DEFAULT true,
    CHECK ((revenue_amount IS NULL) = (revenue_currency IS NULL))
  ) PARTITION BY RANGE (received_at)`,
    "CREATE TABLE event_default PARTITION OF event DEFAULT",
    "CREATE INDEX event_site_time ON event (hosted_website_id, received_at)",

    `CREATE TABLE goal (
    goal_id uuid PRIMARY KEY,
    website_config_id uuid NOT NULL REFERENCES site ON DELETE CASCADE,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('event', 'page')),
    value text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (website_config_id, name)
  )`,

    `CREATE TABLE conversion (
    hosted_website_id uuid NOT NULL,
    visit_started_at timestamptz NOT NULL,
    session_key text NOT NULL,
    name text NOT NULL
  )`,
    "CREATE INDEX conversion_site_time ON conversion (hosted_website_id, visit_started_at)"
  ),

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
  "0007_rollups": statements(
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
    markStaleRollup,
    forgetRollups,
    ...rollupTriggers("page_view", "received_at"),
    ...rollupTriggers("event", "received_at"),
    ...rollupTriggers("conversion", "visit_started_at")
  ),

  /**
   * Where a submission's visit came from, and the leads that are not matched with a visit yet.
   *
   * A pending lead names the tracker's session. It is deleted once it is matched or dropped, seconds after it was stored, so that
   * no session is kept beside a submission or a conversation.
   */
  "0009_leads": statements(
    `ALTER TABLE submission
    ADD COLUMN source text,
    ADD COLUMN medium text,
    ADD COLUMN campaign text,
    ADD COLUMN referrer text,
    ADD COLUMN entry_page text`,
    `CREATE TABLE pending_lead (
    lead_id uuid PRIMARY KEY,
    kind text NOT NULL CHECK (kind IN ('form', 'chat')),
    hosted_website_id uuid NOT NULL,
    session_id text NOT NULL,
    received_at timestamptz NOT NULL,
    stored_at timestamptz NOT NULL DEFAULT now()
  )`
  ),

  /**
   * Rollups that take less space; see `RollupRows`. Days with few values of a dimension share a row of `rollup`, since the arrays
   * of a row with few values consist mostly of headers. A column that equals another one is null.
   *
   * A row of `rollup_month` can hold the beginning of a month, so that a report need not sum the days of the current month.
   *
   * The existing rollups are deleted and computed again; until then reports read page views.
   */
  "0020_packed_rollups": statements(
    "DELETE FROM rollup_site",
    "DELETE FROM rollup_day",
    "DELETE FROM rollup_month",
    "ALTER TABLE rollup_month ADD COLUMN last_day date NOT NULL",
    "TRUNCATE rollup",
    `ALTER TABLE rollup
    ADD COLUMN last_day date NOT NULL,
    ADD COLUMN days date[],
    ALTER COLUMN events DROP NOT NULL,
    ALTER COLUMN visit_pageviews DROP NOT NULL,
    ALTER COLUMN entries DROP NOT NULL,
    ALTER COLUMN conversions DROP NOT NULL,
    ALTER COLUMN converted DROP NOT NULL,
    ALTER COLUMN revenue DROP NOT NULL`
  ),

  /**
   * The progress of `analytics copy`, by table and website. A row with a `batch_id` has a batch that is being sent. A batch that
   * was not confirmed is sent again with the same bounds and the same id.
   */
  "0023_analytics_copy": statements(
    `CREATE TABLE analytics_copy (
    table_name text NOT NULL,
    hosted_website_id uuid NOT NULL,
    copied_to timestamptz NOT NULL,
    sending_to timestamptz,
    batch_id uuid,
    PRIMARY KEY (table_name, hosted_website_id),
    CHECK ((sending_to IS NULL) = (batch_id IS NULL))
  )`
  ),

  /**
   * Marks the sums of an open day: they count only the visits that begin before the row's `ends_at`, which is before the end of
   * the day. Earlier versions store no such sums, so existing rows have no mark.
   */
  "0025_partial_sums": statements(`ALTER TABLE rollup_day ADD COLUMN is_partly_summed boolean NOT NULL DEFAULT false`),

  /**
   * `rollup_site.failed_until`: until then, a website whose rollup exceeded its time is left out, so that it does not take the
   * time of others again at once.
   */
  "0034_failed_rollups": statements(`ALTER TABLE rollup_site ADD COLUMN failed_until timestamptz`),

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
  "0037_open_visits": statements(
    `ALTER TABLE visit
    ADD COLUMN is_interactive boolean NOT NULL DEFAULT false,
    ADD COLUMN last_campaign text`,
    "ALTER TABLE rollup_stale ADD COLUMN changes_visits boolean NOT NULL DEFAULT true",
    markStaleRollupApart,
    ...markLateRows("2 minutes")
  ),

  /**
   * `pending_lead.visitor_hashes`: the hashes by which the visit of a lead is found, instead of the tracker's session id. Processes
   * of earlier versions still write and read `session_id`.
   */
  "0039_lead_visitors": statements(`ALTER TABLE pending_lead ADD COLUMN visitor_hashes text[] NOT NULL DEFAULT '{}',
    ALTER COLUMN session_id SET DEFAULT ''`),

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
   */
  "0040_visit_indexes": statements(
    "LOCK TABLE rollup_day IN SHARE MODE",
    "CREATE INDEX visit_hash ON visit (visitor_hash)",
    "CREATE INDEX visit_session ON visit (session_key) WHERE session_key <> encode(visitor_hash, 'hex')",
    "CREATE INDEX visit_other_hashes ON visit (hosted_website_id, started_at) WHERE other_hashes IS NOT NULL",
    ...markLateRows("12 seconds"),
    "ALTER TABLE rollup_day ALTER COLUMN reaches_to DROP NOT NULL",
    "ALTER TABLE rollup_month ALTER COLUMN reaches_to DROP NOT NULL"
  ),

  /**
   * A row needs no mark if it is inserted within five seconds of its time, instead of twelve: each query of a report groups the
   * rows of this time into visits. The service stores a row that waited for longer than three seconds with a later time; see
   * `LateRows`. An older version does not, so that such a row is marked, and only costs more.
   */
  "0041_late_rows": statements(...markLateRows("5 seconds")),

  /**
   * A change of a goal marks all sums of its website, like a change of a lead marks those of its hour: the visits stay as they are, and
   * the conversions are counted again. `rollup_stale.until` is the end of the marked time; an hour after `hour` unless given.
   *
   * Sums that were counted before this migration are marked where they may be of other goals than those of today: earlier versions
   * found that out by comparing the goals of every website in every round.
   */
  "0042_marked_goals": statements(
    "ALTER TABLE rollup_stale ADD COLUMN until timestamptz",
    markGoals,
    markGoalsTrigger("INSERT", "NEW"),
    markGoalsTrigger("UPDATE", "NEW"),
    markGoalsTrigger("DELETE", "OLD"),
    "CREATE TRIGGER forget_rollups AFTER TRUNCATE ON goal FOR EACH STATEMENT EXECUTE FUNCTION forget_rollups()",
    `INSERT INTO rollup_stale (hosted_website_id, hour, until, changes_visits)
    SELECT hosted_website_id, to_timestamp(0), 'infinity', false
    FROM rollup_site JOIN site USING (hosted_website_id)
    WHERE goals IS DISTINCT FROM '${withoutGoals}'
      OR EXISTS (SELECT FROM goal WHERE goal.website_config_id = site.website_config_id)`
  )
}
