/**
 * Reads which visits of a website are stored and summed, and the other facts on which a report depends.
 *
 * A change of a page view, an event, a lead or a goal adds a mark to `rollup_stale` in the same transaction (the migrations
 * `0007_rollups` and `0042_marked_goals`): a time in which the visits, or only the conversions, may differ from those that are
 * stored. Marks are only added, so that no request waits for a rollup run.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { maxCounted } from "../../Goal.ts"
import * as Dimensions from "../Dimensions.ts"
import type { LocalDate } from "../Query.ts"
import type { ReportSite } from "../Reports.ts"
import type { GoalRow } from "../Visits.ts"
import type * as RollupPlan from "./RollupPlan.ts"

/** Increase this number when the same rows result in other rollups, as after a change of channel rules: all are then rebuilt. */
const rules = 2

/** The number of dimensions that rollups had when their version began to depend on it. */
const firstDimensions = 14

/** Rollups of another version are not used, such as those that lack a new dimension. */
export const version = rules + Dimensions.visitNames.length - firstDimensions

const Unit = Schema.Struct({
  date: Schema.String,
  start: Schema.Finite,
  end: Schema.Finite,
  isCounted: Schema.Boolean,
  hasChanged: Schema.Boolean
})

export const Goals = Schema.Array(
  Schema.Struct({ name: Schema.String, kind: Schema.Literals(["event", "page"]), value: Schema.String })
)

const State = Schema.Struct({
  goals: Goals,
  months: Schema.Array(Unit),
  days: Schema.Array(Unit)
})

const Rows = Schema.Tuple([Schema.Struct({ state: State })])

/**
 * The column `goals` of a day or a month: whether its sum has conversions, and if so, whether a lead or a goal has changed since.
 * Earlier versions wrote a hash of the goals in place of `counted`.
 */
export const conversions = { none: "", outdated: "other leads", counted: "counted" }

/** Whether the sum of a day or a month has conversions. */
export const isCounted = `goals NOT IN ('${conversions.none}', '${conversions.outdated}')`

/** Whether a mark is of a time of a rolled up day or month, as a condition on the table `marks`. */
export const overlaps = (rolled: string): string =>
  `hour < ${rolled}.ends_at AND coalesce(until, hour + interval '1 hour') > ${rolled}.starts_at`

/** A rolled up day or month, as JSON. */
const unit = (rolled: string, date: string): string => `json_build_object('date', ${date},
  'start', extract(epoch FROM starts_at) * 1000, 'end', extract(epoch FROM ends_at) * 1000,
  'isCounted', ${isCounted} AND NOT EXISTS (SELECT FROM marked WHERE ${overlaps(rolled)}),
  'hasChanged', EXISTS (SELECT FROM marked WHERE changes_visits AND ${overlaps(rolled)}))`

/** The goals of a website that count, as JSON, in the order of their names. */
export const goalsJson = (
  site: string
): string => `SELECT coalesce(json_agg(json_build_object('name', name, 'kind', kind,
  'value', value) ORDER BY name COLLATE "C"), '[]') FROM (SELECT name, kind, value FROM goal
    WHERE website_config_id = ${site} ORDER BY created_at, goal_id LIMIT ${maxCounted}) AS counted`

/** The state of a website on which a report depends. Days and months whose visits have changed are not in the state. */
export interface SiteState extends RollupPlan.State {
  readonly goals: ReadonlyArray<GoalRow>
  /** The days whose stored visits have changed. */
  readonly changed: ReadonlySet<LocalDate>
}

/** The days of a range, and the months that begin in the range and whose sums may be read. */
export interface Range {
  readonly first: LocalDate
  readonly last: LocalDate
  readonly months: ReadonlyArray<LocalDate>
  /** The last day that the sum of a month may have; default: `last`. */
  readonly lastSummed?: LocalDate
}

/** Unless there are marks, leaves out the days of the months that may be read, to keep the state of a long range small. */
const statement = `
  WITH valid AS MATERIALIZED (
    SELECT FROM rollup_site WHERE hosted_website_id = $2 AND time_zone = $3 AND version = $4
  ), marked AS MATERIALIZED (
    SELECT DISTINCT hour, until, changes_visits FROM rollup_stale WHERE hosted_website_id = $2
  ), rolled_month AS MATERIALIZED (
    SELECT * FROM rollup_month WHERE hosted_website_id = $2 AND month = ANY ($7) AND last_day <= $8
      AND EXISTS (SELECT FROM valid)
  )
  SELECT json_build_object(
    'goals', (${goalsJson("$1")}),
    'months', (SELECT coalesce(json_agg(${unit("rolled_month", "month")}), '[]') FROM rolled_month),
    'days', (SELECT coalesce(json_agg(${unit("rollup_day", "day")}), '[]') FROM rollup_day
      WHERE hosted_website_id = $2 AND day >= $5 AND day <= $6 AND NOT is_partly_summed AND EXISTS (SELECT FROM valid)
        AND (EXISTS (SELECT FROM marked)
          OR NOT EXISTS (SELECT FROM rolled_month WHERE day >= month AND day <= last_day AND rolled_month.${isCounted})))
  ) AS state`

const toRolled = (units: ReadonlyArray<typeof Unit.Type>): ReadonlyMap<LocalDate, RollupPlan.Rolled> =>
  new Map(units.filter(({ hasChanged }) => !hasChanged).map(({ date, ...rolled }) => [date, rolled]))

/** Reads the state for the days of a range in a time zone. */
export const read = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  site: ReportSite,
  timeZone: string,
  range: Range
): Effect.fn.Return<SiteState, SqlError.SqlError> {
  const [{ state }] = yield* sql
    .unsafe(statement, [
      PgTypes.uuid(site.websiteConfigId),
      PgTypes.uuid(site.hostedWebsiteId),
      PgTypes.text(timeZone),
      PgTypes.int4(version),
      PgTypes.date(range.first),
      PgTypes.date(range.last),
      Database.dates(range.months),
      PgTypes.date(range.lastSummed ?? range.last)
    ])
    .pipe(decodeRows(Rows))
  return {
    goals: state.goals,
    months: toRolled(state.months),
    days: toRolled(state.days),
    changed: new Set(state.days.filter(({ hasChanged }) => hasChanged).map(({ date }) => date))
  }
})

/** SQL of when the first page view or event of a website was received, in milliseconds since 1970; null without one. */
export const firstReceived = (site: string): string =>
  `extract(epoch FROM least(${["page_view", "event"]
    .map((table) => `(SELECT min(received_at) FROM ${table} WHERE hosted_website_id = ${site})`)
    .join(", ")}))::float8 * 1000`
