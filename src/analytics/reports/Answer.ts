/**
 * The answer to a query: the document that `POST /v1/owner/query` sends, in the shape of Plausible's Stats API v2.
 *
 * @module
 */
import { Schema } from "effect"
import * as Query from "./Query.ts"
import { FilterList } from "./QueryBody.ts"

/** `short` and `long` are for people, such as `€1.2K` and `€1,234.50`. */
const RevenueTotal = Schema.Struct({
  value: Schema.Finite,
  currency: Schema.String,
  short: Schema.String,
  long: Schema.String
})

export type RevenueTotal = typeof RevenueTotal.Type

export const MetricValue = Schema.Union([Schema.Finite, RevenueTotal, Schema.Null]).annotate({
  identifier: "MetricValue",
  description:
    "A number. `total_revenue` is an amount with its currency, or null if there is no revenue or it has several currencies"
})

export type MetricValue = typeof MetricValue.Type

const DatePair = Schema.Tuple([Schema.String, Schema.String])

/** A dimension of visits, events or time, or `event:props:NAME`. */
const Dimension = Schema.String as unknown as Schema.Codec<Query.Dimension, string>

const Meta = Schema.Struct({
  time_zone: Schema.String.annotate({ description: "The website's time zone, in which all dates and hours are given" }),
  definitions: Schema.Array(Schema.String).annotate({ description: "How visitors and visits are counted" }),
  total_rows: Schema.optionalKey(Schema.Int.annotate({ description: "The number of rows without pagination" })),
  time_labels: Schema.optionalKey(
    Schema.Array(Schema.String).annotate({ description: "Every value of the time dimension in the date range" })
  ),
  partial_time_labels: Schema.optionalKey(
    Schema.Array(Schema.String).annotate({
      description: "Those of `time_labels` whose time is not over yet, such as today"
    })
  ),
  comparison_date_range: Schema.optionalKey(
    DatePair.annotate({
      description:
        "The days of the comparison. If the date range ends today, the last of them counts the visits that began before the same time of day, unless the query is by `time:hour`"
    })
  ),
  metric_warnings: Schema.optionalKey(
    Schema.Struct({
      total_revenue: Schema.Struct({ code: Schema.Literal("no_single_revenue_currency"), warning: Schema.String })
    })
  )
})

export type Meta = typeof Meta.Type

const ExecutedQuery = Schema.Struct({
  site_id: Schema.String,
  metrics: Schema.Array(Schema.Literals(Query.metrics)),
  date_range: DatePair,
  dimensions: Schema.Array(Dimension),
  filters: FilterList,
  order_by: Schema.Array(
    Schema.Tuple([Schema.Union([Schema.Literals(Query.metrics), Dimension]), Schema.Literals(["asc", "desc"])])
  ),
  include: Schema.Struct({
    comparison: Schema.optionalKey(Schema.Literals(Query.comparisons)),
    total_rows: Schema.Boolean,
    time_labels: Schema.Boolean
  }),
  pagination: Schema.Struct({ limit: Schema.Int, offset: Schema.Int })
}).annotate({ description: "The query as it was executed, with its defaults" })

export type ExecutedQuery = typeof ExecutedQuery.Type

/** The schema of an answer whose metrics have values of the given schema. */
export const schemaOf = <Value>(value: Schema.Codec<Value>) => {
  const values = {
    dimensions: Schema.Array(Schema.String).annotate({
      description: "A value per dimension of the query, in the query's order"
    }),
    metrics: Schema.Array(value).annotate({ description: "A value per metric of the query, in the query's order" })
  }
  return Schema.Struct({
    results: Schema.Array(
      Schema.Struct({
        ...values,
        comparison: Schema.optionalKey(
          Schema.Struct({
            ...values,
            change: Schema.Array(Schema.NullOr(Schema.Finite)).annotate({
              description: "The change of each metric in percent; of a rate, in percentage points"
            })
          }).annotate({ description: "The same row in the comparison's date range" })
        )
      })
    ),
    meta: Meta,
    query: ExecutedQuery
  })
}

export type Answer<Value = MetricValue> = ReturnType<typeof schemaOf<Value>>["Type"]

export type ResultRow<Value = MetricValue> = Answer<Value>["results"][number]

/**
 * The same row in the comparison's date range; for a time dimension, the row at the same position. A change is null if it cannot be
 * calculated; see `Counts.change`.
 */
export type Compared<Value = MetricValue> = NonNullable<ResultRow<Value>["comparison"]>
