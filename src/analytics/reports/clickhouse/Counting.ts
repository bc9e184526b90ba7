/**
 * Computes the counts of each group of a query in one range of days.
 *
 * @module
 */
import { Array as Arr, Effect, Schema } from "effect"
import type { ClickHouseError } from "../../../platform/clickhouse/Errors.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import type * as Assembly from "../Assembly.ts"
import * as Counting from "../Counting.ts"
import * as Counts from "../Counts.ts"
import type * as DateRange from "../DateRange.ts"
import * as LocalTime from "../LocalTime.ts"
import type { Query } from "../Query.ts"
import { type ReportSite, ReportTooLarge } from "../Reports.ts"
import type { GoalRow } from "../Row.ts"
import * as FewVisits from "./FewVisits.ts"
import * as GroupSql from "./GroupSql.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"
import * as SumSql from "./SumSql.ts"
import * as VisitDays from "./VisitDays.ts"

export const Rows = Schema.Array(
  Schema.Struct({
    dimensions: Schema.Array(Schema.String),
    visitors: Schema.Int,
    visits: Schema.Int,
    pageviews: Schema.Int,
    events: Schema.Int,
    visit_pageviews: Schema.Int,
    entries: Schema.Int,
    bounces: Schema.Int,
    duration: Schema.Int,
    conversions: Schema.Int,
    converted: Schema.Int,
    revenue: Schema.Array(Schema.Tuple([Schema.String, Schema.String]))
  })
)

export const toGroup = ({
  dimensions,
  revenue,
  visit_pageviews,
  ...counts
}: (typeof Rows.Type)[number]): Counts.Group => ({
  dimensions,
  counts: {
    ...counts,
    visitPageviews: visit_pageviews,
    groupVisitors: 0,
    revenue: revenue.map(([currency, value]) => ({ currency, value }))
  }
})

/** Computes the counts of each group of a query in one range of days. */
export const count = Effect.fnUntraced(function* (
  reader: Reader,
  site: ReportSite,
  query: Query,
  range: DateRange.Resolved,
  goals: ReadonlyArray<GoalRow>,
  limit: number
): Effect.fn.Return<Assembly.Counted, ClickHouseError | ReportTooLarge> {
  const days = LocalTime.days(query.timeZone, range.first, range.last)
  const { hostedWebsiteId } = site
  const { timeZone } = query
  const plan = yield* VisitDays.plan(reader, hostedWebsiteId, timeZone, days)
  const computed = [...plan.raw, ...plan.open.map(({ day }) => [day] as const)]
  if (computed.length > 0) reader.onUnstored({ hostedWebsiteId, timeZone }, computed)
  const few = yield* FewVisits.read(reader, hostedWebsiteId, timeZone, plan)
  const offsets = LocalTime.offsets(query.timeZone, days)
  const execute = (statement: string, parameters: Parameters) =>
    reader.read(`${statement} LIMIT ${limit + 1}`, parameters).pipe(
      Effect.filterOrFail(
        (rows) => rows.length <= limit,
        () => new ReportTooLarge({ limit: `${limit} rows` })
      ),
      decodeRows(Rows),
      Effect.map((rows) => rows.map(toGroup))
    )
  /** The groups of the visits in the parts of a plan. */
  const ofVisits = (shape: Counting.Shape, plan: VisitDays.Plan) => {
    const isEmpty = few === null ? plan.raw.length === 0 : few.visits.length === 0
    if (isEmpty && plan.stored.length + plan.open.length === 0) return Effect.succeed([])
    const parameters = new Parameters()
    const hosted = parameters.uuid(hostedWebsiteId)
    const statement = GroupSql.statement({ ...shape, goals, offsets, parameters, until: range.until }, (columns) =>
      VisitDays.visits(parameters, hosted, timeZone, plan, few, columns)
    )
    return execute(statement, parameters)
  }
  const groupsOf = Effect.fnUntraced(function* (shape: Counting.Shape) {
    const reading = SumSql.reading(shape, goals)
    // Of the last day, only the visits up to a time may count.
    const isSummed = ({ date }: LocalTime.Day) => range.until === undefined || date < range.last
    const summed = reading === null ? [] : VisitDays.filter(plan.stored, isSummed)
    if (reading === null || !Arr.isReadonlyArrayNonEmpty(summed)) return yield* ofVisits(shape, plan)
    const parameters = new Parameters()
    const condition = VisitDays.current(parameters, parameters.uuid(hostedWebsiteId), timeZone, summed)
    const [ofSums, others] = yield* Effect.all(
      [
        execute(SumSql.statement(shape.dimensions, reading, condition), parameters),
        ofVisits(shape, { ...plan, stored: VisitDays.filter(plan.stored, (day) => !isSummed(day)) })
      ],
      { concurrency: "unbounded" }
    )
    return Counts.joinGroups([...ofSums, ...others])
  })
  const { divisors, total, groups } = Counting.plan(query)
  return Counting.counted(query, range, {
    groups: yield* groupsOf(groups),
    divisors: divisors === null ? null : yield* groupsOf(divisors),
    total: total === null ? null : yield* groupsOf(total)
  })
})
