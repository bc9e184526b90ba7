/**
 * Reads which visits of a website are stored and summed, and the other facts on which a report depends.
 *
 * @module
 */
import { hash } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { maxCounted } from "../../Goal.ts"
import type { LocalDate } from "../Query.ts"
import type { ReportSite } from "../Reports.ts"
import type * as RollupPlan from "../RollupPlan.ts"
import type { GoalRow } from "../Row.ts"

/** Increase this number when the same rows result in other rollups, as after a change of channel rules: all are then rebuilt. */
export const version = 2

const Unit = Schema.Struct({
  date: Schema.String,
  start: Schema.Finite,
  end: Schema.Finite,
  /** Empty for an open day, which has no sum. */
  goals: Schema.String
})

export const Goals = Schema.Array(
  Schema.Struct({ name: Schema.String, kind: Schema.Literals(["event", "page"]), value: Schema.String })
)

const State = Schema.Struct({
  goals: Goals,
  months: Schema.Array(Unit),
  days: Schema.Array(Unit),
  stale: Schema.Array(Schema.Finite),
  staleVisits: Schema.Array(Schema.Finite)
})

const Rows = Schema.Tuple([Schema.Struct({ state: State })])

/** Identifies a set of goals. */
export const fingerprint = (goals: ReadonlyArray<GoalRow>): string =>
  hash("sha256", JSON.stringify(goals.map(({ kind, name, value }) => [name, kind, value])))

/** The columns of a rolled up day or month, as JSON. */
const unit = (date: string): string => `json_build_object('date', ${date},
  'start', extract(epoch FROM starts_at) * 1000, 'end', extract(epoch FROM ends_at) * 1000, 'goals', goals)`

/** The goals of a website that count, as JSON, in the order of their names. */
export const goalsJson = (
  site: string
): string => `SELECT coalesce(json_agg(json_build_object('name', name, 'kind', kind,
  'value', value) ORDER BY name COLLATE "C"), '[]') FROM (SELECT name, kind, value FROM goal
    WHERE website_config_id = ${site} ORDER BY created_at, goal_id LIMIT ${maxCounted}) AS counted`

/** The state of a website on which a report depends. */
export interface SiteState extends RollupPlan.State {
  readonly goals: ReadonlyArray<GoalRow>
  /** The dates of the months and days whose conversions were counted with other goals. */
  readonly outdated: ReadonlySet<LocalDate>
}

/** The days of a range, and the months that begin in the range and whose sums may be read. */
export interface Range {
  readonly first: LocalDate
  readonly last: LocalDate
  readonly months: ReadonlyArray<LocalDate>
  /** The last day that the sum of a month may have; default: `last`. */
  readonly lastSummed?: LocalDate
}

/** Unless an hour is stale, leaves out the days of the months that may be read, to keep the state of a long range small. */
const statement = `
  WITH valid AS MATERIALIZED (
    SELECT FROM rollup_site WHERE hosted_website_id = $2 AND time_zone = $3 AND version = $4
  ), changed AS MATERIALIZED (
    SELECT hour, bool_or(changes_visits) AS changes_visits FROM rollup_stale WHERE hosted_website_id = $2 GROUP BY hour
  ), month AS MATERIALIZED (
    SELECT * FROM rollup_month WHERE hosted_website_id = $2 AND month = ANY ($7) AND last_day <= $8
      AND EXISTS (SELECT FROM valid)
  )
  SELECT json_build_object(
    'goals', (${goalsJson("$1")}),
    'months', (SELECT coalesce(json_agg(${unit("month")}), '[]') FROM month),
    'days', (SELECT coalesce(json_agg(${unit("day")}), '[]') FROM rollup_day
      WHERE hosted_website_id = $2 AND day >= $5 AND day <= $6 AND NOT is_partly_summed AND EXISTS (SELECT FROM valid)
        AND (EXISTS (SELECT FROM changed) OR NOT EXISTS (SELECT FROM month WHERE day >= month AND day <= last_day))),
    'stale', (SELECT coalesce(json_agg(extract(epoch FROM hour) * 1000), '[]') FROM changed),
    'staleVisits', (SELECT coalesce(json_agg(extract(epoch FROM hour) * 1000), '[]') FROM changed WHERE changes_visits)
  ) AS state`

const toRolled = (units: ReadonlyArray<typeof Unit.Type>): ReadonlyMap<LocalDate, RollupPlan.Rolled> =>
  new Map(units.map(({ date, end, start }) => [date, { start, end }]))

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
      Database.array(range.months, PgTypes.OID.date),
      PgTypes.date(range.lastSummed ?? range.last)
    ])
    .pipe(decodeRows(Rows))
  const current = fingerprint(state.goals)
  const outdated = [...state.months, ...state.days].filter(({ goals }) => goals !== "" && goals !== current)
  return {
    goals: state.goals,
    months: toRolled(state.months),
    days: toRolled(state.days),
    stale: state.stale,
    staleVisits: state.staleVisits,
    outdated: new Set(outdated.map(({ date }) => date))
  }
})

/** The state without the rollups that were counted with other goals. */
export const withCurrentGoals = ({ days, months, outdated, ...marks }: SiteState): RollupPlan.State => {
  const current = <A>(rolled: ReadonlyMap<LocalDate, A>) => new Map([...rolled].filter(([date]) => !outdated.has(date)))
  return { days: current(days), months: current(months), ...marks }
}

const First = Schema.Tuple([Schema.Struct({ first: Schema.NullOr(Schema.Finite) })])

/** SQL of when the first page view or event of a website was received, in milliseconds since 1970; null without one. */
export const firstReceived = (site: string): string =>
  `extract(epoch FROM least(${["page_view", "event"]
    .map((table) => `(SELECT min(received_at) FROM ${table} WHERE hosted_website_id = ${site})`)
    .join(", ")}))::float8 * 1000`

/** When the first page view or event of a website was received, in milliseconds since 1970; null without one. */
export const firstReceivedAt = (sql: SqlClient.SqlClient, hostedWebsiteId: string) =>
  sql.unsafe(`SELECT ${firstReceived("$1")} AS first`, [PgTypes.uuid(hostedWebsiteId)]).pipe(
    decodeRows(First),
    Effect.map(([{ first }]) => first)
  )
