/**
 * Shared dashboards: the secret URLs of a website's statistics, and the endpoints that such a URL gives access to.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../../platform/contract/Field.ts"
import { ShareId, WebsiteConfigId } from "../../platform/Id.ts"
import { SharedAuthentication } from "../../sites/access/AuthenticationApi.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Examples from "../../sites/access/Examples.ts"
import * as Fields from "../../sites/access/Fields.ts"
import { Share } from "../../sites/access/Share.ts"
import { Validation } from "../../sites/access/ValidationApi.ts"
import * as Maximums from "../../sites/Maximums.ts"
import { siteId } from "../../sites/OwnerSitesApi.ts"
import { CoarseReport } from "../reports/OwnerReportsApi.ts"
import { QueryBody, queryOptions, requestOf } from "../reports/QueryBody.ts"
import * as SharedQuery from "./SharedQuery.ts"
import * as SmallCounts from "./SmallCounts.ts"

export const Shares = Schema.Struct({ shares: Schema.Array(Share) }).annotate({
  identifier: "Shares",
  title: "Shares",
  examples: [
    { shares: [{ share_id: ShareId.make(Examples.id), label: "Agency", created_at: Examples.time, expires_at: null }] }
  ]
})

export const NewShare = Schema.Struct({
  label: Schema.optionalKey(Fields.name("Label")),
  expires_at: Schema.optionalKey(Fields.expiry("When it expires, such as 2030-01-31; never if absent"))
}).annotate({ identifier: "NewShare", title: "NewShare", examples: [{ label: "Agency" }] })

export const CreatedShare = Schema.Struct({
  share_id: ShareId,
  path: Schema.String.annotate({
    description: "The dashboard's address, without the origin of the console. It is not shown again"
  }),
  expires_at: Fields.nullableTime
}).annotate({
  identifier: "CreatedShare",
  title: "CreatedShare",
  examples: [{ share_id: ShareId.make(Examples.id), path: `/console/#/share/hsh_${"A".repeat(43)}`, expires_at: null }]
})

const ofSite = "/v1/owner/sites/:site_id/shares"

export const list = HttpApiEndpoint.get("list", ofSite, { params: { site_id: siteId }, success: Shares })
  .middleware(Authorized.settings.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_shares",
      summary: "List shared dashboards",
      description: "The shared dashboards of a website, oldest first, without their URLs."
    })
  )

export const create = HttpApiEndpoint.post("create", ofSite, {
  params: { site_id: siteId },
  payload: NewShare,
  success: CreatedShare
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "create_share",
      summary: "Share a dashboard",
      description:
        "Creates a secret URL that shows the statistics of a website to anyone who has it, without small counts.",
      maximums: [Maximums.shares]
    })
  )

export const revoke = HttpApiEndpoint.delete("revoke", `${ofSite}/:share_id`, {
  params: { site_id: siteId, share_id: Field.Id(ShareId, { title: "Share Id" }) },
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "revoke_share",
      summary: "Stop sharing a dashboard",
      description: "The URL stops working within a second, on every process."
    })
  )

export class SharesGroup extends HttpApiGroup.make("shares")
  .add(list, create, revoke)
  .annotateMerge(OpenApi.annotations({ title: "Shares", description: "The shared dashboards of a website" })) {}

export const SharedSite = Schema.Struct({
  site_id: WebsiteConfigId,
  name: Schema.String,
  time_zone: Schema.String.annotate({ description: "An IANA time zone. The dashboard counts days in it" })
}).annotate({
  identifier: "SharedSite",
  title: "SharedSite",
  examples: [{ site_id: Examples.siteId, name: "Shop", time_zone: "Europe/Berlin" }]
})

export const site = HttpApiEndpoint.get("site", "/v1/owner/shared", { success: SharedSite })
  .middleware(Validation)
  .middleware(SharedAuthentication)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "shared_site",
      summary: "Read a shared dashboard's website",
      description: "The website whose statistics the secret of the request shows."
    })
  )

/** A query of a shared dashboard, which shows no statistics that could single out a few visitors. */
export const SharedQueryBody = QueryBody.check(Field.rule((body: QueryBody) => SharedQuery.refuse(requestOf(body))))

export const query = HttpApiEndpoint.post("query", "/v1/owner/shared/query", {
  payload: SharedQueryBody,
  success: CoarseReport,
  error: Errors.GatewayTimeout
})
  .middleware(Validation)
  .middleware(SharedAuthentication)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "shared_query",
      summary: "Query a shared dashboard",
      description: [
        "Answers a query in the form of `POST /v1/owner/query`, but only with statistics that may be shown to anybody: counts from 1 to 4 (and 0 if a filter counts towards the limit below) are `<5`, others are rounded to multiples of 5, and rates and changes are calculated from the rounded counts. `visit_duration` is rounded to 10 seconds.",
        "The query's `date_range` must be a period that ends today. The query has at most one dimension, and at most one filter, which has the operator `is` and one value. A filter on the query's dimension does not count towards this limit, because it only selects rows of the answer. With the metric `conversion_rate`, this exception applies only to a filter on `event:goal`. Rows with fewer than five visitors are left out, and comparisons count them as zero. Rows of a time dimension are left out only if the query has a filter that counts towards the limit.",
        "An answer changes at most once an hour, and has the first 1,000 rows at most. A website has at most 500 different answers an hour; further queries get a 429."
      ].join(" ")
    })
  )
  .annotateMerge(queryOptions)

export const SharedNow = Schema.Struct({
  visitors: Schema.Union([Schema.Int, Schema.Literal(SmallCounts.hidden)]).annotate({
    description: "The visitors of five minutes, counted once an hour: 0, `<5`, or rounded to a multiple of 5"
  })
}).annotate({ identifier: "SharedNow", title: "SharedNow", examples: [{ visitors: "<5" }] })

export const now = HttpApiEndpoint.get("now", "/v1/owner/shared/now", {
  success: SharedNow,
  error: Errors.GatewayTimeout
})
  .middleware(Validation)
  .middleware(SharedAuthentication)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "shared_now",
      summary: "Count the current visitors of a shared dashboard's website",
      description: "The number of visitors of the last five minutes, without small counts."
    })
  )

/** Each endpoint declares its own middleware, because that of the other groups would require a key or a session. */
export class SharedGroup extends HttpApiGroup.make("shared")
  .add(site, query, now)
  .annotateMerge(
    OpenApi.annotations({ title: "Shared", description: "What a shared dashboard shows to anyone with its address" })
  ) {}
