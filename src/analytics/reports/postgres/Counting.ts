/**
 * Computes the counts of each group of a query: decides which rollups can answer it, sums them, and counts the rest from stored
 * visits and, where these are missing, page views and events.
 *
 * @module
 */

import { Effect, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { ReportTooLarge } from "../../../platform/Storage.ts"
import type * as Assembly from "../Assembly.ts"
import * as Counting from "../Counting.ts"
import * as Counts from "../Counts.ts"
import * as DateRange from "../DateRange.ts"
import * as Evaluate from "../Evaluate.ts"
import * as LocalTime from "../LocalTime.ts"
import {
  type Dimension,
  eventDimensions,
  isTimeDimension,
  type LocalDate,
  type Query,
  type TimeDimension,
  visitDimensions
} from "../Query.ts"
import type { ReportSite } from "../Reports.ts"
import * as Sources from "../Sources.ts"
import * as GroupSql from "./GroupSql.ts"
import { Parameters } from "./Parameters.ts"
import * as RollupPlan from "./RollupPlan.ts"
import * as RollupRows from "./RollupRows.ts"
import * as RollupState from "./RollupState.ts"
import * as VisitSql from "./VisitSql.ts"

/** The dimensions that are rolled up, each per day and month. */
const rollups = ["all", "time:hour", ...visitDimensions, ...eventDimensions] as const

export type Rollup = (typeof rollups)[number]

/** The rollup that answers a query, and the time dimension by which its days or months are summed. */
export interface RollupReading {
  readonly rollup: Rollup
  readonly time: Exclude<TimeDimension, "time:hour"> | null
}

const isRollup = (dimension: Dimension): dimension is Rollup & Dimension =>
  (rollups as ReadonlyArray<string>).includes(dimension)

/** How rollups answer a query; null if they cannot. */
export const readingOf = ({ dimensions, filters }: Pick<Query, "dimensions" | "filters">): RollupReading | null => {
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

type Shape = Pick<Query, "dimensions" | "metrics">

/** Sums the rollups of some months and days by the query's dimensions, in the query's order. Reads only the counts it needs. */
const rollupStatement = (
  parameters: Parameters,
  hostedWebsiteId: string,
  { dimensions, metrics }: Shape,
  { rollup, time }: RollupReading,
  units: { readonly months: ReadonlyArray<LocalDate>; readonly days: ReadonlyArray<LocalDate> }
): string => {
  const site = parameters.uuid(hostedWebsiteId)
  const label = (date: LocalDate) => (time === null ? "" : DateRange.label(time, LocalTime.midnight(date)))
  const labeled = (dates: ReadonlyArray<LocalDate>) =>
    `unnest(${parameters.dates(dates)}, ${parameters.texts(dates.map(label))}) AS labeled (date, label)`
  const ofDimension = `hosted_website_id = ${site} AND dimension = ${parameters.text(rollup)}`
  const requested: ReadonlySet<RollupRows.Column> = Counts.columnsOf(metrics)
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
      ${Counts.columns.map((count) => `${requested.has(count) ? `coalesce(sum(${count}), 0)::bigint` : "0::bigint"} AS ${count}`).join(", ")},
      ${requested.has("revenue") ? totals : "NULL::text"} AS revenue
    FROM one ${groups}`
}

/**
 * The data that may be read.
 *
 * - `rows`: page views, events and conversions.
 * - `visits`: also stored visits.
 * - `rollups`: also rollups.
 */
export type Reading = "rows" | "visits" | "rollups"

/** Decoded as bigint; converting to number is safe below 2^53 rows. */
const Total = Schema.BigInt

const Revenue = Schema.fromJsonString(Schema.Record(Schema.String, Schema.String))

/** The columns of a row of `GroupSql.statement`. */
export const columns = {
  dimensions: Schema.Array(Schema.String),
  visitors: Total,
  visits: Total,
  pageviews: Total,
  events: Total,
  visit_pageviews: Total,
  entries: Total,
  bounces: Total,
  duration: Total,
  conversions: Total,
  converted: Total,
  revenue: Schema.NullOr(Revenue)
}

const Row = Schema.Struct({
  ...columns,
  /** 1, or -1 if the counts are subtracted. */
  sign: Schema.Int
})

const Rows = Schema.Array(Row)

/** The counts of a row of `GroupSql.statement`. */
export const toCounts = (row: Omit<typeof Row.Type, "sign">): Counts.Counts => ({
  visitors: Number(row.visitors),
  visits: Number(row.visits),
  pageviews: Number(row.pageviews),
  events: Number(row.events),
  visitPageviews: Number(row.visit_pageviews),
  entries: Number(row.entries),
  bounces: Number(row.bounces),
  duration: Number(row.duration),
  conversions: Number(row.conversions),
  converted: Number(row.converted),
  groupVisitors: 0,
  revenue: Object.entries(row.revenue ?? {}).map(([currency, value]) => ({ currency, value }))
})

const signedCounts = (row: typeof Row.Type): Counts.Counts =>
  row.sign === 1 ? toCounts(row) : Counts.negated(toCounts(row))

/** Statements whose groups are added up. Those of `changes` have a sign as a last element of their dimensions. */
interface Statements {
  readonly sums: ReadonlyArray<string>
  readonly changes: ReadonlyArray<string>
}

/**
 * The values of a group, with the names of sources: days that were summed before sources had names, or with another list of them,
 * have sums by other texts.
 */
export const nameSources = (dimensions: Query["dimensions"], values: ReadonlyArray<string>): ReadonlyArray<string> => {
  const at = dimensions.indexOf("visit:source")
  return at === -1 ? values : values.with(at, Sources.nameOf(values[at] ?? ""))
}

/** Runs several statements as one, and adds up the groups that they count. */
const execute = (
  sql: SqlClient.SqlClient,
  parameters: Parameters,
  { changes, sums }: Statements,
  dimensions: Query["dimensions"],
  limit: number
): Effect.Effect<ReadonlyArray<Counts.Group>, SqlError.SqlError | ReportTooLarge> => {
  const counts = [...Counts.columns, "revenue"].join(", ")
  const limited = (statement: string) => `(${statement} LIMIT ${limit + 1}) AS counted`
  const statements = [
    ...sums.map((statement) => `SELECT dimensions, ${counts}, 1 AS sign FROM ${limited(statement)}`),
    ...changes.map(
      (statement) => `SELECT trim_array(dimensions, 1), ${counts}, dimensions[cardinality(dimensions)]::int
        FROM ${limited(statement)}`
    )
  ]
  return sql.unsafe(statements.join(" UNION ALL "), parameters.values).pipe(
    decodeRows(Rows),
    Effect.map((rows) => {
      const groups = rows.map(
        (row): Counts.Group => ({ dimensions: nameSources(dimensions, row.dimensions), counts: signedCounts(row) })
      )
      return statements.length === 1 && !dimensions.includes("visit:source") ? groups : Counts.joinGroups(groups)
    }),
    Effect.filterOrFail(
      (groups) => groups.length <= limit,
      () => new ReportTooLarge({ limit: `${limit} rows` })
    )
  )
}

/** Computes the counts of each group of a query in one range of days. */
export const count = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  site: ReportSite,
  query: Query,
  range: DateRange.Resolved,
  allowed: Reading,
  limit = Counting.maxGroups
): Effect.fn.Return<Assembly.Counted, SqlError.SqlError | ReportTooLarge> {
  const days = LocalTime.days(query.timeZone, range.first, range.last)
  const isDaily = query.dimensions.some((dimension) => dimension === "time:day" || dimension === "time:week")
  const wholeDays = range.until === undefined ? days : days.slice(0, -1)
  // The last day, if only its visits up to a time count. They are not summed.
  const cutDays = days.slice(wholeDays.length)
  const months = isDaily ? [] : RollupPlan.monthsBegunIn(wholeDays)
  const lastSummed = wholeDays.at(-1)?.date ?? range.last
  const state = yield* RollupState.read(sql, site, query.timeZone, { ...range, months, lastSummed })
  const noRollups: RollupPlan.State = { days: new Map(), months: new Map() }

  const groupsOf = Effect.fnUntraced(function* (shape: Counting.Shape, metrics: Query["metrics"]) {
    const { conversions, dimensions, filters, revenue } = shape
    const rollupReading = allowed === "rollups" ? readingOf(shape) : null
    const usesGoals = conversions || Evaluate.usesGoals(shape)
    const usable = allowed === "rows" ? noRollups : state
    const needsConversions = rollupReading !== null && usesGoals
    const plan = RollupPlan.make(wholeDays, usable, needsConversions)
    const cut = RollupPlan.make(cutDays, { ...usable, months: new Map() }, needsConversions)
    const raw = [...plan.raw, ...cut.raw]
    const parameters = new Parameters()
    const live = (stored: ReadonlyArray<RollupPlan.Interval>, onlyChanges = false) =>
      GroupSql.statement(parameters, {
        websites: VisitSql.one(parameters.uuid(site.hostedWebsiteId)),
        timeZone: query.timeZone,
        dimensions,
        filters,
        days: days.filter((day) => [...stored, ...raw].some(({ end, start }) => start < day.end && end > day.start)),
        stored,
        raw,
        until: range.until,
        onlyChanges,
        conversions,
        revenue,
        goals: state.goals
      })
    // The sums of open days have no conversions.
    const readsOpenSums = plan.openDays.length > 0 && cutDays.length === 0 && !usesGoals
    const stored = [...plan.visits, ...cut.summed, ...cut.visits]
    const summed = { months: plan.months, days: readsOpenSums ? [...plan.days, ...plan.openDays] : plan.days }
    const statements: Statements =
      rollupReading === null
        ? { sums: [live([...plan.summed, ...stored])], changes: [] }
        : {
            sums: [
              ...(summed.months.length + summed.days.length > 0
                ? [rollupStatement(parameters, site.hostedWebsiteId, { dimensions, metrics }, rollupReading, summed)]
                : []),
              ...(stored.length + raw.length > 0 && !readsOpenSums ? [live(stored)] : [])
            ],
            changes: readsOpenSums ? [live(plan.visits, true)] : []
          }
    return yield* execute(sql, parameters, statements, dimensions, limit)
  })

  const { divisors, total, groups } = Counting.plan(query)
  return Counting.counted(query, range, {
    groups: yield* groupsOf(groups, query.metrics),
    divisors: divisors === null ? null : yield* groupsOf(divisors, ["visitors"]),
    total: total === null ? null : yield* groupsOf(total, ["visitors"])
  })
})
