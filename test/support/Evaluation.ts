/**
 * The answers that the reports of every store must give: counts all rows of a website by the rules of `analytics/reports/Evaluate`.
 *
 * @module
 */
import type { Answer } from "../../src/analytics/reports/Answer.ts"
import * as Assembly from "../../src/analytics/reports/Assembly.ts"
import { keyOf } from "../../src/analytics/reports/Counts.ts"
import * as DateRange from "../../src/analytics/reports/DateRange.ts"
import * as Evaluate from "../../src/analytics/reports/Evaluate.ts"
import * as LocalTime from "../../src/analytics/reports/LocalTime.ts"
import type { Query } from "../../src/analytics/reports/Query.ts"
import type { SiteRows } from "../../src/analytics/reports/Visits.ts"
import * as Visits from "../../src/analytics/reports/Visits.ts"
import * as SmallCounts from "../../src/analytics/shares/SmallCounts.ts"
import { dateOf } from "../../src/platform/text/Calendar.ts"

const needsConversions = ({ metrics }: Query): boolean =>
  metrics.some(
    (metric) => metric === "conversions" || metric === "conversion_rate" || metric === "group_conversion_rate"
  )

const count = (
  query: Query,
  all: ReadonlyArray<Visits.Visit>,
  goals: SiteRows["goals"],
  { first, last, until }: DateRange.Resolved
): Assembly.Counted => {
  const { toLocal } = LocalTime.zone(query.timeZone)
  const visits = all.filter(({ startedAt }) => {
    const date = dateOf(toLocal(startedAt))
    return date >= first && date <= last && (until === undefined || startedAt < until)
  })
  const groupsOf = (shape: Pick<Query, "dimensions" | "filters">) =>
    Evaluate.groupsOfVisits(shape, visits, query.timeZone, goals)
  const divisor = Evaluate.divisor(query)
  const visitorsOf = new Map(groupsOf(divisor).map(({ counts, dimensions }) => [keyOf(dimensions), counts.visitors]))
  const groups = groupsOf(query)
    .filter(
      ({ counts }) =>
        query.dimensions.length === 0 || counts.visitors > 0 || (needsConversions(query) && counts.conversions > 0)
    )
    .map(({ counts, dimensions }) => {
      const kept = dimensions.filter((_, index) => divisor.dimensions.some((name) => name === query.dimensions[index]))
      return { dimensions, counts: { ...counts, groupVisitors: visitorsOf.get(keyOf(kept)) ?? 0 } }
    })
  const [overall] = groupsOf({ ...divisor, dimensions: [] })
  return {
    range: { first, last, ...(until === undefined ? {} : { until }) },
    groups,
    allVisitors: overall?.counts.visitors ?? 0
  }
}

/** The visits of rows in the time zone in which they were asked for last: most tests ask several queries of the same rows. */
const computed = new WeakMap<SiteRows, { readonly timeZone: string; readonly visits: ReadonlyArray<Visits.Visit> }>()

const visitsOf = (rows: SiteRows, timeZone: string): ReadonlyArray<Visits.Visit> => {
  const known = computed.get(rows)
  if (known?.timeZone === timeZone) return known.visits
  const visits = Visits.make(rows, timeZone)
  computed.set(rows, { timeZone, visits })
  return visits
}

/** Counts the rows of a website for a query, and passes the counts to `answer`. */
const evaluateWith = <A>(
  query: Query,
  rows: SiteRows,
  answer: (query: Query, counted: Assembly.Counted, compared: Assembly.Counted | null) => A
): A => {
  const visits = visitsOf(rows, query.timeZone)
  const { comparison } = query
  const range = DateRange.resolved(
    query,
    visits.reduce<number | null>((first, { startedAt }) => Math.min(first ?? startedAt, startedAt), null)
  )
  const countIn = (range: DateRange.Resolved) => count(query, visits, rows.goals, range)
  const compared = comparison === null ? null : countIn(DateRange.compared(range, { ...query, comparison }))
  return answer(query, countIn(range), compared)
}

/** The answer to a query over the rows of its website. */
export const evaluate = (query: Query, rows: SiteRows): Answer => evaluateWith(query, rows, Assembly.answer)

/** The same answer with coarse counts, as a shared dashboard shows it. */
export const evaluateCoarse = (query: Query, rows: SiteRows): SmallCounts.CoarseAnswer =>
  evaluateWith(query, rows, SmallCounts.answer)
