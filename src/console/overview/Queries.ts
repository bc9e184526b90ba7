/**
 * The queries of the overview. Pure.
 *
 * @module
 */

import { limits } from "../../analytics/reports/Query.ts"
import type { QueryBody } from "../../analytics/reports/QueryBody.ts"
import type { Address, Dimension, Filter, Interval, Metric } from "../Address.ts"
import * as Calendar from "../Calendar.ts"
import * as Format from "../Format.ts"

/** The metrics of the totals, in the order in which the page shows them. `conversions` is a query of its own: see `leads`. */
export const totalMetrics = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"] as const

/** The goals that are leads: `Goal.leads` of the core. */
const leadGoals = ["Form submitted", "Chat started"]

/** What the queries depend on: a website and an address. */
export interface Scope {
  readonly siteId: string
  readonly timeZone: string
  readonly address: Address
}

type Base = Pick<QueryBody, "site_id" | "date_range" | "filters" | "include">

const base = ({ address, siteId, timeZone }: Scope, now: number): Base => ({
  site_id: siteId,
  date_range: Calendar.dateRangeOf(address.range, { now, timeZone }),
  filters: address.filters.map(({ dimension, operator, values }) => [operator, dimension, values] as const),
  include: address.comparison === null ? {} : { comparison: address.comparison }
})

export const totals = (scope: Scope, now: number): QueryBody => ({ ...base(scope, now), metrics: totalMetrics })

const isByPageOrEvent = ({ dimension }: Filter): boolean => dimension.startsWith("event:") && dimension !== "event:goal"

/** Null if a filter is by page or event: leads have neither. */
export const leads = (scope: Scope, now: number): QueryBody | null => {
  if (scope.address.filters.some(isByPageOrEvent)) return null
  const query = base(scope, now)
  return {
    ...query,
    metrics: ["conversions"],
    filters: [...(query.filters ?? []), ["is", "event:goal", leadGoals]]
  }
}

/** The query of the chart: its metric by an interval. Null if the metric counts leads and `leads` is null. */
export const series = (scope: Scope, interval: Interval, now: number): QueryBody | null => {
  const { metric } = scope.address
  const query = metric === "conversions" ? leads(scope, now) : { ...base(scope, now), metrics: [metric] }
  return query && { ...query, dimensions: [interval], include: { ...query.include, time_labels: true } }
}

/** The dimension that a list lists, and the one that splits its rows, if any. */
export type Dimensions = readonly [listed: Dimension, ...split: ReadonlyArray<Dimension>]

/** The metrics of a list. The first one determines the order of the rows. */
export const listMetrics = (
  dimensions: Dimensions,
  withAllMetrics: boolean
): readonly [Metric, ...ReadonlyArray<Metric>] => {
  if (dimensions.includes("event:goal")) {
    // If a goal is combined with another dimension, the rate is among the visitors with the same value of that dimension.
    return ["visitors", "conversions", dimensions.length === 1 ? "conversion_rate" : "group_conversion_rate"]
  }
  if (dimensions.includes("event:name")) return ["visitors", "events"]
  return withAllMetrics ? ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"] : ["visitors"]
}

/** Which values of a dimension no list shows: absent campaigns, and page views, which are in the list of pages. */
const omitted = (dimension: Dimension): ReadonlyArray<string> =>
  dimension.startsWith("visit:utm_") ? ["(not set)"] : dimension === "event:name" ? ["pageview"] : []

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

/** The query of a list, the rows with the highest counts first. The values of the first dimension contain `search`. */
export const list = (
  scope: Scope,
  dimensions: Dimensions,
  options: { readonly limit: number; readonly search?: string; readonly withAllMetrics?: boolean },
  now: number
): QueryBody => {
  const { include: _, ...query } = base(scope, now)
  const { limit, search = "", withAllMetrics = false } = options
  return {
    ...query,
    metrics: listMetrics(dimensions, withAllMetrics),
    dimensions,
    filters: [
      ...(query.filters ?? []),
      ...dimensions.flatMap((dimension) => omitted(dimension).map((value) => ["is_not", dimension, [value]] as const)),
      ...searchFilters(dimensions[0], search)
    ],
    include: { total_rows: true },
    pagination: { limit }
  }
}
