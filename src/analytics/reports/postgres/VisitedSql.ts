/**
 * SQL for the visits that a statement reads, stored or computed from rows, as the common table expressions `visited` and `v`.
 *
 * @module
 */
import * as DateRange from "../DateRange.ts"
import * as LocalTime from "../LocalTime.ts"
import { type Dimension, isTimeDimension, isVisitDimension } from "../Query.ts"
import * as DimensionSql from "./DimensionSql.ts"
import * as GroupScope from "./GroupScope.ts"
import * as VisitSql from "./VisitSql.ts"

/** The columns of visits that a statement reads. */
const columnsOf = (scope: GroupScope.Scope): ReadonlyArray<string> => [
  ...new Set([
    ...VisitSql.countedColumns,
    ...GroupScope.allDimensions(scope).filter(isVisitDimension).flatMap(DimensionSql.visitColumns)
  ])
]

/** The value of the time dimension for the start of a visit. */
const timeValue = ({ days, parameters, timeZone }: GroupScope.Scope, dimension: Dimension): string => {
  if (!isTimeDimension(dimension)) throw new Error(`${dimension} is not a time dimension`)
  if (dimension !== "time:hour") {
    const labels = days.map(({ date }) => DateRange.label(dimension, LocalTime.midnight(date)))
    return `(${parameters.texts(labels)})[(day - 1) % ${days.length} + 1]`
  }
  const hours = days.flatMap((day) => LocalTime.hours(timeZone, day))
  const starts = parameters.times(hours.map(({ start }) => start))
  return `(${parameters.texts(hours.map(({ label }) => label))})[width_bucket(started_at, ${starts})]`
}

/** The expressions, in order; the last is `v`. */
export const expressions = (scope: GroupScope.Scope): ReadonlyArray<string> => {
  const { aliases, days, onlyChanges, parameters, raw, stored, until, visitFilters, websites } = scope
  const columns = columnsOf(scope)
  const selected = ["visit_id", ...columns]
  const id = VisitSql.idColumn(websites)
  const storedVisits = VisitSql.inIntervals(parameters, websites, stored, {
    columns: [...selected, ...id].join(", "),
    table: "visit",
    time: "started_at"
  })
  const continues = VisitSql.openParts(raw, days).length > 0
  const visits = onlyChanges
    ? VisitSql.changes(selected)
    : [
        ...(stored.length === 0
          ? []
          : [`${storedVisits}${continues ? " AND visit_id NOT IN (SELECT visit_id FROM continued)" : ""}`]),
        ...(raw.length === 0
          ? []
          : [
              `SELECT ${[...selected, ...(websites.ids === null ? [] : [VisitSql.idOfDay(websites.ids, days)])].join(", ")}
                FROM raw_visit`
            ])
      ]
  const values = Array.from(aliases, ([dimension, alias]) => {
    const value = isVisitDimension(dimension) ? DimensionSql.visitValue(dimension) : timeValue(scope, dimension)
    return `${value} AS ${alias}`
  })
  const conditions = [
    ...visitFilters.map((filter) =>
      DimensionSql.matches(parameters, filter, (dimension) =>
        isVisitDimension(dimension) ? DimensionSql.visitValue(dimension) : "NULL"
      )
    ),
    ...(until === undefined ? [] : [`started_at < ${parameters.time(until)}`])
  ]
  const usesSources = GroupScope.mentions(scope, (dimension) => dimension === "visit:source")
  return [
    ...(raw.length === 0 ? [] : [VisitSql.rawVisits(parameters, websites, raw, { columns, days })]),
    ...(onlyChanges ? [VisitSql.touched, VisitSql.earlier(parameters, websites, stored, selected)] : []),
    `visited AS (
      SELECT *, ${VisitSql.dayOf(parameters, websites, days, "started_at")} AS day
      FROM (${visits.join(" UNION ALL ")}) AS found (${[...selected, ...(onlyChanges ? ["sign"] : []), ...id].join(", ")})
    )`,
    `v AS MATERIALIZED (
      SELECT ${["visit_id", ...VisitSql.countedColumns, "day", ...(onlyChanges ? ["sign"] : []), ...id, ...values].join(", ")}
      FROM ${usesSources ? DimensionSql.named("visited") : "visited"}
      ${conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`}
    )`
  ]
}
