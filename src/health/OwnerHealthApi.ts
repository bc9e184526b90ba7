/**
 * The problems of one website, and of all.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Fields from "../sites/access/Fields.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import { SiteDetails } from "../sites/Site.ts"
import * as CoreProblem from "./Problem.ts"

const at = Date.parse(Fields.exampleTime)

const example = CoreProblem.problemsOf(
  [
    {
      _tag: "RefusedOrigin",
      origin: "https://shop.example.com",
      instanceId: null,
      times: 42,
      since: at - 3_600_000,
      lastAt: at
    }
  ],
  at
)

const problems = Schema.Array(CoreProblem.Problem).annotate({
  description: "The most urgent first; empty if nothing is wrong"
})

export const Health = Schema.Struct({ problems }).annotate({
  identifier: "Health",
  examples: [{ problems: example }]
})

export const health = HttpApiEndpoint.get("health", "/v1/owner/sites/:site_id/health", {
  params: { site_id: siteId },
  success: Health,
  error: Errors.GatewayTimeout
})
  .middleware(Authorized.stats.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "site_health",
      summary: "List the problems of a website",
      description:
        "What is wrong with a website now, from what is stored: agents, webhooks and mails that fail, refused origins, rules that refuse many submissions, a tag that is silent, used tokens and limits. Each problem says since when, how often, and the next step. What has the problem is named to callers who may read settings."
    })
  )

const { name, site_id } = SiteDetails.fields

export const HealthOfSites = Schema.Struct({
  sites: Schema.Array(Schema.Struct({ site_id, name, problems })),
  next: Fields.next
}).annotate({
  identifier: "HealthOfSites",
  examples: [{ sites: [{ site_id: Fields.exampleSiteId, name: "Shop", problems: example }], next: null }]
})

export const healthOfSites = HttpApiEndpoint.get("healthOfSites", "/v1/owner/health", {
  query: {
    with_problems: Fields.choice(["true"], {
      title: "With Problems",
      description: "Only websites with a problem; absent for all"
    }),
    cursor: Fields.cursor,
    limit: Fields.limit
  },
  success: HealthOfSites,
  error: [Errors.TooManyRequests, Errors.GatewayTimeout]
})
  .middleware(Authorized.caller.stats.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_health",
      summary: "List the problems of all websites",
      description:
        "The websites that the key or the session of the request reaches, each with its problems, oldest website first. With `with_problems`, a request checks 1,000 websites at most, so a part may be empty and have a `next`."
    })
  )

export class HealthGroup extends HttpApiGroup.make("health")
  .add(health, healthOfSites)
  .annotateMerge(OpenApi.annotations({ title: "Health", description: "What is wrong with websites" })) {}
