/**
 * A query of a site's statistics: what to count (metrics), by what (dimensions), of which visits and events (filters), in
 * which days. The names are those of Plausible's Stats API v2. `QueryBody` decodes a `Request` from JSON, and
 * `DateRange.ts` resolves it to a `Query`. `Evaluate` defines the meaning. Without imports of Effect: the console loads it too.
 *
 * @module
 */
import * as Dimensions from "./Dimensions.ts"

export const metrics = [
  "visitors",
  "visits",
  "pageviews",
  "views_per_visit",
  "bounce_rate",
  "visit_duration",
  "events",
  "conversions",
  "conversion_rate",
  "group_conversion_rate",
  "total_revenue"
] as const

export type Metric = (typeof metrics)[number]

/** The maximums of a request. */
export const limits = {
  dimensions: 4,
  /** The maximum number of rows of an answer, which is also the default. */
  rows: 10_000,
  offset: 10_000_000,
  /** The days of a range that a request names: ten years. */
  days: 3_660,
  /** The days of a range that is counted by hour. The hours of so many days fit into the rows of an answer. */
  hourlyDays: 366,
  /** How deep `and`, `or` and `not` may be nested. */
  depth: 8,
  /** The number of conditions of a query. */
  conditions: 100,
  /** The number of values of a condition. */
  values: 100,
  /** The length of a value, in code points. Paths are the longest values. */
  value: 2_048,
  /** The length of the name of a property, in code points. */
  property: 300
} as const

/** Dimensions of a fact of a visit: a page view, an event or a conversion. */
export const eventDimensions = Dimensions.eventNames

/** Dimensions of a whole visit. */
export const visitDimensions = Dimensions.visitNames

/** Dimensions of the time at which a visit began, in the site's zone. No filter can use them. */
export const timeDimensions = ["time:hour", "time:day", "time:week", "time:month"] as const

/** A dimension `event:props:NAME` is the property NAME of an event. */
export const propertyPrefix = "event:props:"

export type VisitDimension = Dimensions.VisitName
export type TimeDimension = (typeof timeDimensions)[number]
export type EventDimension = Dimensions.EventName | `${typeof propertyPrefix}${string}`

/** A dimension that a filter can use. */
export type FilterDimension = EventDimension | VisitDimension

export type Dimension = FilterDimension | TimeDimension

export const isVisitDimension = (dimension: string): dimension is VisitDimension => dimension.startsWith("visit:")

export const isEventDimension = (dimension: string): boolean => dimension.startsWith("event:")

export const isTimeDimension = (dimension: string): dimension is TimeDimension => dimension.startsWith("time:")

/** `is` and `contains` match if any value matches, `is_not` and `contains_not` if none does. Letter case counts. */
export const operators = ["is", "is_not", "contains", "contains_not"] as const

export type Operator = (typeof operators)[number]

export interface Condition {
  readonly operator: Operator
  readonly dimension: FilterDimension
  /** At least one. */
  readonly values: ReadonlyArray<string>
}

export type Filter =
  | Condition
  /** At least one filter. */
  | { readonly operator: "and" | "or"; readonly filters: ReadonlyArray<Filter> }
  | { readonly operator: "not"; readonly filter: Filter }

/** A filter as JSON. */
export type WireFilter =
  | readonly [operator: Operator, dimension: FilterDimension, values: ReadonlyArray<string>]
  | readonly [operator: "and" | "or", filters: ReadonlyArray<WireFilter>]
  | readonly [operator: "not", filter: WireFilter]

export interface Order {
  /** A metric or dimension of the query. */
  readonly by: Metric | Dimension
  readonly direction: "asc" | "desc"
}

/**
 * `previous_period`: as many days, directly before. `year_over_year`: as many days, beginning a year earlier. If the last day is
 * today, the last day of the comparison counts until the same time of day only, unless the query is by hours.
 */
export const comparisons = ["previous_period", "year_over_year"] as const

export type Comparison = (typeof comparisons)[number]

/** All periods end today and include it, in the site's zone. */
export const periods = ["day", "7d", "28d", "30d", "91d", "month", "6mo", "12mo", "year", "all"] as const

export type Period = (typeof periods)[number]

/** A date of the site's zone, `YYYY-MM-DD`. */
export type LocalDate = string

/** The first and the last day, in the site's zone. `first` is null if the range begins with the site's first visit. */
export interface DateRange {
  readonly first: LocalDate | null
  readonly last: LocalDate
}

interface Parts {
  /** The websiteConfigId of the site, a canonical UUID. */
  readonly siteId: string
  /** At least one, each once. */
  readonly metrics: ReadonlyArray<Metric>
  /** Each once, at most one of them a time dimension. */
  readonly dimensions: ReadonlyArray<Dimension>
  /** All filters must match. */
  readonly filters: ReadonlyArray<Filter>
  /**
   * Never empty: the default is the time dimension, ascending, then the first metric, descending. Rows that are equal in all
   * of these are ordered by their dimensions, ascending. Texts are ordered by their code points.
   */
  readonly orderBy: ReadonlyArray<Order>
  readonly comparison: Comparison | null
  readonly includeTotalRows: boolean
  /** Only with a time dimension. */
  readonly includeTimeLabels: boolean
  readonly limit: number
  readonly offset: number
}

/** A query whose date range depends on the current time and the site's zone. */
export interface Request extends Parts {
  readonly dateRange: Period | (DateRange & { readonly first: LocalDate })
}

export interface Query extends Parts {
  readonly range: DateRange
  /** The site's zone, an IANA name. All dates and hours are of this zone. */
  readonly timeZone: string
  /** When the query was asked, in milliseconds since 1970: what is not over yet is compared as far as it is. Null: all is over. */
  readonly now: number | null
  /** Whether only the visits that began before `now` count. Default: all visits of the range. */
  readonly untilNow?: boolean
}
