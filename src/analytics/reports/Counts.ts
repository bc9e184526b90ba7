/**
 * The counts of one group of a report, and the metrics computed from them. Pure.
 *
 * @module
 */
import { BigDecimal } from "effect"
import { memoize } from "../../platform/text/Memo.ts"
import * as Text from "../../platform/text/Text.ts"
import type { MetricValue, RevenueTotal } from "./Answer.ts"
import type { Metric } from "./Query.ts"

/** What is counted, in the order of the columns in which both stores keep counts and sums. Whole numbers. */
export const columns = [
  "visitors",
  "visits",
  "pageviews",
  /** Page views and events. */
  "events",
  /** All page views of `visits`. */
  "visit_pageviews",
  /** The visits over which `bounces` and `duration` are counted. */
  "entries",
  "bounces",
  /** The sum of the visits' durations, in seconds. */
  "duration",
  "conversions",
  /** The visitors with a conversion. */
  "converted"
] as const

export type Column = (typeof columns)[number]

/** A value for each column. */
export const each = <A>(valueOf: (column: Column) => A) =>
  Object.fromEntries(columns.map((column) => [column, valueOf(column)])) as Readonly<Record<Column, A>>

/** `Evaluate` defines which visits and facts are counted. */
export interface Counts extends Readonly<Record<Column, number>> {
  /** The divisor of `group_conversion_rate`. */
  readonly groupVisitors: number
  /** A sum per currency, as a decimal number. */
  readonly revenue: ReadonlyArray<{ readonly currency: string; readonly value: string }>
}

/** The columns of each metric besides visitors and visits. */
const ofMetric: Readonly<Record<Metric, ReadonlyArray<Column | "revenue">>> = {
  visitors: [],
  visits: [],
  pageviews: ["pageviews"],
  views_per_visit: ["visit_pageviews"],
  bounce_rate: ["entries", "bounces"],
  visit_duration: ["entries", "duration"],
  events: ["events"],
  conversions: ["conversions"],
  conversion_rate: ["conversions", "converted"],
  group_conversion_rate: ["conversions", "converted"],
  total_revenue: ["revenue"]
}

/** The columns that these metrics need. Visitors and visits are always among them: they decide whether a group is shown. */
export const columnsOf = (metrics: ReadonlyArray<Metric>): ReadonlySet<Column | "revenue"> =>
  new Set(["visitors", "visits", ...metrics.flatMap((metric) => ofMetric[metric])])

export interface Group {
  /** A value per dimension of the query. */
  readonly dimensions: ReadonlyArray<string>
  readonly counts: Counts
}

/** A text that identifies a group among those of a query, by its dimensions. */
export const keyOf = (dimensions: ReadonlyArray<string>): string => JSON.stringify(dimensions)

export const none: Counts = {
  visitors: 0,
  visits: 0,
  pageviews: 0,
  events: 0,
  visit_pageviews: 0,
  entries: 0,
  bounces: 0,
  duration: 0,
  conversions: 0,
  converted: 0,
  groupVisitors: 0,
  revenue: []
}

/** `factor * part / whole`, rounded half up to a whole number; 0 if `whole` is 0. */
const ratio = (part: number, whole: number, factor: number): number =>
  whole === 0 ? 0 : Math.round((factor * part) / whole)

/** The formats of a currency. They are slow to create. Visitors choose currencies, so nothing else bounds their number. */
const formatsOf = memoize((currency: string): readonly [short: Intl.NumberFormat, long: Intl.NumberFormat] => {
  const format = (options: Intl.NumberFormatOptions) =>
    new Intl.NumberFormat("en-US", { style: "currency", currency, ...options })
  return [format({ notation: "compact", maximumFractionDigits: 1 }), format({})]
}, 200)

const money = (value: number, currency: string): Pick<RevenueTotal, "short" | "long"> => {
  // A row that was not stored by this service may have any text.
  if (!/^[A-Z]{3}$/.test(currency)) return { short: `${value} ${currency}`, long: `${value} ${currency}` }
  const [short, long] = formatsOf(currency)
  return { short: short.format(value), long: long.format(value) }
}

const revenueTotal = ({ revenue }: Counts): RevenueTotal | null => {
  const [only, ...others] = revenue
  if (only === undefined || others.length > 0) return null
  const value = Number(only.value)
  return { value, currency: only.currency, ...money(value, only.currency) }
}

/** A metric's value. `allVisitors` is the divisor of `conversion_rate`. */
export const metric = (name: Metric, counts: Counts, allVisitors: number): MetricValue => {
  switch (name) {
    case "views_per_visit":
      return ratio(counts.visit_pageviews, counts.visits, 100) / 100
    case "bounce_rate":
      return ratio(counts.bounces, counts.entries, 100)
    case "visit_duration":
      return ratio(counts.duration, counts.entries, 1)
    case "conversion_rate":
      return ratio(counts.converted, allVisitors, 10_000) / 100
    case "group_conversion_rate":
      return ratio(counts.converted, counts.groupVisitors, 10_000) / 100
    case "total_revenue":
      return revenueTotal(counts)
    default:
      return counts[name]
  }
}

const toNumber = (value: MetricValue): number | null =>
  value === null || typeof value === "number" ? value : value.value

/** The value by which groups are ordered: the metric's, or null for no revenue and for revenue in several currencies. */
export const sortKey = (name: Metric, counts: Counts, allVisitors: number): number | null => {
  if (name !== "total_revenue") return toNumber(metric(name, counts, allVisitors))
  const [only, ...others] = counts.revenue
  return only === undefined || others.length > 0 ? null : Number(only.value)
}

/**
 * The change from `old` to `current`. Rounded half up: for a conversion rate to one decimal, otherwise to an integer. Null if
 * either is null. The change of a bounce rate or a conversion rate is in percentage points, but null for a bounce rate that was
 * 0. The change of another metric is in per cent of `old`, or 100 if `old` is 0 and `current` is more. Revenue can be negative:
 * its change is in per cent of the magnitude of `old`, or -100 if `old` is 0 and `current` is less.
 */
export const change = (name: Metric, old: MetricValue, current: MetricValue): number | null => {
  const [before, after] = [toNumber(old), toNumber(current)]
  if (before === null || after === null) return null
  switch (name) {
    case "bounce_rate":
      return before > 0 ? after - before : null
    case "conversion_rate":
    case "group_conversion_rate":
      return Math.round(Math.round((after - before) * 100) / 10) / 10
    default:
      if (before === 0) return 100 * Math.sign(after)
      return Math.round(((after - before) / Math.abs(before)) * 100)
  }
}

/** The currencies of the groups whose revenue is in more than one currency. */
export const mixedCurrencies = (groups: Iterable<Group>): ReadonlyArray<string> => {
  const found = new Set<string>()
  for (const { counts } of groups) {
    if (counts.revenue.length > 1) for (const { currency } of counts.revenue) found.add(currency)
  }
  return [...found].sort(Text.compareCodePoints)
}

/** The sum of decimal numbers. */
export const sumDecimals = (values: Iterable<string>): string =>
  BigDecimal.format(BigDecimal.sumAll(Array.from(values, BigDecimal.fromStringUnsafe)))

const sumRevenue = (revenue: Counts["revenue"]): Counts["revenue"] =>
  Array.from(
    Map.groupBy(revenue, ({ currency }) => currency),
    ([currency, sums]) => ({ currency, value: sumDecimals(sums.map(({ value }) => value)) })
  )

/** The sum of counts of different visits, such as those of a group in two ranges without a common day. */
export const sum = (left: Counts, right: Counts): Counts => ({
  visitors: left.visitors + right.visitors,
  visits: left.visits + right.visits,
  pageviews: left.pageviews + right.pageviews,
  events: left.events + right.events,
  visit_pageviews: left.visit_pageviews + right.visit_pageviews,
  entries: left.entries + right.entries,
  bounces: left.bounces + right.bounces,
  duration: left.duration + right.duration,
  conversions: left.conversions + right.conversions,
  converted: left.converted + right.converted,
  groupVisitors: left.groupVisitors + right.groupVisitors,
  revenue: sumRevenue([...left.revenue, ...right.revenue])
})

/** The groups of parts that have no visit in common: those with the same dimensions are added. */
export const joinGroups = (groups: ReadonlyArray<Group>): ReadonlyArray<Group> => {
  const joined = new Map<string, Group>()
  for (const { counts, dimensions } of groups) {
    const key = keyOf(dimensions)
    const known = joined.get(key)
    joined.set(key, { dimensions, counts: known === undefined ? counts : sum(known.counts, counts) })
  }
  return [...joined.values()]
}

/** The counts to add in order to subtract. */
export const negated = (counts: Counts): Counts => ({
  visitors: -counts.visitors,
  visits: -counts.visits,
  pageviews: -counts.pageviews,
  events: -counts.events,
  visit_pageviews: -counts.visit_pageviews,
  entries: -counts.entries,
  bounces: -counts.bounces,
  duration: -counts.duration,
  conversions: -counts.conversions,
  converted: -counts.converted,
  groupVisitors: -counts.groupVisitors,
  revenue: counts.revenue.map(({ currency, value }) => ({
    currency,
    value: value.startsWith("-") ? value.slice(1) : `-${value}`
  }))
})
