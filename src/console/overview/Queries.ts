/**
 * The queries of the overview. Pure.
 *
 * @module
 */
import { limits } from "../../analytics/reports/Query.ts"
import type { QueryBody } from "../../analytics/reports/QueryBody.ts"
import {
  type Address,
  type Dimension,
  type Filter,
  type Interval,
  type Listed,
  linkLists,
  type Metric
} from "../Address.ts"
import * as Calendar from "../Calendar.ts"
import * as Format from "../Format.ts"
import type { Answer } from "../Requests.ts"

/** The metrics of the totals, in the order in which the page shows them. `conversions` is a query of its own. */
export const totalMetrics = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"] as const

/** The goals that are leads: `Goal.leads` of the core. */
const leadGoals = ["Form submitted", "Chat started"]

/** What the queries depend on: a website and an address. */
export interface Scope {
  readonly siteId: string
  readonly timeZone: string
  /** Whether the numbers are those that the owner sees: not on a shared dashboard with protected ones. */
  readonly isExact: boolean
  readonly address: Address
}

/** The address with a metric that is shown: a shared dashboard has no revenue. */
export const shownAddress = (address: Address): Address =>
  address.share !== null && address.metric === "total_revenue" ? { ...address, metric: "visitors" } : address

type Base = Pick<QueryBody, "site_id" | "date_range" | "filters" | "include">

const base = ({ address, siteId, timeZone }: Scope, now: number): Base => ({
  site_id: siteId,
  date_range: Calendar.dateRangeOf(address.range, { now, timeZone }),
  filters: address.filters.map(({ dimension, operator, values }) => [operator, dimension, values] as const),
  include: address.comparison === null ? {} : { comparison: address.comparison }
})

/** The totals of visits and, except on a shared dashboard, the revenue. */
export const totals = (scope: Scope, now: number): QueryBody => ({
  ...base(scope, now),
  metrics: scope.address.share === null ? [...totalMetrics, "total_revenue"] : totalMetrics
})

const isGoal = ({ dimension }: Filter): boolean => dimension === "event:goal"

/** Whether conversions are leads: no filter chooses other goals. */
export const countsLeads = ({ filters }: Pick<Address, "filters">): boolean => !filters.some(isGoal)

/** Whether the page is filtered by an event with this name, or by none. */
export const eventFilter = ({ filters }: Pick<Address, "filters">): ((event: string) => boolean) => {
  const filter = filters.find(({ dimension, operator }) => dimension === "event:name" && operator === "is")
  return (event) => filter === undefined || filter.values.includes(event)
}

const needsVisit = ({ filters }: Pick<Address, "filters">): boolean =>
  countsLeads({ filters }) && filters.some(({ dimension }) => dimension.startsWith("event:"))

const ofLeads = ({ address }: Scope): NonNullable<QueryBody["filters"]> =>
  countsLeads(address) ? [["is", "event:goal", leadGoals]] : []

/** The query of the leads, or of the conversions of the goals that are filtered by. Null for leads by page or event: they have neither. */
export const conversions = (scope: Scope, now: number): QueryBody | null => {
  if (needsVisit(scope.address)) return null
  const query = base(scope, now)
  return { ...query, metrics: ["conversions"], filters: [...(query.filters ?? []), ...ofLeads(scope)] }
}

/** The query of the chart: its metric by an interval. Null if `conversions` is its query and null. */
export const series = (scope: Scope, interval: Interval, now: number): QueryBody | null => {
  const { metric } = scope.address
  const query = metric === "conversions" ? conversions(scope, now) : { ...base(scope, now), metrics: [metric] }
  return query && { ...query, dimensions: [interval], include: { ...query.include, time_labels: true } }
}

/** The dimension that a list lists, and the one that splits its rows, if any. */
export type Dimensions = readonly [listed: Dimension, ...split: ReadonlyArray<Dimension>]

export const dimensionOf = (listed: Listed): Dimension =>
  Object.hasOwn(linkLists, listed) ? "event:props:url" : (listed as Dimension)

/** The metric by which lists are ordered. Leads that have no page cannot be listed by it. */
const metricOf = ({ address }: Scope): Metric =>
  address.metric === "conversions" && needsVisit(address) ? "visitors" : address.metric

/**
 * The tabs of a list that have rows for the chosen metric: a lead belongs to a visit, so leads are listed by its entry page, not
 * by the pages that were viewed. A shared dashboard shows no properties, such as the addresses of links.
 */
export const tabsFor = (tabs: ReadonlyArray<Listed>, scope: Scope): ReadonlyArray<Listed> => {
  const isOfLeads = metricOf(scope) === "conversions" && countsLeads(scope.address)
  const isShared = scope.address.share !== null
  return tabs.filter((tab) => !(isOfLeads && tab === "event:page") && !(isShared && Object.hasOwn(linkLists, tab)))
}

const isOfEvents = (dimension: Dimension): boolean => dimension === "event:name" || dimension.startsWith("event:props:")

/** The metrics of a list. */
export const listMetrics = (
  scope: Scope,
  dimensions: Dimensions,
  withAllMetrics: boolean
): readonly [Metric, ...ReadonlyArray<Metric>] => {
  const [first, ...others] = usualMetrics(scope, dimensions, withAllMetrics)
  return metricOf(scope) === "total_revenue" && first !== "total_revenue"
    ? [first, ...others, "total_revenue"]
    : [first, ...others]
}

const usualMetrics = (
  scope: Scope,
  dimensions: Dimensions,
  withAllMetrics: boolean
): readonly [Metric, ...ReadonlyArray<Metric>] => {
  const metric = metricOf(scope)
  if (dimensions.includes("event:goal")) {
    // If a goal is combined with another dimension, the rate is among the visitors with the same value of that dimension.
    return ["visitors", "conversions", dimensions.length === 1 ? "conversion_rate" : "group_conversion_rate"]
  }
  if (dimensions.some(isOfEvents)) return ["visitors", "events"]
  if (metric === "conversions") {
    return scope.isExact ? ["conversions", "group_conversion_rate"] : ["conversions"]
  }
  if (withAllMetrics) return totalMetrics
  return isAverage(metric) ? ["visitors", metric] : [metric]
}

/** Whether a metric is a rate or an average of visits. Its value without visits, 0, means nothing. */
export const isAverage = (metric: Metric): boolean => metric === "bounce_rate" || metric === "visit_duration"

/** The metric that orders a list. Ordered by an average, the first rows would have one visit each. */
const orderOf = (scope: Scope, metrics: ReturnType<typeof listMetrics>): Metric => {
  const metric = metricOf(scope)
  return metrics.includes(metric) && !isAverage(metric) ? metric : metrics[0]
}

/** Which values of a dimension no list shows: absent campaigns, and page views, which are in the list of pages. */
const omitted = (dimension: Dimension): ReadonlyArray<string> =>
  dimension.startsWith("visit:utm_") || dimension.startsWith("event:props:")
    ? ["(not set)"]
    : dimension === "event:name"
      ? ["pageview"]
      : []

/** A text as it was typed, in lower case, and with a capital: in the API, letter case counts. */
const spellings = (text: string): ReadonlyArray<string> => {
  const lower = text.toLowerCase()
  return [...new Set([text, lower, `${lower.slice(0, 1).toUpperCase()}${lower.slice(1)}`])]
}

/**
 * The filters that select the values with `search` in the names that the list shows. A search that finds more countries than a
 * filter can have, such as that of one vowel, selects all of them.
 */
const searchFilters = (dimension: Dimension, search: string): NonNullable<QueryBody["filters"]> => {
  const text = search.trim()
  if (text === "") return []
  const renamed = Format.valuesShownWith(dimension, text)
  if (renamed.length > limits.values) return []
  // A country's code is not a part of its name.
  const isByCode = dimension === "visit:country" && renamed.length > 0
  return [["contains", dimension, isByCode ? renamed : [...new Set([...spellings(text), ...renamed])]]]
}

/** What a list's query has in its rows. */
interface ListShape {
  readonly metrics: ReturnType<typeof listMetrics>
  readonly dimensions: Dimensions
}

/** The query of a list, ordered by its metric. The values of the first dimension contain `search`. */
export const list = (
  scope: Scope,
  listed: Listed,
  options: {
    readonly limit: number
    readonly search?: string
    readonly split?: Dimension | null
    readonly withAllMetrics?: boolean
  },
  now: number
): Omit<QueryBody, "dimensions" | "metrics"> & ListShape => {
  const { include: _, ...query } = base(scope, now)
  const { limit, search = "", split = null, withAllMetrics = false } = options
  const first = dimensionOf(listed)
  const dimensions: Dimensions = split === null ? [first] : [first, split]
  const metrics = listMetrics(scope, dimensions, withAllMetrics)
  return {
    ...query,
    metrics,
    dimensions,
    order_by: [[orderOf(scope, metrics), "desc"]],
    filters: [
      ...(query.filters ?? []),
      ...(metrics[0] === "conversions" ? ofLeads(scope) : []),
      ...(first === listed ? [] : [["is", "event:name", [linkLists[listed as keyof typeof linkLists]]] as const]),
      ...dimensions.flatMap((dimension) => omitted(dimension).map((value) => ["is_not", dimension, [value]] as const)),
      ...searchFilters(first, search)
    ],
    include: { total_rows: true },
    pagination: { limit }
  }
}

/** A report of the overview: of a website, or of a shared dashboard. */
export type Report = Answer<"POST /v1/owner/query" | "POST /v1/owner/shared/query">

export type Row = Report["results"][number]
