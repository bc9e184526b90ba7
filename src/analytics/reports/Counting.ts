/**
 * Plans what a database counts for a query (the ranges of days, the groups, and the divisors of conversion rates), and joins the
 * counts.
 *
 * @module
 */
import { Effect } from "effect"
import { leads } from "../Goal.ts"
import type * as Assembly from "./Assembly.ts"
import * as Counts from "./Counts.ts"
import * as DateRange from "./DateRange.ts"
import * as Evaluate from "./Evaluate.ts"
import { type Dimension, isTimeDimension, type Metric, type Query, type TimeDimension } from "./Query.ts"

/** What a statement groups and filters by, for which metrics, and which of the more expensive counts it returns. */
export interface Shape extends Pick<Query, "dimensions" | "filters" | "metrics"> {
  readonly visitors: boolean
  readonly conversions: boolean
  readonly revenue: boolean
}

export interface Plan<A> {
  readonly groups: A
  /** The groups whose visitors are the divisors of `group_conversion_rate`; null without it. */
  readonly divisors: A | null
  /** One group, whose visitors are the divisor of `conversion_rate`; null without it. */
  readonly total: A | null
}

const hasMetric = (query: Query, ...metrics: ReadonlyArray<Metric>): boolean =>
  query.metrics.some((metric) => metrics.includes(metric))

const needsConversions = (query: Query): boolean =>
  hasMetric(query, "conversions", "conversion_rate", "group_conversion_rate")

/**
 * The default maximum number of groups of a statement. Visitors choose paths and properties, so nothing else bounds the memory
 * of a process that holds the groups.
 */
export const maxGroups = 100_000

const leadGoals: ReadonlyArray<string> = Object.values(leads)

/**
 * The goals by which a query filters, if its result is a sum over these goals; else null. Rollups can answer such a query,
 * although they cannot be filtered, because they have the count of each goal.
 *
 * Such a query counts only conversions, has no dimensions other than times, and filters by a single goal or only by goals of
 * leads. No fact reaches two of these goals, so no conversion is counted twice.
 */
const summedGoals = ({ dimensions, filters, metrics }: Query): ReadonlyArray<string> | null => {
  const [filter] = filters
  if (filters.length !== 1 || filter?.operator !== "is" || filter.dimension !== "event:goal") return null
  if (!dimensions.every(isTimeDimension) || metrics.some((metric) => metric !== "conversions")) return null
  return new Set(filter.values).size === 1 || filter.values.every((goal) => leadGoals.includes(goal))
    ? filter.values
    : null
}

/** Sums the groups of these goals. The goal is the last dimension of a group. */
const joinGoals = (groups: ReadonlyArray<Counts.Group>, goals: ReadonlyArray<string>): ReadonlyArray<Counts.Group> => {
  const joined = new Map<string, Counts.Group>()
  for (const { counts, dimensions } of groups) {
    const [goal, kept] = [dimensions.at(-1) ?? "", dimensions.slice(0, -1)]
    if (!goals.includes(goal)) continue
    const known = joined.get(Counts.keyOf(kept))
    joined.set(Counts.keyOf(kept), {
      dimensions: kept,
      counts: known === undefined ? counts : Counts.sum(known.counts, counts)
    })
  }
  return [...joined.values()]
}

/** The sums that answer a query, and the time dimension by which those of days are added. */
export interface SumReading<Summed> {
  readonly summed: Summed
  readonly time: Exclude<TimeDimension, "time:hour"> | null
}

/** How the sums by one of the dimensions `summed` answer a query, by themselves or by `all` visits together; null if they cannot. */
export const sumReading = <Summed extends string>(
  { dimensions, filters }: Pick<Query, "dimensions" | "filters">,
  summed: ReadonlyArray<Summed>
): SumReading<Summed | "all"> | null => {
  const time = dimensions.find(
    (dimension): dimension is Exclude<TimeDimension, "time:hour"> =>
      isTimeDimension(dimension) && dimension !== "time:hour"
  )
  const [other, ...others] = dimensions.filter((dimension) => dimension !== time)
  const found = other === undefined ? "all" : summed.find((name) => name === (other satisfies Dimension))
  return filters.length > 0 || others.length > 0 || found === undefined ? null : { summed: found, time: time ?? null }
}

/** What must be counted. */
export const plan = (query: Query): Plan<Shape> => {
  const divisor = Evaluate.divisor(query)
  const visitorsOnly = { metrics: ["visitors"], visitors: true, conversions: false, revenue: false } as const
  if (summedGoals(query) !== null) {
    const dimensions: Query["dimensions"] = [...query.dimensions, "event:goal"]
    const groups = {
      ...{ dimensions, filters: [], metrics: query.metrics },
      ...{ visitors: false, conversions: true, revenue: false }
    }
    return { groups, divisors: null, total: null }
  }
  return {
    groups: {
      dimensions: query.dimensions,
      filters: query.filters,
      metrics: query.metrics,
      visitors: hasMetric(query, "visitors"),
      conversions: needsConversions(query),
      revenue: hasMetric(query, "total_revenue")
    },
    divisors: hasMetric(query, "group_conversion_rate") ? { ...divisor, ...visitorsOnly } : null,
    total: hasMetric(query, "conversion_rate") ? { ...divisor, dimensions: [], ...visitorsOnly } : null
  }
}

/** The groups of a query in one range of days, from the counts of its plan. */
export const counted = (
  query: Query,
  range: DateRange.Resolved,
  { divisors, total, groups }: Plan<ReadonlyArray<Counts.Group>>
): Assembly.Counted => {
  const divisorOf = new Map(
    (divisors ?? []).map(({ counts, dimensions }) => [Counts.keyOf(dimensions), counts.visitors])
  )
  const isInDivisor = query.dimensions.map((dimension) => Evaluate.divisor(query).dimensions.includes(dimension))
  const goals = summedGoals(query)
  const shown = (goals === null ? groups : joinGoals(groups, goals))
    .filter(
      // Tests the visits, because the visitors may be uncounted. A group has visits if and only if it has visitors.
      ({ counts }) =>
        query.dimensions.length === 0 || counts.visits > 0 || (needsConversions(query) && counts.conversions > 0)
    )
    .map(({ counts, dimensions }): Counts.Group => {
      const key = Counts.keyOf(dimensions.filter((_, index) => isInDivisor[index]))
      return { dimensions, counts: { ...counts, groupVisitors: divisorOf.get(key) ?? 0 } }
    })
  return {
    range,
    // Without dimensions there is always one group.
    groups:
      shown.length === 0 && query.dimensions.length === 0
        ? [{ dimensions: [], counts: { ...Counts.none, groupVisitors: divisorOf.get(Counts.keyOf([])) ?? 0 } }]
        : shown,
    allVisitors: total?.[0]?.counts.visitors ?? 0
  }
}

/** Counts a query in its range of days and, if it has a comparison, in the range of that. */
export const inRanges = Effect.fnUntraced(function* <E, R>(
  query: Query,
  /** See `DateRange.resolved`. */
  firstReceived: () => Effect.Effect<number | null, E, R>,
  count: (range: DateRange.Resolved) => Effect.Effect<Assembly.Counted, E, R>
): Effect.fn.Return<Assembly.Both, E, R> {
  const { comparison } = query
  const range = DateRange.resolved(query, query.range.first === null ? yield* firstReceived() : null)
  const counted = yield* count(range)
  const compared = comparison === null ? null : yield* count(DateRange.compared(range, { ...query, comparison }))
  return { counted, compared }
})
