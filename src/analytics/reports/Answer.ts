/**
 * The answer to a query: the document that `POST /v1/owner/query` sends, in the shape of Plausible's Stats API v2. Types only.
 *
 * @module
 */
import type { Comparison, Dimension, FilterDimension, LocalDate, Metric, Operator } from "./Query.ts"

/** `short` and `long` are for people, such as `€1.2K` and `€1,234.50`. */
export interface RevenueTotal {
  readonly value: number
  readonly currency: string
  readonly short: string
  readonly long: string
}

/** Null only for a `total_revenue`: without revenue, or in more than one currency (see `Meta.metric_warnings`). */
export type MetricValue = number | RevenueTotal | null

/** The same row in the comparison's date range; for a time dimension, the row at the same position. */
export interface Compared<Value = MetricValue> {
  readonly dimensions: ReadonlyArray<string>
  readonly metrics: ReadonlyArray<Value>
  /**
   * The change of each metric: for rates in percentage points, for other metrics in per cent of the old value. Null if it
   * cannot be calculated. See `Counts.change`.
   */
  readonly change: ReadonlyArray<number | null>
}

export interface ResultRow<Value = MetricValue> {
  /** A value per dimension of the query, in the query's order. */
  readonly dimensions: ReadonlyArray<string>
  /** A value per metric of the query, in the query's order. */
  readonly metrics: ReadonlyArray<Value>
  /** Only if the query has a comparison. */
  readonly comparison?: Compared<Value>
}

export interface MetricWarning {
  readonly code: "no_single_revenue_currency"
  readonly warning: string
}

export interface Meta {
  /** The site's zone. All dates and hours are of this zone. */
  readonly time_zone: string
  /** How visitors and visits are counted, as sentences. */
  readonly definitions: ReadonlyArray<string>
  /** The number of rows without pagination. Only if the query includes it. */
  readonly total_rows?: number
  /** Every value of the time dimension in the date range. Only if the query includes it. */
  readonly time_labels?: ReadonlyArray<string>
  /** Those of `time_labels` whose time is not over yet: none, or that of now. */
  readonly partial_time_labels?: ReadonlyArray<string>
  readonly comparison_date_range?: readonly [first: LocalDate, last: LocalDate]
  readonly metric_warnings?: { readonly total_revenue: MetricWarning }
}

/** A filter as JSON. */
export type WireFilter =
  | readonly [operator: Operator, dimension: FilterDimension, values: ReadonlyArray<string>]
  | readonly [operator: "and" | "or", filters: ReadonlyArray<WireFilter>]
  | readonly [operator: "not", filter: WireFilter]

/** The query as it was executed, with its defaults. */
export interface ExecutedQuery {
  readonly site_id: string
  readonly metrics: ReadonlyArray<Metric>
  readonly date_range: readonly [first: LocalDate, last: LocalDate]
  readonly dimensions: ReadonlyArray<Dimension>
  readonly filters: ReadonlyArray<WireFilter>
  readonly order_by: ReadonlyArray<readonly [by: Metric | Dimension, direction: "asc" | "desc"]>
  readonly include: {
    readonly comparison?: Comparison
    readonly total_rows: boolean
    readonly time_labels: boolean
  }
  readonly pagination: { readonly limit: number; readonly offset: number }
}

export interface Answer<Value = MetricValue> {
  readonly results: ReadonlyArray<ResultRow<Value>>
  readonly meta: Meta
  readonly query: ExecutedQuery
}
