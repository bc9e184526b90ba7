/**
 * Builds an answer from counted groups: orders and paginates them, adds their comparison, and describes the query. Pure.
 *
 * @module
 */

import * as Text from "../../platform/text/Text.ts"
import type { Answer, Compared, ExecutedQuery, Meta } from "./Answer.ts"
import * as Counts from "./Counts.ts"
import * as DateRange from "./DateRange.ts"
import * as Filters from "./Filters.ts"
import { type Dimension, isTimeDimension, type Metric, type Query } from "./Query.ts"

/** The groups of a query in one date range. */
export interface Counted {
  readonly range: DateRange.Resolved
  readonly groups: ReadonlyArray<Counts.Group>
  /** The divisor of `conversion_rate`. */
  readonly allVisitors: number
}

/** The groups of a query in its range, and in the range of its comparison: null if and only if it has none. */
export interface Both {
  readonly counted: Counted
  readonly compared: Counted | null
}

/** The groups that an answer shows, in order, and the number of groups on all pages. */
interface Page {
  readonly groups: ReadonlyArray<Counts.Group>
  readonly totalRows: number
}

const timeDimension = ({ dimensions }: Query) => dimensions.find(isTimeDimension)

/** If the only dimension is a time, adds a group for each label without visits, because its comparison may have visits. */
const fill = (query: Query, { groups, range }: Counted): ReadonlyArray<Counts.Group> => {
  const [dimension, ...others] = query.dimensions
  if (dimension === undefined || others.length > 0 || !isTimeDimension(dimension)) return groups
  const known = new Set(groups.map(({ dimensions }) => dimensions[0]))
  const missing = DateRange.labels(dimension, range, query.timeZone).filter((label) => !known.has(label))
  return [...groups, ...missing.map((label) => ({ dimensions: [label], counts: Counts.none }))]
}

/** A group with the values that it is ordered by. */
interface Keyed {
  readonly group: Counts.Group
  readonly keys: ReadonlyArray<number | string | null>
}

const isDimension = (by: Metric | Dimension): by is Dimension => by.includes(":")

const keyed =
  (query: Query, allVisitors: number) =>
  (group: Counts.Group): Keyed => ({
    group,
    keys: query.orderBy.map(({ by }) =>
      isDimension(by)
        ? (group.dimensions[query.dimensions.indexOf(by)] ?? "")
        : Counts.sortKey(by, group.counts, allVisitors)
    )
  })

/** Null comes before any other value. */
const byKey = (left: Keyed["keys"][number], right: Keyed["keys"][number]): number => {
  if (typeof left === "string" && typeof right === "string") return Text.compareCodePoints(left, right)
  return left === null || right === null ? Number(left !== null) - Number(right !== null) : Number(left) - Number(right)
}

/** Orders groups as the query says, then by their dimensions. */
const order =
  ({ orderBy }: Query) =>
  (left: Keyed, right: Keyed): number => {
    // Without iterators, which take most of the time of a long list.
    for (let index = 0; index < orderBy.length; index++) {
      const difference = byKey(left.keys[index] ?? null, right.keys[index] ?? null)
      if (difference !== 0) return orderBy[index]?.direction === "asc" ? difference : -difference
    }
    const { dimensions } = left.group
    for (let index = 0; index < dimensions.length; index++) {
      const difference = Text.compareCodePoints(dimensions[index] ?? "", right.group.dimensions[index] ?? "")
      if (difference !== 0) return difference
    }
    return 0
  }

/** The first `count` of the values in order, without sorting all of them: a page is short, and a site has many paths. */
const takeFirst = <A>(
  values: ReadonlyArray<A>,
  count: number,
  compare: (left: A, right: A) => number
): ReadonlyArray<A> => {
  const kept: Array<A> = []
  let last: A | undefined
  for (const value of values) {
    if (last !== undefined && compare(value, last) >= 0) continue
    kept.push(value)
    if (kept.length < 2 * count) continue
    kept.sort(compare).length = count
    last = kept[count - 1]
  }
  return kept.sort(compare).slice(0, count)
}

/** Orders the groups and takes the page. */
const page = (query: Query, counted: Counted): Page => {
  const groups = query.comparison === null ? counted.groups : fill(query, counted)
  const ordered = takeFirst(groups.map(keyed(query, counted.allVisitors)), query.offset + query.limit, order(query))
  return {
    groups: ordered.slice(query.offset).map(({ group }) => group),
    totalRows: groups.length
  }
}

/** Converts counts to the values of an answer. */
export interface MetricReader<Value> {
  /** A metric's value. `allVisitors` is the divisor of `conversion_rate`. */
  readonly metric: (name: Metric, counts: Counts.Counts, allVisitors: number) => Value
  readonly change: (name: Metric, old: Value, current: Value) => number | null
}

/** Returns a function that compares a group with the corresponding group of the compared range. */
const comparer = <Value>(query: Query, counted: Counted, compared: Counted, reader: MetricReader<Value>) => {
  const groups = new Map(compared.groups.map(({ counts, dimensions }) => [Counts.keyOf(dimensions), counts]))
  const time = timeDimension(query)
  const labels = new Map<string, string>()
  if (time !== undefined) {
    const earlier = DateRange.labels(time, compared.range, query.timeZone)
    for (const [index, label] of DateRange.labels(time, counted.range, query.timeZone).entries()) {
      // The compared range can have fewer weeks, months or hours.
      labels.set(label, earlier[index] ?? "")
    }
  }
  return ({ counts, dimensions }: Counts.Group): Compared<Value> => {
    const before = dimensions.map((value, index) =>
      query.dimensions[index] === time && time !== undefined ? (labels.get(value) ?? "") : value
    )
    const beforeCounts = groups.get(Counts.keyOf(before)) ?? Counts.none
    const values = query.metrics.map((name) => ({
      name,
      old: reader.metric(name, beforeCounts, compared.allVisitors),
      current: reader.metric(name, counts, counted.allVisitors)
    }))
    return {
      dimensions: before,
      metrics: values.map(({ old }) => old),
      change: values.map(({ current, name, old }) => reader.change(name, old, current))
    }
  }
}

/** How visitors and visits are counted, for readers of an answer. */
export const definitions: Meta["definitions"] = [
  "A visit ends after 30 minutes without a page view or event, at midnight, and when a page view has another campaign. Its page views and events count in the hour in which the visit begins.",
  "Visitors are counted each day and summed, because a visitor cannot be recognized on another day."
]

const executed = (query: Query, range: DateRange.Resolved): ExecutedQuery => ({
  site_id: query.siteId,
  metrics: query.metrics,
  date_range: [range.first, range.last],
  dimensions: query.dimensions,
  filters: query.filters.map(Filters.toWire),
  order_by: query.orderBy.map(({ by, direction }) => [by, direction] as const),
  include: {
    ...(query.comparison === null ? {} : { comparison: query.comparison }),
    total_rows: query.includeTotalRows,
    time_labels: query.includeTimeLabels
  },
  pagination: { limit: query.limit, offset: query.offset }
})

const warnings = (query: Query, groups: ReadonlyArray<Counts.Group>): Pick<Meta, "metric_warnings"> => {
  const currencies = query.metrics.includes("total_revenue") ? Counts.mixedCurrencies(groups) : []
  if (currencies.length === 0) return {}
  return {
    metric_warnings: {
      total_revenue: {
        code: "no_single_revenue_currency",
        warning: `Revenue in more than one currency (${currencies.join(", ")}) has no total. Filter by event:goal, event:name or event:props to get the revenue in each.`
      }
    }
  }
}

/** The answer to a query over all groups of its ranges. `compared` is null if and only if the query has no comparison. */
export const answerOf = <Value>(
  query: Query,
  counted: Counted,
  compared: Counted | null,
  reader: MetricReader<Value>
): Answer<Value> => {
  const shown = page(query, counted)
  const time = timeDimension(query)
  const compare = compared === null ? null : comparer(query, counted, compared, reader)
  return {
    results: shown.groups.map((group) => ({
      dimensions: group.dimensions,
      metrics: query.metrics.map((name) => reader.metric(name, group.counts, counted.allVisitors)),
      ...(compare === null ? {} : { comparison: compare(group) })
    })),
    meta: {
      time_zone: query.timeZone,
      definitions,
      ...(query.includeTotalRows ? { total_rows: shown.totalRows } : {}),
      ...(query.includeTimeLabels && time !== undefined
        ? {
            time_labels: DateRange.labels(time, counted.range, query.timeZone),
            partial_time_labels: DateRange.unfinishedLabels(time, counted.range, query)
          }
        : {}),
      ...(compared === null ? {} : { comparison_date_range: [compared.range.first, compared.range.last] as const }),
      ...warnings(query, shown.groups)
    },
    query: executed(query, counted.range)
  }
}

/** The answer with every value as it was counted. */
export const answer = (query: Query, counted: Counted, compared: Counted | null): Answer =>
  answerOf(query, counted, compared, Counts)
