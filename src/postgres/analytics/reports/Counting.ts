/**
 * Counts the groups of a query: from rollups, from stored visits, and for the rest from page views and events.
 *
 * @module
 */
import type { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import type * as Assembly from "../../../core/analytics/report/Assembly.ts"
import * as Counting from "../../../core/analytics/report/Counting.ts"
import * as Counts from "../../../core/analytics/report/Counts.ts"
import type * as DateRange from "../../../core/analytics/report/DateRange.ts"
import * as Evaluate from "../../../core/analytics/report/Evaluate.ts"
import * as LocalTime from "../../../core/analytics/report/LocalTime.ts"
import type { Query } from "../../../core/analytics/report/Query.ts"
import * as RollupPlan from "../../../core/analytics/report/RollupPlan.ts"
import { decodeRows } from "../../../runtime/Rows.ts"
import { type ReportSite, ReportTooLarge } from "../../../services/analytics/Reports.ts"
import * as GroupSql from "./GroupSql.ts"
import * as RollupSql from "./RollupSql.ts"
import * as RollupState from "./RollupState.ts"

/** Which stored data may be read. `rows` reads page views and events only, `visits` stored visits too. Default: all. */
export type Reading = "rows" | "visits" | "rollups"

/** Decoded as bigint; converting to number is safe below 2^53 rows. */
const Total = Schema.BigInt

const Revenue = Schema.fromJsonString(Schema.Record(Schema.String, Schema.String))

const Rows = Schema.Array(
  Schema.Struct({
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
  })
)

type Row = (typeof Rows.Type)[number]

const toCounts = (row: Row): Counts.Counts => ({
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

/** The most groups of a statement, by default. Visitors choose paths and properties, so that nothing else bounds their number. */
const maxGroups = 100_000

const execute = (
  sql: SqlClient.SqlClient,
  { parameters, text }: { text: string; parameters: Array<PgTypes.Parameter> },
  limit: number
) =>
  sql.unsafe(`${text} LIMIT ${limit + 1}`, parameters).pipe(
    Effect.filterOrFail(
      (rows) => rows.length <= limit,
      () => new ReportTooLarge({ limit: `${limit} rows` })
    ),
    decodeRows(Rows),
    Effect.map((rows) => rows.map((row): Counts.Group => ({ dimensions: row.dimensions, counts: toCounts(row) })))
  )

const keyOf = (dimensions: ReadonlyArray<string>): string => JSON.stringify(dimensions)

/** Adds up groups of different days. */
const add = (parts: ReadonlyArray<ReadonlyArray<Counts.Group>>): ReadonlyArray<Counts.Group> => {
  const [only, ...others] = parts
  if (others.length === 0) return only ?? []
  const found = new Map<string, Counts.Group>()
  for (const group of parts.flat()) {
    const key = keyOf(group.dimensions)
    const known = found.get(key)
    found.set(
      key,
      known === undefined ? group : { dimensions: group.dimensions, counts: Counts.sum(known.counts, group.counts) }
    )
  }
  return [...found.values()]
}

/** Counts the groups of a query in one range of days. */
export const count = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  site: ReportSite,
  query: Query,
  range: DateRange.Resolved,
  allowed: Reading,
  limit = maxGroups
): Effect.fn.Return<Assembly.Counted, SqlError.SqlError | ReportTooLarge> {
  const days = LocalTime.days(query.timeZone, range.first, range.last)
  const isDaily = query.dimensions.some((dimension) => dimension === "time:day" || dimension === "time:week")
  const months = isDaily ? [] : RollupPlan.wholeMonths(days)
  const state = yield* RollupState.read(sql, site, query.timeZone, { ...range, months })
  const current = RollupState.withCurrentGoals(state)
  const nothing: RollupPlan.State = { days: new Map(), months: new Map(), stale: [] }

  const groupsOf = Effect.fnUntraced(function* (shape: Counting.Shape) {
    const { conversions, dimensions, filters, revenue } = shape
    const reading = allowed === "rollups" ? RollupSql.reading(shape) : null
    const usesGoals = conversions || Evaluate.usesGoals(shape)
    const usable = allowed === "rows" ? nothing : reading !== null && usesGoals ? current : state
    const plan = RollupPlan.make(days, usable)
    const live = (stored: ReadonlyArray<RollupPlan.Interval>) =>
      execute(
        sql,
        GroupSql.statement({
          hostedWebsiteId: site.hostedWebsiteId,
          timeZone: query.timeZone,
          dimensions,
          filters,
          days: days.filter((day) =>
            [...stored, ...plan.raw].some(({ end, start }) => start < day.end && end > day.start)
          ),
          stored,
          raw: plan.raw,
          conversions,
          revenue,
          goals: state.goals
        }),
        limit
      )
    if (reading === null) return yield* live([...plan.stored, ...plan.open])
    const parts = []
    if (plan.months.length + plan.days.length > 0) {
      parts.push(yield* execute(sql, RollupSql.statement(site.hostedWebsiteId, shape, reading, plan), limit))
    }
    if (plan.raw.length > 0) parts.push(yield* live(plan.open))
    return add(parts)
  })

  const { divisors, everyone, groups } = Counting.plan(query)
  return Counting.counted(query, range, {
    groups: yield* groupsOf(groups),
    divisors: divisors === null ? null : yield* groupsOf(divisors),
    everyone: everyone === null ? null : yield* groupsOf(everyone)
  })
})
