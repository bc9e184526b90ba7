/**
 * Statistics that hide small counts, for shared dashboards: a count from 1 to 4 is `"<5"`, and every other count is rounded
 * to a multiple of 5, as in published health statistics. Pure.
 *
 * An answer with a dimension other than time leaves out each group with fewer than 5 visitors, because the group's name would
 * describe these visitors. An answer by time leaves out such groups only if a filter selects visitors, because anyone can add
 * false visitors to the selected ones.
 *
 * If a filter names a value, counts of 0 are hidden too: a viewer who guesses the name of a page or campaign must not learn whether
 * anyone visited it.
 *
 * Counts are rounded before they are ordered, compared, divided or paginated, so that an answer depends on rounded counts only:
 * no rate, change, order or difference of two answers reveals a small count, as long as the viewer adds no false visitors.
 *
 * @module
 */
import type { Answer, MetricValue } from "../reports/Answer.ts"
import * as Assembly from "../reports/Assembly.ts"
import * as Counts from "../reports/Counts.ts"
import { isTimeDimension, type Metric, type Query } from "../reports/Query.ts"
import * as SharedQuery from "./SharedQuery.ts"

/** Counts from 1 to less than this are hidden. */
export const threshold = 5

export const hidden = "<5"

/** The value of a metric; null if it would be calculated from a hidden count. */
export type CoarseValue = MetricValue | typeof hidden

export type CoarseAnswer = Answer<CoarseValue>

/** The value by which hidden counts are sorted: between 0 and `threshold`. */
const small = threshold / 2

/** 0, `small` or a multiple of 5. */
const round = (count: number): number => (count === 0 ? 0 : roundNamed(count))

/** `small` or a multiple of 5: the rounded count if a filter names a value. */
const roundNamed = (count: number): number => (count < threshold ? small : threshold * Math.round(count / threshold))

/** A count as it is shown without a filter. */
export const shown = (count: number): number | typeof hidden => {
  const rounded = round(count)
  return rounded === small ? hidden : rounded
}

/** Average durations are rounded to this many seconds. */
const durationStep = 10

/** The sum of durations from which the rounded average is calculated; `entries` is rounded already. */
const roundDuration = (duration: number, entries: number): number => {
  const step = durationStep * entries
  return entries === 0 || entries === small ? 0 : step * Math.round(duration / step)
}

const coarsen = (counts: Counts.Counts, round: (count: number) => number): Counts.Counts => ({
  visitors: round(counts.visitors),
  visits: round(counts.visits),
  pageviews: round(counts.pageviews),
  events: round(counts.events),
  visit_pageviews: round(counts.visit_pageviews),
  entries: round(counts.entries),
  bounces: round(counts.bounces),
  duration: roundDuration(counts.duration, round(counts.entries)),
  conversions: round(counts.conversions),
  converted: round(counts.converted),
  groupVisitors: round(counts.groupVisitors),
  // An amount is not a count, and cannot be rounded by a step that suits every currency.
  revenue: []
})

/** Whether a filter names the value by which visitors are selected. */
const namesValue = (query: Query): boolean => SharedQuery.choices(query).length > 0

/** Whether the answer leaves out groups with few visitors. */
const omitsGroups = (query: Query): boolean =>
  query.dimensions.length > 0 && (!query.dimensions.every(isTimeDimension) || namesValue(query))

/** The query whose counts `answer` needs. It counts visitors if they decide which groups are left out. */
export const queryToCount = (query: Query): Query =>
  omitsGroups(query) && !query.metrics.includes("visitors")
    ? { ...query, metrics: [...query.metrics, "visitors"] }
    : query

const coarse = (query: Query, { allVisitors, groups, range }: Assembly.Counted): Assembly.Counted => {
  const kept = omitsGroups(query) ? groups.filter(({ counts }) => counts.visitors >= threshold) : groups
  const rounding = namesValue(query) ? roundNamed : round
  return {
    range,
    groups: kept.map(({ counts, dimensions }) => ({ dimensions, counts: coarsen(counts, rounding) })),
    allVisitors: rounding(allVisitors)
  }
}

/** The counts from which a metric is calculated; null if the metric is a count itself. */
const partsOf = (name: Metric, counts: Counts.Counts, allVisitors: number): ReadonlyArray<number> | null => {
  switch (name) {
    case "views_per_visit":
      return [counts.visit_pageviews, counts.visits]
    case "bounce_rate":
      return [counts.bounces, counts.entries]
    case "visit_duration":
      return [counts.entries]
    case "conversion_rate":
      return [counts.converted, allVisitors]
    case "group_conversion_rate":
      return [counts.converted, counts.groupVisitors]
    default:
      return null
  }
}

const reader: Assembly.MetricReader<CoarseValue> = {
  metric: (name, counts, allVisitors) => {
    const parts = partsOf(name, counts, allVisitors)
    if (parts?.includes(small)) return null
    const value = Counts.metric(name, counts, allVisitors)
    // A rate or an average may equal `small` by chance.
    if (parts === null && value === small) return hidden
    // The parts are rounded separately, so their ratio can exceed 100.
    return name.endsWith("_rate") && typeof value === "number" ? Math.min(value, 100) : value
  },
  change: (name, old, current) => (old === hidden || current === hidden ? null : Counts.change(name, old, current))
}

/**
 * The answer to a query over all groups of its ranges, with the counts of `queryToCount(query)`. `compared` is null if and
 * only if the query has no comparison.
 */
export const answer = (query: Query, counted: Assembly.Counted, compared: Assembly.Counted | null): CoarseAnswer =>
  Assembly.answerOf(query, coarse(query, counted), compared === null ? null : coarse(query, compared), reader)
