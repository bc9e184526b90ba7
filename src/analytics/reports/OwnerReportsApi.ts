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
import * as Answer from "./Answer.ts"
import * as Assembly from "./Assembly.ts"
import { QueryBody, queryOptions } from "./QueryBody.ts"
import { EventProperty } from "./Reports.ts"

const CoarseValue = Schema.Union([...Answer.MetricValue.members, Schema.Literal(SmallCounts.hidden)]).annotate({
  identifier: "CoarseValue",
  description:
    "A count is 0, `<5`, or a number rounded to a multiple of 5. A rate or an average is calculated from such counts, and is null if one of them is `<5`"
})

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
export const Report: Schema.Codec<Answer.Answer, unknown> = Answer.schemaOf<Answer.MetricValue>(
  Answer.MetricValue
).annotate({
  identifier: "Report",
  examples: [{ ...exampleAnswer, results: [{ dimensions: ["newsletter"], metrics: [120, 340, 42] }] }]
})

/** A report without small counts; see `analytics/shares/SmallCounts`. */
export const CoarseReport: Schema.Codec<SmallCounts.CoarseAnswer, unknown> = Answer.schemaOf<SmallCounts.CoarseValue>(
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
