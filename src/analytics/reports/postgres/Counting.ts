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
import { eventDimensions, type LocalDate, type Query, visitDimensions } from "../Query.ts"
import type { ReportSite } from "../Reports.ts"
import * as Sources from "../Sources.ts"
import * as CountRows from "./CountRows.ts"
import * as GroupSql from "./GroupSql.ts"
import { Parameters } from "./Parameters.ts"
import * as RollupPlan from "./RollupPlan.ts"
import * as RollupRows from "./RollupRows.ts"
import * as RollupState from "./RollupState.ts"
import type * as Tails from "./Tails.ts"
import * as VisitSql from "./VisitSql.ts"

/** The dimensions that are rolled up besides all visits together, each per day and month. */
const rollups = ["time:hour", ...visitDimensions, ...eventDimensions] as const

export type Rollup = "all" | (typeof rollups)[number]

type RollupReading = Counting.SumReading<Rollup>

/** How rollups answer a query; null if they cannot. */
export const readingOf = (shape: Pick<Query, "dimensions" | "filters">): RollupReading | null =>
  Counting.sumReading(shape, rollups)

type Shape = Pick<Query, "dimensions" | "metrics">

/** Sums the rollups of some months and days by the query's dimensions, in the query's order. Reads only the counts it needs. */
const rollupStatement = (
  parameters: Parameters,
  hostedWebsiteId: string,
  { dimensions, metrics }: Shape,
  { summed: rollup, time }: RollupReading,
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

const Rows = Schema.Array(Schema.Struct({ ...CountRows.columns, dimensions: Schema.Array(Schema.String) }))

/**
 * The values of a group, with the names of sources: days that were summed before sources had names, or with another list of them,
 * have sums by other texts.
 */
export const nameSources = (dimensions: Query["dimensions"], values: ReadonlyArray<string>): ReadonlyArray<string> => {
  const at = dimensions.indexOf("visit:source")
  return at === -1 ? values : values.with(at, Sources.nameOf(values[at] ?? ""))
}

/** Runs several statements, each with at most so many groups, as one. */
const execute = (
  sql: SqlClient.SqlClient,
  parameters: Parameters,
  statements: ReadonlyArray<string>,
  dimensions: Query["dimensions"],
  limit: number
): Effect.Effect<ReadonlyArray<Counts.Group>, SqlError.SqlError> => {
  if (statements.length === 0) return Effect.succeed([])
  const counts = [...Counts.columns, "revenue"].join(", ")
  const limited = statements.map(
    (statement) => `SELECT dimensions, ${counts} FROM (${statement} LIMIT ${limit + 1}) AS counted`
  )
  return sql.unsafe(limited.join(" UNION ALL "), parameters.values).pipe(
    decodeRows(Rows),
    Effect.map((rows) =>
      rows.map((row) => ({ dimensions: nameSources(dimensions, row.dimensions), counts: CountRows.toCounts(row) }))
    )
  )
}

/** The last parts of days, whose visits are not stored; null if they are of more than two days, since each is grouped on its own. */
const tailsOf = (
  days: ReadonlyArray<LocalTime.Day>,
  raw: ReadonlyArray<RollupPlan.Interval>
): ReadonlyArray<Pick<Tails.Tail, "day" | "start" | "end">> | null => {
  const tails = days.flatMap((day) => {
    const part = raw.find(({ end, start }) => start < day.end && end > day.start)
    return part === undefined ? [] : [{ day, start: Math.max(part.start, day.start), end: day.end }]
  })
  return tails.length > 2 ? null : tails
}

/** The groups of a query without filters and goals that the tails of days add to the sums of these days; null if they are too many. */
const additionsOf = Effect.fnUntraced(function* (
  { tails }: Reader,
  hostedWebsiteId: string,
  { dimensions, timeZone }: Pick<Query, "dimensions" | "timeZone">,
  { summed: rollup, time }: RollupReading,
  parts: ReturnType<typeof tailsOf>
): Effect.fn.Return<ReadonlyArray<Counts.Group> | null, SqlError.SqlError> {
  const groups: Array<Counts.Group> = []
  if (parts === null) return null
  for (const part of parts) {
    const kind = (eventDimensions as ReadonlyArray<string>).includes(rollup) ? "facts" : "visits"
    const additions = yield* tails({ ...part, hostedWebsiteId, timeZone }, kind)
    if (additions === null) return null
    const label = time === null ? "" : DateRange.label(time, LocalTime.midnight(part.day.date))
    for (const { counts, dimension, name } of additions) {
      if (dimension !== rollup) continue
      groups.push({ dimensions: dimensions.map((one) => (one === time ? label : name)), counts })
    }
  }
  return groups
})

const hasZeroRevenue = ({ counts }: Counts.Group): boolean => counts.revenue.some(({ value }) => Number(value) === 0)

/** What reports read. */
export interface Reader {
  readonly sql: SqlClient.SqlClient
  readonly tails: Tails.Tails
}

/** Computes the counts of each group of a query in one range of days. */
export const count = Effect.fnUntraced(function* (
  reader: Reader,
  site: ReportSite,
  query: Query,
  range: DateRange.Resolved,
  limit = Counting.maxGroups
): Effect.fn.Return<Assembly.Counted, SqlError.SqlError | ReportTooLarge> {
  const days = LocalTime.days(query.timeZone, range.first, range.last)
  const isDaily = query.dimensions.some((dimension) => dimension === "time:day" || dimension === "time:week")
  const wholeDays = range.until === undefined ? days : days.slice(0, -1)
  // The last day, if only its visits up to a time count. They are not summed.
  const cutDays = days.slice(wholeDays.length)
  const months = isDaily ? [] : RollupPlan.monthsBegunIn(wholeDays)
  const lastSummed = wholeDays.at(-1)?.date ?? range.last
  const { sql } = reader
  const state = yield* RollupState.read(sql, site, query.timeZone, { ...range, months, lastSummed })

  const groupsOf = Effect.fnUntraced(function* (
    shape: Counting.Shape,
    metrics: Query["metrics"],
    readsOpenSums = true
  ): Effect.fn.Return<ReadonlyArray<Counts.Group>, SqlError.SqlError | ReportTooLarge> {
    const { conversions, dimensions, filters, revenue } = shape
    const rollupReading = readingOf(shape)
    const usesGoals = conversions || Evaluate.usesGoals(shape)
    const needsConversions = rollupReading !== null && usesGoals
    const plan = RollupPlan.make(wholeDays, state, needsConversions)
    const cut = RollupPlan.make(cutDays, { ...state, months: new Map() }, needsConversions)
    const raw = [...plan.raw, ...cut.raw]
    const parameters = new Parameters()
    const live = (stored: ReadonlyArray<RollupPlan.Interval>) =>
      GroupSql.statement(parameters, {
        websites: VisitSql.one(parameters.uuid(site.hostedWebsiteId)),
        timeZone: query.timeZone,
        dimensions,
        filters,
        days: days.filter((day) => [...stored, ...raw].some(({ end, start }) => start < day.end && end > day.start)),
        stored,
        raw,
        until: range.until,
        conversions,
        revenue,
        goals: state.goals
      })
    const stored = [...plan.visits, ...cut.summed, ...cut.visits]
    // The sums of open days have no conversions.
    const additions =
      !readsOpenSums || rollupReading === null || usesGoals || cutDays.length > 0
        ? null
        : yield* additionsOf(
            reader,
            site.hostedWebsiteId,
            { dimensions, timeZone: query.timeZone },
            rollupReading,
            tailsOf(days, raw)
          )
    const summed = { months: plan.months, days: additions === null ? plan.days : [...plan.days, ...plan.openDays] }
    const statements =
      rollupReading === null
        ? [live([...plan.summed, ...stored])]
        : [
            ...(summed.months.length + summed.days.length > 0
              ? [rollupStatement(parameters, site.hostedWebsiteId, { dimensions, metrics }, rollupReading, summed)]
              : []),
            ...(stored.length + raw.length > 0 && additions === null ? [live(stored)] : [])
          ]
    const counted = yield* execute(sql, parameters, statements, dimensions, limit)
    const all = [...counted, ...(additions ?? [])]
    const isUnique = all.length === counted.length && statements.length < 2 && !dimensions.includes("visit:source")
    const joined = isUnique ? all : Counts.joinGroups(all)
    // Visits that leave a group are subtracted from the sums of an open day. If their revenue is 0 then, only the visits tell
    // whether the group has a revenue.
    if (revenue && additions !== null && plan.openDays.length > 0 && joined.some(hasZeroRevenue)) {
      return yield* groupsOf(shape, metrics, false)
    }
    return joined.length > limit ? yield* new ReportTooLarge({ limit: `${limit} rows` }) : joined
  })

  const { divisors, total, groups } = Counting.plan(query)
  return Counting.counted(query, range, {
    groups: yield* groupsOf(groups, query.metrics),
    divisors: divisors === null ? null : yield* groupsOf(divisors, ["visitors"]),
    total: total === null ? null : yield* groupsOf(total, ["visitors"])
  })
})
