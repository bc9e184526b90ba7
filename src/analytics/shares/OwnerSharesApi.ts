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
import * as Fault from "../../platform/contract/Fault.ts"
import * as Field from "../../platform/contract/Field.ts"
import { ShareId, WebsiteConfigId } from "../../platform/Id.ts"
import { Guest, SharedAuthentication, Validation } from "../../sites/access/AuthenticationApi.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Fields from "../../sites/access/Fields.ts"
import { Numbers, Share } from "../../sites/access/Share.ts"
import * as SharePassword from "../../sites/access/SharePassword.ts"
import * as Maximums from "../../sites/Maximums.ts"
import { siteId } from "../../sites/OwnerSitesApi.ts"
import { CoarseReport } from "../reports/OwnerReportsApi.ts"
import { QueryBody, queryOptions } from "../reports/QueryBody.ts"
import * as SmallCounts from "./SmallCounts.ts"

export const Shares = Schema.Struct({ shares: Schema.Array(Share) }).annotate({
  identifier: "Shares",
  examples: [
    {
      shares: [
        {
          share_id: ShareId.make(Fields.exampleId),
          label: "Agency",
          numbers: "protected",
          has_password: false,
          created_at: Fields.exampleTime,
          expires_at: null
        }
      ]
    }
  ]
})

const Password = Field.Text({ title: "Password", maxLength: SharePassword.maxLength }).check(
  Field.check(
    (text) => [...text].length >= SharePassword.minLength,
    Fault.value(`a password has at least ${SharePassword.minLength} characters`)
  )
)

export const NewShare = Schema.Struct({
  label: Schema.optionalKey(Fields.name("Label")),
  numbers: Schema.optionalKey(Numbers),
  password: Schema.optionalKey(Password),
  expires_at: Schema.optionalKey(Fields.expiry("When it expires, such as 2030-01-31; never if absent"))
}).annotate({ identifier: "NewShare", examples: [{ label: "Agency" }] })

export const CreatedShare = Schema.Struct({
  share_id: ShareId,
  path: Schema.String.annotate({
    description: "The dashboard's address, without the origin of the console. It is not shown again"
  }),
  expires_at: Fields.nullableTime
}).annotate({
  identifier: "CreatedShare",
  examples: [
    { share_id: ShareId.make(Fields.exampleId), path: `/console/#/share/hsh_${"A".repeat(43)}`, expires_at: null }
  ]
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
        "Creates a secret URL that shows the statistics of a website to anyone who has it, with protected or exact numbers, and if you like with a password.",
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
  time_zone: Schema.String.annotate({ description: "An IANA time zone. The dashboard counts days in it" }),
  numbers: Numbers
}).annotate({
  identifier: "SharedSite",
  examples: [{ site_id: Fields.exampleSiteId, name: "Shop", time_zone: "Europe/Berlin", numbers: "protected" }]
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

export const Unlocking = Schema.Struct({
  secret: Field.Text({
    title: "Secret",
    maxLength: 200,
    description: "What follows `#/share/` in the dashboard's URL"
  }),
  password: Field.Text({ title: "Password", maxLength: SharePassword.maxLength })
}).annotate({
  identifier: "Unlocking",
  examples: [{ secret: `hsh_${"A".repeat(43)}`, password: "eight or more characters" }]
})

export const unlock = HttpApiEndpoint.post("unlock", "/v1/owner/shared/password", {
  payload: Unlocking,
  success: HttpApiSchema.NoContent,
  error: [Errors.Unauthorized, Errors.Forbidden, Errors.NotFound]
})
  .middleware(Validation)
  .middleware(Guest)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "unlock_shared",
      summary: "Give a shared dashboard's password",
      description:
        "Sets a cookie with which the browser can read the dashboard for 30 days, or until it is revoked. 401 if no dashboard has the secret, 403 if the password is wrong. An IP address has 10 attempts an hour, and a dashboard 100; further ones get a 429."
    })
  )

export const query = HttpApiEndpoint.post("query", "/v1/owner/shared/query", {
  payload: QueryBody,
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
        "Answers a query in the form of `POST /v1/owner/query`, without revenue, properties, and dimensions that could identify a person. A dashboard with exact numbers has no other limits. Otherwise counts from 1 to 4 (and 0 if a filter counts towards the limit below) are `<5`, others are rounded to multiples of 5, and rates and changes are calculated from the rounded counts. `visit_duration` is rounded to 10 seconds.",
        "The query's `date_range` must be a period that ends today. The query has at most one dimension, and at most one filter, which has the operator `is` and one value. A filter on the query's dimension does not count towards this limit, because it only selects rows of the answer. With the metric `conversion_rate`, this exception applies only to a filter on `event:goal`. Rows with fewer than five visitors are left out, and comparisons count them as zero. Rows of a time dimension are left out only if the query has a filter that counts towards the limit.",
        "An answer with protected numbers changes at most once an hour, and has the first 1,000 rows at most. A website has at most 500 different answers an hour; further queries get a 429."
      ].join(" ")
    })
  )
  .annotateMerge(queryOptions)

export const SharedNow = Schema.Struct({
  visitors: Schema.Union([Schema.Int, Schema.Literal(SmallCounts.hidden)]).annotate({
    description:
      "The visitors of five minutes; if numbers are protected, counted once an hour: 0, `<5`, or rounded to a multiple of 5"
  })
}).annotate({ identifier: "SharedNow", examples: [{ visitors: "<5" }] })

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
      description: "The number of visitors of the last five minutes."
    })
  )

/** Each endpoint declares its own middleware, because that of the other groups would require a key or a session. */
export class SharedGroup extends HttpApiGroup.make("shared")
  .add(site, unlock, query, now)
  .annotateMerge(
    OpenApi.annotations({ title: "Shared", description: "What a shared dashboard shows to anyone with its address" })
  ) {}
