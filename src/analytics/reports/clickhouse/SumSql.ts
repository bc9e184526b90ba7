/**
 * SQL that stores and reads the sums of stored visits: the counts of each day by the values of one dimension. A visitor hash is
 * that of one day, so the visitors of different days can be added. Only all visits together have sums of conversions: those of
 * leads, which are all conversions of a website without goals. Pure: returns SQL text.
 *
 * @module
 */
import { quoted } from "../../../platform/clickhouse/ClickHouse.ts"
import * as Counting from "../Counting.ts"
import { columnsOf, columns as counts } from "../Counts.ts"
import type * as LocalTime from "../LocalTime.ts"
import { type TimeDimension, visitDimensions } from "../Query.ts"
import type { GoalRow } from "../Visits.ts"
import * as GroupSql from "./GroupSql.ts"
import { Parameters } from "./Parameters.ts"
import type * as VisitSql from "./VisitSql.ts"

const eventDimensions = ["event:page", "event:name"] as const

/** The dimensions that are summed, besides all visits together. */
const dimensions = [...visitDimensions, ...eventDimensions] as const

type Reading = Counting.SumReading<"all" | (typeof dimensions)[number]>

/** How sums answer a query of a website with some goals; null if they cannot. */
export const reading = (shape: Counting.Shape, goals: ReadonlyArray<GoalRow>): Reading | null => {
  const found = shape.revenue ? null : Counting.sumReading(shape, dimensions)
  return found !== null && shape.conversions && (goals.length > 0 || found.summed !== "all") ? null : found
}

/**
 * The statement that sums visits, which `visits` selects. `offsets` are those of the websites' time zone. The dimensions of visits are
 * summed together: ClickHouse takes longer to analyze a statement for each than to read the visits of a small website.
 */
export const sums = (
  parameters: Parameters,
  roll: string,
  offsets: ReadonlyArray<LocalTime.Offset>,
  visits: (columns: typeof VisitSql.columns) => string
): string => {
  const part = (name: string, value: string, more: Partial<GroupSql.Input> = {}) => {
    const statement = GroupSql.statement(
      {
        ...{ parameters, offsets, dimensions: ["time:day"], filters: [], goals: [], until: undefined, bySite: true },
        ...{ visitors: true, conversions: false, revenue: false, ...more }
      },
      visits
    )
    return `SELECT toUUID(dimensions[1]) AS hosted_website_id, toDate(dimensions[2]) AS day, ${roll} AS roll,
        ${name} AS dimension, ${value} AS value, ${counts.join(", ")} FROM (${statement})`
  }
  const ofEvents = eventDimensions.map((dimension) =>
    part(quoted(dimension), "dimensions[3]", { dimensions: ["time:day", dimension] })
  )
  return [
    part("'all'", "''", { conversions: true }),
    part("dimensions[3]", "dimensions[4]", { each: visitDimensions }),
    ...ofEvents
  ].join(" UNION ALL ")
}

export const columns = ["hosted_website_id", "day", "roll", "dimension", "value", ...counts].join(", ")

const label = (time: Exclude<TimeDimension, "time:hour">): string => {
  switch (time) {
    case "time:day":
      return "toString(day)"
    case "time:week":
      return "toString(toMonday(day))"
    case "time:month":
      return "toString(toStartOfMonth(day))"
  }
}

/** SQL that adds the sums of some columns. The others are 0: reading them takes longest. */
const sumsOf = (needed: ReadonlySet<string>): string =>
  counts.map((count) => `${needed.has(count) ? `sum(visit_sum.${count})` : "0"} AS ${count}`).join(", ")

/** The statement that adds the sums for which `condition` holds. `bySite` as in `GroupSql.Input`. */
export const statement = (
  shape: Counting.Shape,
  { summed, time }: Reading,
  condition: string,
  bySite = false
): string => {
  const values = [
    ...(bySite ? ["hosted_website_id"] : []),
    ...shape.dimensions.map((dimension) => (dimension === time ? label(dimension as typeof time) : "value"))
  ]
  const names = values.map((_, index) => `d${index}`)
  return `SELECT [${names.map((name) => `toString(${name})`).join(", ")}]::Array(String) AS dimensions,
      ${[...values.map((value, index) => `${value} AS d${index}`), sumsOf(columnsOf(shape.metrics))].join(", ")}, []::Array(Tuple(String, String)) AS revenue
    FROM visit_sum WHERE ${condition} AND dimension = ${quoted(summed)}
    ${names.length === 0 ? "" : `GROUP BY ${names.join(", ")}`}`
}

/** The text of the SQL that sums visits, without what depends on the website and its days. */
export const template = sums(new Parameters(), "roll", [], () => "visits")
