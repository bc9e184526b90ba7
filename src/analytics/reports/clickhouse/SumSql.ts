/**
 * SQL that stores and reads the sums of stored visits: the counts of each day by the values of one dimension. A visitor hash is
 * that of one day, so the visitors of different days can be added. Only all visits together have sums of conversions: those of
 * leads, which are all conversions of a website without goals. Pure: returns SQL text.
 *
 * @module
 */
import { quoted } from "../../../platform/clickhouse/ClickHouse.ts"
import type * as Counting from "../Counting.ts"
import { columnsOf, columns as counts } from "../Counts.ts"
import type * as LocalTime from "../LocalTime.ts"
import { type Dimension, isTimeDimension, type TimeDimension, visitDimensions } from "../Query.ts"
import type { GoalRow } from "../Row.ts"
import * as GroupSql from "./GroupSql.ts"
import { Parameters } from "./Parameters.ts"
import type * as VisitSql from "./VisitSql.ts"

/** The dimensions that are summed. `all` has one value. */
const summed = ["all", ...visitDimensions, "event:page", "event:name"] as const

type Summed = (typeof summed)[number]

/** How sums answer a query. */
export interface Reading {
  readonly summed: Summed
  readonly time: Exclude<TimeDimension, "time:hour"> | null
}

const isSummed = (dimension: Dimension): dimension is Summed & Dimension =>
  (summed as ReadonlyArray<string>).includes(dimension)

/** How sums answer a query of a website with some goals; null if they cannot. */
export const reading = (
  { conversions, dimensions, filters, revenue }: Counting.Shape,
  goals: ReadonlyArray<GoalRow>
): Reading | null => {
  if (filters.length > 0 || revenue || (conversions && goals.length > 0)) return null
  const time = dimensions.find(
    (dimension): dimension is Exclude<TimeDimension, "time:hour"> =>
      isTimeDimension(dimension) && dimension !== "time:hour"
  )
  const [other, ...others] = dimensions.filter((dimension) => dimension !== time)
  if (others.length > 0 || (other !== undefined && (conversions || !isSummed(other)))) return null
  return { summed: other ?? "all", time: time ?? null }
}

/** The statement that sums visits, which `visits` selects. `offsets` are those of the websites' time zone. */
export const sums = (
  parameters: Parameters,
  roll: string,
  offsets: ReadonlyArray<LocalTime.Offset>,
  visits: (columns: typeof VisitSql.columns) => string
): string =>
  summed
    .map((dimension) => {
      const dimensions: ReadonlyArray<Dimension> = dimension === "all" ? ["time:day"] : ["time:day", dimension]
      const statement = GroupSql.statement(
        {
          ...{ parameters, offsets, dimensions, filters: [], goals: [], until: undefined, bySite: true },
          ...{ visitors: true, conversions: dimension === "all", revenue: false }
        },
        visits
      )
      return `SELECT toUUID(dimensions[1]) AS hosted_website_id, toDate(dimensions[2]) AS day, ${roll} AS roll,
        ${quoted(dimension)} AS dimension, ${dimension === "all" ? "''" : "dimensions[3]"} AS value, ${counts.join(", ")} FROM (${statement})`
    })
    .join(" UNION ALL ")

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
