/**
 * A change of a goal marks all sums of its website, like a change of a lead marks those of its hour: the visits stay as they are, and
 * the conversions are counted again. `rollup_stale.until` is the end of the marked time; an hour after `hour` unless given.
 *
 * Sums that were counted before this migration are marked where they may be of other goals than those of today: earlier versions
 * found that out by comparing the goals of every website in every round.
 *
 * @module
 */
import { Effect } from "effect"
import { SqlClient } from "effect/sql"

const mark = `
  CREATE FUNCTION mark_goals() RETURNS trigger LANGUAGE plpgsql SET search_path FROM CURRENT AS $$
  BEGIN
    INSERT INTO rollup_stale (hosted_website_id, hour, until, changes_visits)
      SELECT DISTINCT hosted_website_id, to_timestamp(0), timestamptz 'infinity', false
      FROM changed JOIN site USING (website_config_id);
    RETURN NULL;
  END $$`

const trigger = (event: "INSERT" | "UPDATE" | "DELETE", rows: "NEW" | "OLD") =>
  `CREATE TRIGGER mark_goals_${event.toLowerCase()} AFTER ${event} ON goal REFERENCING ${rows} TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION mark_goals()`

/** The hash that earlier versions stored for a website without goals. */
const withoutGoals = "4f53cda18c2baa0c0354bb5f9a3ecbe5ed12ab4d8e11ba873c2f11161202b945"

const statements = [
  "ALTER TABLE rollup_stale ADD COLUMN until timestamptz",
  mark,
  trigger("INSERT", "NEW"),
  trigger("UPDATE", "NEW"),
  trigger("DELETE", "OLD"),
  "CREATE TRIGGER forget_rollups AFTER TRUNCATE ON goal FOR EACH STATEMENT EXECUTE FUNCTION forget_rollups()",
  `INSERT INTO rollup_stale (hosted_website_id, hour, until, changes_visits)
    SELECT hosted_website_id, to_timestamp(0), 'infinity', false
    FROM rollup_site JOIN site USING (hosted_website_id)
    WHERE goals IS DISTINCT FROM '${withoutGoals}'
      OR EXISTS (SELECT FROM goal WHERE goal.website_config_id = site.website_config_id)`
]

export default Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  for (const statement of statements) yield* sql.unsafe(statement)
})
