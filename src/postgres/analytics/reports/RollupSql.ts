/**
 * Which queries rollups can answer, and the statement that sums them. Text only.
 *
 * @module
 */
import * as DateRange from "../../../core/analytics/report/DateRange.ts"
import * as LocalTime from "../../../core/analytics/report/LocalTime.ts"
import {
  type Dimension,
  eventDimensions,
  isTimeDimension,
  type LocalDate,
  type Query,
  type TimeDimension,
  visitDimensions
} from "../../../core/analytics/report/Query.ts"
import { counts, type Statement } from "./GroupSql.ts"
import { Parameters } from "./Parameters.ts"

/** The dimensions that are rolled up, each per day and month. */
const dimensions = ["all", "time:hour", ...visitDimensions, ...eventDimensions] as const

export type Rollup = (typeof dimensions)[number]

/** The rollup that answers a query, and the time dimension by which its days or months are summed. */
export interface Reading {
  readonly rollup: Rollup
  readonly time: Exclude<TimeDimension, "time:hour"> | null
}

const isRollup = (dimension: Dimension): dimension is Rollup & Dimension =>
  (dimensions as ReadonlyArray<string>).includes(dimension)

/** How a query is read from rollups; null if it cannot be. */
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

/** The elements of `names` and of other arrays, one row for each. `unnest` in `FROM` takes twenty times as long. */
export const elements = (columns: ReadonlyArray<string>): string =>
  ["unnest(names) AS name", ...columns.map((column) => `unnest(${column}) AS ${column}`)].join(", ")

/** What a query groups by, and whether it counts conversions and revenue. */
interface Shape extends Pick<Query, "dimensions"> {
  readonly conversions: boolean
  readonly revenue: boolean
}

/** Sums the rollups of some months and days, by the dimensions of a query in its order. Reads only the counts that it needs. */
export const statement = (
  hostedWebsiteId: string,
  { conversions, dimensions, revenue }: Shape,
  { rollup, time }: Reading,
  units: { readonly months: ReadonlyArray<LocalDate>; readonly days: ReadonlyArray<LocalDate> }
): Statement => {
  const parameters = new Parameters()
  const site = parameters.uuid(hostedWebsiteId)
  const label = (date: LocalDate) => (time === null ? "" : DateRange.label(time, LocalTime.midnight(date)))
  const read = (isMonth: boolean, dates: ReadonlyArray<LocalDate>): string =>
    `SELECT rollup.*, label FROM unnest(${parameters.dates(dates)}, ${parameters.texts(dates.map(label))}) AS unit (date, label)
      JOIN rollup ON hosted_website_id = ${site} AND dimension = ${parameters.text(rollup)} AND is_month = ${isMonth}
        AND day = date`
  const needed = counts.filter((count) => conversions || (count !== "conversions" && count !== "converted"))
  const values = dimensions.map((dimension) => (dimension === time ? "label" : "name"))
  const groups = values.length === 0 ? "" : `GROUP BY ${values.join(", ")}`
  const earned = `earned AS MATERIALIZED (
    SELECT ${[...values, "currency"].join(", ")}, sum(amount::numeric)::text AS amount
    FROM one CROSS JOIN LATERAL jsonb_each_text(revenue::jsonb) AS sum (currency, amount)
    WHERE revenue IS NOT NULL GROUP BY ${[...values, "currency"].join(", ")}
  )`
  const totals = `(SELECT jsonb_object_agg(currency, amount)::text FROM earned
    ${values.length === 0 ? "" : `WHERE ${values.map((value) => `earned.${value} = one.${value}`).join(" AND ")}`})`
  return {
    text: `WITH one AS (
      SELECT label, ${elements(revenue ? [...needed, "revenue"] : needed)}
      FROM (${read(true, units.months)} UNION ALL ${read(false, units.days)}) AS read
    )${revenue ? `, ${earned}` : ""}
    SELECT ARRAY[${values.join(", ")}]::text[] AS dimensions,
      ${counts.map((count) => `${needed.includes(count) ? `coalesce(sum(${count}), 0)::bigint` : "0::bigint"} AS ${count}`).join(", ")},
      ${revenue ? totals : "NULL::text"} AS revenue
    FROM one ${groups}`,
    parameters: parameters.values
  }
}
