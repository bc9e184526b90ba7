/**
 * The visits that a statement counts, as the expressions `visited` and `v`: stored ones, and those made of raw rows.
 *
 * @module
 */
import * as DateRange from "../../../core/analytics/report/DateRange.ts"
import * as LocalTime from "../../../core/analytics/report/LocalTime.ts"
import { type Dimension, isTimeDimension, isVisitDimension } from "../../../core/analytics/report/Query.ts"
import * as DimensionSql from "./DimensionSql.ts"
import * as GroupScope from "./GroupScope.ts"
import * as VisitSql from "./VisitSql.ts"

/** More intervals than this are joined instead of written as conditions. */
const maxConditions = 8

const storedVisits = ({ parameters, site, stored }: GroupScope.Scope): string => {
  const columns = ["visit_id", ...VisitSql.visitColumns].join(", ")
  if (stored.length > maxConditions) {
    const starts = parameters.times(stored.map(({ start }) => start))
    const ends = parameters.times(stored.map(({ end }) => end))
    return `SELECT ${columns} FROM unnest(${starts}, ${ends}) AS part (starts_at, ends_at)
      JOIN visit ON hosted_website_id = ${site} AND started_at >= starts_at AND started_at < ends_at`
  }
  const isInside = stored.map(
    ({ end, start }) => `started_at >= ${parameters.time(start)} AND started_at < ${parameters.time(end)}`
  )
  return `SELECT ${columns} FROM visit WHERE hosted_website_id = ${site} AND (${isInside.join(" OR ")})`
}

/** The label of the time dimension at which a visit begins. */
const timeValue = ({ days, parameters, timeZone }: GroupScope.Scope, dimension: Dimension): string => {
  if (!isTimeDimension(dimension)) throw new Error(`${dimension} is no time dimension`)
  if (dimension !== "time:hour") {
    const labels = days.map(({ date }) => DateRange.label(dimension, LocalTime.midnight(date)))
    return `(${parameters.texts(labels)})[day]`
  }
  const hours = days.flatMap((day) => LocalTime.hours(timeZone, day))
  const starts = parameters.times(hours.map(({ start }) => start))
  return `(${parameters.texts(hours.map(({ label }) => label))})[width_bucket(started_at, ${starts})]`
}

/** The expressions, in order; the last is `v`. */
export const expressions = (scope: GroupScope.Scope): ReadonlyArray<string> => {
  const { aliases, days, parameters, raw, site, stored, visitFilters } = scope
  const visits = [
    ...(stored.length === 0 ? [] : [storedVisits(scope)]),
    ...(raw.length === 0 ? [] : [`SELECT visit_id, ${VisitSql.visitColumns.join(", ")} FROM raw_visit`])
  ]
  const values = Array.from(aliases, ([dimension, alias]) => {
    const value = isVisitDimension(dimension) ? DimensionSql.visitValue(dimension) : timeValue(scope, dimension)
    return `${value} AS ${alias}`
  })
  const isMatching = visitFilters.map((filter) =>
    DimensionSql.matches(parameters, filter, (dimension) =>
      isVisitDimension(dimension) ? DimensionSql.visitValue(dimension) : "NULL"
    )
  )
  const channel = GroupScope.mentions(scope, (dimension) => dimension === "visit:channel")
  return [
    ...(raw.length === 0 ? [] : [VisitSql.rawVisits(parameters, site, raw, { channel, isLast: scope.isLast })]),
    `visited AS (
      SELECT *, width_bucket(started_at, ${parameters.times(days.map(({ start }) => start))}) AS day
      FROM (${visits.join(" UNION ALL ")}) AS found
    )`,
    `v AS MATERIALIZED (
      SELECT ${[...VisitSql.countedColumns, "day", ...values].join(", ")} FROM visited
      ${isMatching.length === 0 ? "" : `WHERE ${isMatching.join(" AND ")}`}
    )`
  ]
}
