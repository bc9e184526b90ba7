/**
 * Answers a query of one website: computes the counts of each of its groups in its range of days.
 *
 * @module
 */
import { Array as Arr, Effect, Schema } from "effect"
import type { ClickHouseError } from "../../../platform/clickhouse/Errors.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { ReportTooLarge } from "../../../platform/Storage.ts"
import type { Answer } from "../Answer.ts"
import * as Assembly from "../Assembly.ts"
import * as Counting from "../Counting.ts"
import * as Counts from "../Counts.ts"
import type * as DateRange from "../DateRange.ts"
import * as Evaluate from "../Evaluate.ts"
import * as LocalTime from "../LocalTime.ts"
import type { Query } from "../Query.ts"
import type { ReportSite } from "../Reports.ts"
import type * as Visits from "../Visits.ts"
import type { GoalRow } from "../Visits.ts"
import * as FewVisits from "./FewVisits.ts"
import * as GroupSql from "./GroupSql.ts"
import { Parameters } from "./Parameters.ts"
import type { Reader } from "./Reader.ts"
import * as SumSql from "./SumSql.ts"
import * as VisitDays from "./VisitDays.ts"

export const Rows = Schema.Array(
  Schema.Struct({
    ...Counts.each(() => Schema.Int),
    dimensions: Schema.Array(Schema.String),
    revenue: Schema.Array(Schema.Tuple([Schema.String, Schema.String]))
  })
)

export const toGroup = ({ dimensions, revenue, ...counts }: (typeof Rows.Type)[number]): Counts.Group => ({
  dimensions,
  counts: { ...counts, groupVisitors: 0, revenue: revenue.map(([currency, value]) => ({ currency, value })) }
})

/** Computes the counts of each group of a query in one range of days. */
const count = Effect.fnUntraced(function* (
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
  const planned = Counting.plan(query)
  const withLeads = planned.groups.conversions || Evaluate.usesGoals(query)
  const plan = yield* VisitDays.plan(reader, hostedWebsiteId, timeZone, days, withLeads)
  const computed = [...plan.raw, ...plan.open.map(({ day }) => [day] as const)]
  if (computed.length > 0) reader.onUnstored({ hostedWebsiteId, timeZone }, computed)
  const few = yield* FewVisits.read(reader, hostedWebsiteId, timeZone, plan, withLeads)
  const offsets = LocalTime.offsets(query.timeZone, days)
  const isInTime = ({ startedAt }: Visits.Visit) => range.until === undefined || startedAt < range.until
  const groupsOf = Effect.fnUntraced(function* (shape: Counting.Shape) {
    const reading = SumSql.reading(shape, goals)
    // Of the last day, only the visits up to a time may count.
    const isSummed = ({ day }: VisitDays.Stored) =>
      reading !== null && (range.until === undefined || day.date < range.last)
    // The sums of a day that goes on count the replaced visits. They may lack conversions.
    const isOpenSummed = (open: VisitDays.Stored) => isSummed(open) && few?.areSeparate === true && !shape.conversions
    const openSummed = plan.open.filter(isOpenSummed)
    const summed = [...plan.stored.filter(isSummed), ...openSummed].toSorted(
      (left, right) => left.day.start - right.day.start
    )
    const ofVisits = {
      ...plan,
      stored: plan.stored.filter((stored) => !isSummed(stored)),
      open: plan.open.filter((open) => !isOpenSummed(open))
    }
    const execute = (statement: (parameters: Parameters, site: string) => string) => {
      const parameters = new Parameters()
      return reader
        .read(`${statement(parameters, parameters.uuid(hostedWebsiteId))} LIMIT ${limit + 1}`, parameters)
        .pipe(
          decodeRows(Rows),
          Effect.map((rows) => rows.map(toGroup))
        )
    }
    const isOfSum = ({ startedAt }: Visits.Visit) =>
      openSummed.some(({ day }) => startedAt >= day.start && startedAt < day.end)
    const fewOfVisits = few === null ? null : { ...few, open: few.open.filter((visit) => !isOfSum(visit)) }
    const parts = yield* Effect.all(
      [
        reading === null || !Arr.isReadonlyArrayNonEmpty(summed)
          ? Effect.succeed([])
          : execute((parameters, site) =>
              SumSql.statement(shape, reading, VisitDays.current(parameters, site, summed))
            ),
        ofVisits.stored.length + ofVisits.open.length + (few === null ? plan.raw.length : 0) === 0
          ? Effect.succeed([])
          : execute((parameters, site) =>
              GroupSql.statement({ ...shape, goals, offsets, parameters, until: range.until }, (columns) =>
                VisitDays.visits(parameters, site, ofVisits, fewOfVisits, columns)
              )
            )
      ],
      { concurrency: "unbounded" }
    )
    const groupsOfFew = (visits: ReadonlyArray<Visits.Visit> = []) =>
      Evaluate.groupsOfVisits(shape, visits, timeZone, goals)
    const replaced = groupsOfFew(few?.replaced.filter(isOfSum)).map(({ counts, dimensions }) => ({
      dimensions,
      counts: Counts.negated(counts)
    }))
    // Visitors of different days can be added.
    const all = [...parts, groupsOfFew(few?.raw.filter(isInTime)), groupsOfFew(few?.open.filter(isOfSum)), replaced]
    if (all.some((groups) => groups.length > limit)) return yield* new ReportTooLarge({ limit: `${limit} rows` })
    return Counts.joinGroups(all.flat())
  })
  const { divisors, total, groups } = planned
  return Counting.counted(query, range, {
    groups: yield* groupsOf(groups),
    divisors: divisors === null ? null : yield* groupsOf(divisors),
    total: total === null ? null : yield* groupsOf(total)
  })
})

/** SQL of the condition that selects the rows of some websites. */
export const ofSites = (parameters: Parameters, sites: ReadonlyArray<ReportSite>): string =>
  `hosted_website_id IN ${parameters.uuids(sites.map(({ hostedWebsiteId }) => hostedWebsiteId))}`

const Firsts = Schema.Array(Schema.Struct({ id: Schema.String, first: Schema.Finite }))

/**
 * When the first page view or event of each website was received, in milliseconds since 1970. Websites without one are missing.
 */
export const firstReceived = (reader: Reader, sites: ReadonlyArray<ReportSite>) => {
  const parameters = new Parameters()
  const isOfSites = ofSites(parameters, sites)
  const selects = ["page_view", "event"].map(
    (table) => `SELECT hosted_website_id, received_at FROM ${table} WHERE ${isOfSites}`
  )
  return reader
    .read(
      `SELECT hosted_website_id AS id, toUnixTimestamp64Milli(min(received_at)) AS first
        FROM (${selects.join(" UNION ALL ")}) GROUP BY id`,
      parameters
    )
    .pipe(
      decodeRows(Firsts),
      Effect.map((rows) => new Map<string, number | null>(rows.map(({ first, id }) => [id, first])))
    )
}

/** The counts of a query. Fails if a statement returns more than `limit` groups. */
export const countAll = (
  reader: Reader,
  site: ReportSite,
  query: Query,
  goals: ReadonlyArray<GoalRow>,
  limit = Counting.maxGroups
) =>
  Counting.inRanges<ClickHouseError | ReportTooLarge, never>(
    query,
    () => Effect.map(firstReceived(reader, [site]), (firsts) => firsts.get(site.hostedWebsiteId) ?? null),
    (range) => count(reader, site, query, range, goals, limit)
  )

/** The answer to a query. Fails if a statement returns more than `limit` groups. */
export const answer = (
  reader: Reader,
  site: ReportSite,
  query: Query,
  goals: ReadonlyArray<GoalRow>,
  limit?: number
): Effect.Effect<Answer, ClickHouseError | ReportTooLarge> =>
  Effect.map(countAll(reader, site, query, goals, limit), ({ compared, counted }) =>
    Assembly.answer(query, counted, compared)
  )
