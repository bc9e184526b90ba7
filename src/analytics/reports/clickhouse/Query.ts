/**
 * Answers queries of statistics.
 *
 * @module
 */
import { Effect, Schema } from "effect"
import type { ClickHouseError } from "../../../platform/clickhouse/Errors.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import type { ReportTooLarge } from "../../../platform/Storage.ts"
import * as SmallCounts from "../../shares/SmallCounts.ts"
import type { Answer } from "../Answer.ts"
import * as Assembly from "../Assembly.ts"
import { maxGroups } from "../Counting.ts"
import * as DateRange from "../DateRange.ts"
import * as LocalTime from "../LocalTime.ts"
import type { Query } from "../Query.ts"
import type { ReportSite } from "../Reports.ts"
import type { GoalRow } from "../Row.ts"
import * as Counting from "./Counting.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"

const First = Schema.Tuple([Schema.Struct({ first: Schema.NullOr(Schema.Finite) })])

/** When the first page view or event of a website was received, in milliseconds since 1970; null without one. */
const firstReceivedAt = (reader: Reader, { hostedWebsiteId }: ReportSite) => {
  const parameters = new Parameters()
  const site = parameters.uuid(hostedWebsiteId)
  const selects = ["page_view", "event"].map(
    (table) => `SELECT minOrNull(received_at) AS first FROM ${table} WHERE hosted_website_id = ${site}`
  )
  return reader
    .read(`SELECT toUnixTimestamp64Milli(minOrNull(first)) AS first FROM (${selects.join(" UNION ALL ")})`, parameters)
    .pipe(
      decodeRows(First),
      Effect.map(([{ first }]) => first)
    )
}

/** The counts of a query in its range, and in the range of its comparison. */
interface BothCounts {
  readonly counted: Assembly.Counted
  readonly compared: Assembly.Counted | null
}

const countAll = Effect.fnUntraced(function* (
  reader: Reader,
  site: ReportSite,
  query: Query,
  goals: ReadonlyArray<GoalRow>,
  limit: number
): Effect.fn.Return<BothCounts, ClickHouseError | ReportTooLarge> {
  const first = query.range.first === null ? yield* firstReceivedAt(reader, site) : null
  const local = first === null ? null : LocalTime.zone(query.timeZone).toLocal(first)
  const range = DateRange.resolved(query, local)
  const count = (of: DateRange.Resolved) => Counting.count(reader, site, query, of, goals, limit)
  const counted = yield* count(range)
  const compared =
    query.comparison === null
      ? null
      : yield* count(DateRange.compared(range, { ...query, comparison: query.comparison }))
  return { counted, compared }
})

/** The answer to a query. Fails if a statement returns more than `limit` groups. */
export const answer = (
  reader: Reader,
  site: ReportSite,
  query: Query,
  goals: ReadonlyArray<GoalRow>,
  limit = maxGroups
): Effect.Effect<Answer, ClickHouseError | ReportTooLarge> =>
  Effect.map(countAll(reader, site, query, goals, limit), ({ compared, counted }) =>
    Assembly.answer(query, counted, compared)
  )

/** The answer to a query, with coarse counts. */
export const coarseAnswer = (
  reader: Reader,
  site: ReportSite,
  query: Query,
  goals: ReadonlyArray<GoalRow>
): Effect.Effect<SmallCounts.CoarseAnswer, ClickHouseError | ReportTooLarge> =>
  Effect.map(countAll(reader, site, SmallCounts.queryToCount(query), goals, maxGroups), ({ compared, counted }) =>
    SmallCounts.answer(query, counted, compared)
  )
