/**
 * Decides which queries rollups can answer, and writes the statement that sums the rollups. Pure: returns SQL text.
 *
 * @module
 */

import { columns as counts } from "../Counts.ts"
import * as DateRange from "../DateRange.ts"
import * as LocalTime from "../LocalTime.ts"
import {
  type Dimension,
  eventDimensions,
  isTimeDimension,
  type LocalDate,
  type Metric,
  type Query,
  type TimeDimension,
  visitDimensions
} from "../Query.ts"
import type { Parameters } from "./Parameters.ts"
import * as RollupRows from "./RollupRows.ts"

/** The dimensions that are rolled up, each per day and month. */
const rollups = ["all", "time:hour", ...visitDimensions, ...eventDimensions] as const

export type Rollup = (typeof rollups)[number]

/** The rollup that answers a query, and the time dimension by which its days or months are summed. */
export interface Reading {
  readonly rollup: Rollup
  readonly time: Exclude<TimeDimension, "time:hour"> | null
}

const isRollup = (dimension: Dimension): dimension is Rollup & Dimension =>
  (rollups as ReadonlyArray<string>).includes(dimension)

/** How rollups answer a query; null if they cannot. */
export const reading = ({ dimensions, filters }: Pick<Query, "dimensions" | "filters">): Reading | null => {
  if (filters.length > 0) return null
  const time = dimensions.find(
    (dimension): dimension is Exclude<TimeDimension, "time:hour"> =>
      isTimeDimension(dimension) && dimension !== "time:hour"
  )
  const others = dimensions.filter((dimension) => dimension !== time)
  const [other] = others
  if (others.length > 1 || (other !== undefined && !isRollup(other))) return null
  return { rollup: other ?? "all", time: time ?? null }
}

/** The columns of each metric besides visitors and visits, which are always read: they decide whether a group is shown. */
const columnsOf: Readonly<Record<Metric, ReadonlyArray<RollupRows.Column>>> = {
  visitors: [],
  visits: [],
  pageviews: ["pageviews"],
  views_per_visit: ["visit_pageviews"],
  bounce_rate: ["entries", "bounces"],
  visit_duration: ["entries", "duration"],
  events: ["events"],
  conversions: ["conversions"],
  conversion_rate: ["conversions", "converted"],
  group_conversion_rate: ["conversions", "converted"],
  total_revenue: ["revenue"]
}

type Shape = Pick<Query, "dimensions" | "metrics">

/** Sums the rollups of some months and days by the query's dimensions, in the query's order. Reads only the counts it needs. */
export const statement = (
  parameters: Parameters,
  hostedWebsiteId: string,
  { dimensions, metrics }: Shape,
  { rollup, time }: Reading,
  units: { readonly months: ReadonlyArray<LocalDate>; readonly days: ReadonlyArray<LocalDate> }
): string => {
  const site = parameters.uuid(hostedWebsiteId)
  const label = (date: LocalDate) => (time === null ? "" : DateRange.label(time, LocalTime.midnight(date)))
  const labeled = (dates: ReadonlyArray<LocalDate>) =>
    `unnest(${parameters.dates(dates)}, ${parameters.texts(dates.map(label))}) AS labeled (date, label)`
  const ofDimension = `hosted_website_id = ${site} AND dimension = ${parameters.text(rollup)}`
  const requested = new Set<RollupRows.Column>([
    "visitors",
    "visits",
    ...metrics.flatMap((metric) => columnsOf[metric])
  ])
  const needed = RollupRows.columns.filter((column) => requested.has(column))
  const columns = RollupRows.elements(needed)
  const ofMonths =
    units.months.length === 0
      ? []
      : [
          `SELECT label, ${columns} FROM ${labeled(units.months)} JOIN rollup ON ${ofDimension} AND is_month AND day = date`
        ]
  const [first, last] = [units.days[0], units.days.at(-1)]
  const ofDays =
    first === undefined || last === undefined
      ? []
      : [
          `SELECT label, ${["name", ...needed].join(", ")} FROM (
            SELECT ${RollupRows.dates}, ${columns} FROM rollup WHERE ${ofDimension} AND NOT is_month
              AND day >= ${parameters.date(LocalTime.monthOf(first))} AND day <= ${parameters.date(last)}
              AND last_day >= ${parameters.date(first)}
          ) AS each JOIN ${labeled(units.days)} USING (date)`
        ]
  const values = dimensions.map((dimension) => (dimension === time ? "label" : "name"))
  const groups = values.length === 0 ? "" : `GROUP BY ${values.join(", ")}`
  const earned = `earned AS MATERIALIZED (
    SELECT ${[...values, "currency"].join(", ")}, sum(amount::numeric)::text AS amount
    FROM one CROSS JOIN LATERAL jsonb_each_text(revenue::jsonb) AS sum (currency, amount)
    WHERE revenue IS NOT NULL GROUP BY ${[...values, "currency"].join(", ")}
  )`
  const totals = `(SELECT jsonb_object_agg(currency, amount)::text FROM earned
    ${values.length === 0 ? "" : `WHERE ${values.map((value) => `earned.${value} = one.${value}`).join(" AND ")}`})`
  return `WITH one AS (${[...ofMonths, ...ofDays].join(" UNION ALL ")})${requested.has("revenue") ? `, ${earned}` : ""}
    SELECT ARRAY[${values.join(", ")}]::text[] AS dimensions,
      ${counts.map((count) => `${requested.has(count) ? `coalesce(sum(${count}), 0)::bigint` : "0::bigint"} AS ${count}`).join(", ")},
      ${requested.has("revenue") ? totals : "NULL::text"} AS revenue
    FROM one ${groups}`
}
