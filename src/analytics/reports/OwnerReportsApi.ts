/**
 * Statistics of a website.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import { reasons } from "../../platform/http/Decision.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Fields from "../../sites/access/Fields.ts"
import { siteId } from "../../sites/OwnerSitesApi.ts"
import * as SmallCounts from "../shares/SmallCounts.ts"
import type * as Answer from "./Answer.ts"
import * as Assembly from "./Assembly.ts"
import * as Query from "./Query.ts"
import { FilterList, QueryBody, queryOptions } from "./QueryBody.ts"
import { EventProperty } from "./Reports.ts"

const numbers = [
  Schema.Finite,
  Schema.Struct({
    value: Schema.Finite,
    currency: Schema.String,
    short: Schema.String,
    long: Schema.String
  }),
  Schema.Null
] as const

const MetricValue = Schema.Union(numbers).annotate({
  identifier: "MetricValue",
  description:
    "A number. `total_revenue` is an amount with its currency, or null if there is no revenue or it has several currencies"
})

const CoarseValue = Schema.Union([...numbers, Schema.Literal(SmallCounts.hidden)]).annotate({
  identifier: "CoarseValue",
  description:
    "A count is 0, `<5`, or a number rounded to a multiple of 5. A rate or an average is calculated from such counts, and is null if one of them is `<5`"
})

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

/** The schema of an answer whose metrics have values of the given schema. */
const reportOf = <Value>(value: Schema.Codec<Value>) => {
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

const exampleAnswer = {
  meta: { time_zone: "Europe/Berlin", definitions: Assembly.definitions },
  query: {
    site_id: Fields.exampleSiteId,
    metrics: ["visitors", "pageviews", "bounce_rate"],
    date_range: ["2026-10-27", "2026-11-25"],
    dimensions: ["visit:source"],
    filters: [],
    order_by: [["visitors", "desc"]],
    include: { total_rows: false, time_labels: false },
    pagination: { limit: 20, offset: 0 }
  }
} as const

/** The answer to a query; see `analytics/reports/Answer`. */
export const Report: Schema.Codec<Answer.Answer, unknown> = reportOf<Answer.MetricValue>(MetricValue).annotate({
  identifier: "Report",
  examples: [{ ...exampleAnswer, results: [{ dimensions: ["newsletter"], metrics: [120, 340, 42] }] }]
})

/** A report without small counts; see `analytics/shares/SmallCounts`. */
export const CoarseReport: Schema.Codec<SmallCounts.CoarseAnswer, unknown> = reportOf<SmallCounts.CoarseValue>(
  CoarseValue
).annotate({
  identifier: "CoarseReport",
  examples: [
    {
      ...exampleAnswer,
      results: [
        { dimensions: ["newsletter"], metrics: [120, 340, 40] },
        { dimensions: ["Direct / None"], metrics: [5, SmallCounts.hidden, null] }
      ]
    }
  ]
})

export const query = HttpApiEndpoint.post("query", "/v1/owner/query", {
  payload: QueryBody,
  success: Report,
  error: Errors.GatewayTimeout
})
  .middleware(Authorized.caller.stats.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "query",
      summary: "Query statistics",
      description:
        "The statistics of a website, in the shape of Plausible's Stats API v2. A query without dimensions has one row."
    })
  )
  .annotateMerge(queryOptions)

export const Now = Schema.Struct({
  visitors: Schema.Int.annotate({ description: "The visitors of the last five minutes" })
}).annotate({ identifier: "Now", examples: [{ visitors: 3 }] })

export const now = HttpApiEndpoint.get("now", "/v1/owner/sites/:site_id/now", {
  params: { site_id: siteId },
  success: Now,
  error: Errors.GatewayTimeout
})
  .middleware(Authorized.stats.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "site_now",
      summary: "Count the current visitors",
      description: "The number of visitors of the last five minutes."
    })
  )

export const Properties = Schema.Struct({ properties: Schema.Array(EventProperty) }).annotate({
  identifier: "Properties",
  examples: [{ properties: [{ event: "Purchase", property: "plan", events: 12 }] }]
})

export const properties = HttpApiEndpoint.get("properties", "/v1/owner/sites/:site_id/properties", {
  params: { site_id: siteId },
  success: Properties,
  error: Errors.GatewayTimeout
})
  .middleware(Authorized.stats.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_properties",
      summary: "List properties of events",
      description:
        "The properties of a website's latest events, the most frequent first: a query can have the dimension `event:props:NAME`. Reads at most 10,000 events of the last 91 days, and lists at most 200 properties."
    })
  )

export const NotCounted = Schema.Struct({
  reasons: Schema.Array(
    Schema.Struct({
      reason: Schema.Literals(reasons).annotate({ description: "As in the header `x-hydracore-decision`" }),
      requests: Schema.Int
    })
  ).annotate({ description: "The reasons that occurred, most frequent first" })
}).annotate({
  identifier: "NotCounted",
  examples: [{ reasons: [{ reason: "bot", requests: 12 }] }]
})

export const notCounted = HttpApiEndpoint.get("notCounted", "/v1/owner/sites/:site_id/not-counted", {
  params: { site_id: siteId },
  query: {
    from: Fields.date("The first day, in UTC; today if absent"),
    to: Fields.date("The last day, in UTC; today if absent")
  },
  success: NotCounted
})
  .middleware(Authorized.stats.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "not_counted",
      summary: "Count what was not counted",
      description: "How many page views, events and submissions of a website were not counted, by reason."
    })
  )

export class ReportsGroup extends HttpApiGroup.make("reports")
  .add(query, now, properties, notCounted)
  .annotateMerge(OpenApi.annotations({ title: "Reports", description: "Statistics of a website" })) {}
