/**
 * Computes the counts of each group of a query in one range of days.
 *
 * @module
 */
import { Array as Arr, Effect, Schema } from "effect"
import type * as Assembly from "../../../core/analytics/report/Assembly.ts"
import * as Counting from "../../../core/analytics/report/Counting.ts"
import type * as Counts from "../../../core/analytics/report/Counts.ts"
import type * as DateRange from "../../../core/analytics/report/DateRange.ts"
import * as LocalTime from "../../../core/analytics/report/LocalTime.ts"
import type { Query } from "../../../core/analytics/report/Query.ts"
import type { GoalRow } from "../../../core/analytics/report/Row.ts"
import { decodeRows } from "../../../runtime/Rows.ts"
import { type ReportSite, ReportTooLarge } from "../../../services/analytics/Reports.ts"
import type { ClickHouseError } from "../../Errors.ts"
import * as GroupSql from "./GroupSql.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"
import * as VisitDays from "./VisitDays.ts"
import * as VisitSql from "./VisitSql.ts"

const Rows = Schema.Array(
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

const toGroup = ({ dimensions, revenue, visit_pageviews, ...counts }: (typeof Rows.Type)[number]): Counts.Group => ({
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
  const { raw, stored } = yield* VisitDays.plan(reader, hostedWebsiteId, timeZone, days)
  if (raw.length > 0) reader.onUnstored({ hostedWebsiteId, timeZone }, raw)
  const offsets = LocalTime.offsets(query.timeZone, days)
  const groupsOf = (shape: Counting.Shape) => {
    const parameters = new Parameters()
    const hosted = parameters.uuid(hostedWebsiteId)
    const statement = GroupSql.statement({ ...shape, goals, offsets, parameters, until: range.until }, (columns) =>
      [
        ...(Arr.isReadonlyArrayNonEmpty(stored) ? [VisitDays.storedVisits(parameters, hosted, stored, columns)] : []),
        ...raw.map((part) => VisitSql.visits(parameters, hosted, part, columns))
      ].join(" UNION ALL ")
    )
    return reader.read(`${statement} LIMIT ${limit + 1}`, parameters).pipe(
      Effect.filterOrFail(
        (rows) => rows.length <= limit,
        () => new ReportTooLarge({ limit: `${limit} rows` })
      ),
      decodeRows(Rows),
      Effect.map((rows) => rows.map(toGroup))
    )
  }
  const { divisors, total, groups } = Counting.plan(query)
  return Counting.counted(query, range, {
    groups: yield* groupsOf(groups),
    divisors: divisors === null ? null : yield* groupsOf(divisors),
    total: total === null ? null : yield* groupsOf(total)
  })
})
