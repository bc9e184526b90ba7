/**
 * SQL for the visits that a statement reads, stored or computed from rows, as the common table expressions `visited` and `v`.
 *
 * @module
 */
import * as DateRange from "../../../core/analytics/report/DateRange.ts"
import * as LocalTime from "../../../core/analytics/report/LocalTime.ts"
import { type Dimension, isTimeDimension, isVisitDimension } from "../../../core/analytics/report/Query.ts"
import type { Interval } from "../../../core/analytics/report/RollupPlan.ts"
import * as DimensionSql from "./DimensionSql.ts"
import * as GroupScope from "./GroupScope.ts"
import type { Parameters } from "./Parameters.ts"
import * as VisitSql from "./VisitSql.ts"

/** The maximum number of intervals that are written as conditions. A larger number is joined as a table. */
const maxConditions = 8

const columns = ["visit_id", ...VisitSql.visitColumns].join(", ")

const during = (parameters: Parameters, intervals: ReadonlyArray<Interval>): string =>
  `(${intervals
    .map(({ end, start }) => `started_at >= ${parameters.time(start)} AND started_at < ${parameters.time(end)}`)
    .join(" OR ")})`

const storedVisits = ({ parameters, site, stored }: GroupScope.Scope): string => {
  if (stored.length > maxConditions) {
    const starts = parameters.times(stored.map(({ start }) => start))
    const ends = parameters.times(stored.map(({ end }) => end))
    return `SELECT ${columns}, true AS is_new FROM unnest(${starts}, ${ends}) AS part (starts_at, ends_at)
      JOIN visit ON hosted_website_id = ${site} AND started_at >= starts_at AND started_at < ends_at`
  }
  return `SELECT ${columns}, true AS is_new FROM visit WHERE hosted_website_id = ${site} AND ${during(parameters, stored)}`
}

/** The visits in `summed` intervals, which are not new, if their visitor also has a visit in a raw interval. */
const earlierVisits = ({ parameters, site, summed }: GroupScope.Scope): string =>
  `SELECT ${columns}, false FROM visit WHERE hosted_website_id = ${site} AND ${during(parameters, summed)}
    AND (visitor_hash IN (SELECT hash FROM raw_visitor) OR other_hashes && ARRAY(SELECT hash FROM raw_visitor))`

const rawVisitors = `raw_visitor AS MATERIALIZED (
  SELECT DISTINCT unnest(coalesce(other_hashes, ARRAY[visitor_hash])) AS hash FROM raw_visit
)`

/** The value of the time dimension for the start of a visit. */
const timeValue = ({ days, parameters, timeZone }: GroupScope.Scope, dimension: Dimension): string => {
  if (!isTimeDimension(dimension)) throw new Error(`${dimension} is not a time dimension`)
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
  const { aliases, days, parameters, raw, site, stored, summed, visitFilters } = scope
  const visits = [
    ...(stored.length === 0 ? [] : [storedVisits(scope)]),
    ...(raw.length === 0 ? [] : [`SELECT ${columns}, true AS is_new FROM raw_visit`]),
    ...(summed.length === 0 ? [] : [earlierVisits(scope)])
  ]
  const values = Array.from(aliases, ([dimension, alias]) => {
    const value = isVisitDimension(dimension) ? DimensionSql.visitValue(dimension) : timeValue(scope, dimension)
    return `${value} AS ${alias}`
  })
  const conditions = visitFilters.map((filter) =>
    DimensionSql.matches(parameters, filter, (dimension) =>
      isVisitDimension(dimension) ? DimensionSql.visitValue(dimension) : "NULL"
    )
  )
  const usesSources = GroupScope.mentions(scope, (dimension) => dimension === "visit:source")
  const channel = GroupScope.mentions(scope, (dimension) => dimension === "visit:channel")
  return [
    ...(raw.length === 0 ? [] : [VisitSql.rawVisits(parameters, site, raw, { channel, days })]),
    ...(summed.length === 0 ? [] : [rawVisitors]),
    `visited AS (
      SELECT *, width_bucket(started_at, ${parameters.times(days.map(({ start }) => start))}) AS day
      FROM (${visits.join(" UNION ALL ")}) AS found
    )`,
    `v AS MATERIALIZED (
      SELECT ${[...VisitSql.countedColumns, "is_new", "day", ...values].join(", ")}
      FROM ${usesSources ? DimensionSql.named("visited") : "visited"}
      ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`}
    )`
  ]
}
