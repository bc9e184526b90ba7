/**
 * The queries of the overview. Pure.
 *
 * @module
 */
import type { QueryBody } from "../../../contract/owner/QueryBody.ts"
import type { Address, Dimension, Filter, Interval, Metric } from "../Address.ts"
import * as Calendar from "../Calendar.ts"

/** The metrics of the totals, in the order of the page. `conversions` is a query of its own: see `leads`. */
export const totalMetrics = ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"] as const

/** The goals that are leads: `Goal.leads` of the core. */
const leadGoals = ["Form submitted", "Chat started"]

/** The queries of a website and an address. */
export interface Scope {
  readonly siteId: string
  readonly timeZone: string
  readonly address: Address
}

type Base = Pick<QueryBody, "site_id" | "date_range" | "filters" | "include">

const base = ({ address, siteId, timeZone }: Scope, now: number): Base => ({
  site_id: siteId,
  date_range: Calendar.toQuery(address.range, { now, timeZone }),
  filters: address.filters.map(({ dimension, operator, values }) => [operator, dimension, values] as const),
  include: address.comparison === null ? {} : { comparison: address.comparison }
})

export const totals = (scope: Scope, now: number): QueryBody => ({ ...base(scope, now), metrics: totalMetrics })

const namesFacts = ({ dimension }: Filter): boolean => dimension.startsWith("event:") && dimension !== "event:goal"

/** Null if a filter is by page or event: leads have neither. */
export const leads = (scope: Scope, now: number): QueryBody | null => {
  if (scope.address.filters.some(namesFacts)) return null
  const query = base(scope, now)
  return {
    ...query,
    metrics: ["conversions"],
    filters: [...(query.filters ?? []), ["is", "event:goal", leadGoals]]
  }
}

/** The metric of the chart by an interval. */
export const series = (scope: Scope, interval: Interval, now: number): QueryBody | null => {
  const { metric } = scope.address
  const query = metric === "conversions" ? leads(scope, now) : { ...base(scope, now), metrics: [metric] }
  return query && { ...query, dimensions: [interval], include: { ...query.include, time_labels: true } }
}

/** The metrics of a list's rows; the first one orders them. */
export const listMetrics = (dimension: Dimension, isWhole: boolean): readonly [Metric, ...ReadonlyArray<Metric>] => {
  if (dimension === "event:goal") return ["visitors", "conversions", "conversion_rate"]
  if (dimension === "event:name") return ["visitors", "events"]
  return isWhole ? ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"] : ["visitors"]
}

/** Dimensions whose list omits absent values. */
const onlyNamed = (dimension: Dimension): boolean => dimension.startsWith("visit:utm_")

/** The rows of a dimension, those that count most first. */
export const list = (
  scope: Scope,
  dimension: Dimension,
  options: { readonly limit: number; readonly search?: string; readonly isWhole?: boolean },
  now: number
): QueryBody => {
  const { include: _, ...query } = base(scope, now)
  const { isWhole = false, limit, search = "" } = options
  return {
    ...query,
    metrics: listMetrics(dimension, isWhole),
    dimensions: [dimension],
    filters: [
      ...(query.filters ?? []),
      ...(onlyNamed(dimension) ? ([["is_not", dimension, ["(not set)"]]] as const) : []),
      // Page views are in the list of pages.
      ...(dimension === "event:name" ? ([["is_not", dimension, ["pageview"]]] as const) : []),
      ...(search === "" ? [] : ([["contains", dimension, [search]]] as const))
    ],
    include: { total_rows: true },
    pagination: { limit }
  }
}
