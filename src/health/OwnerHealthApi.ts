/**
 * The problems of a website.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Examples from "../sites/access/Examples.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import * as CoreProblem from "./Problem.ts"

const at = Date.parse(Examples.time)

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

export const Health = Schema.Struct({
  problems: Schema.Array(CoreProblem.Problem).annotate({
    description: "The most urgent first; empty if nothing is wrong"
  })
}).annotate({ identifier: "Health", title: "Health", examples: [{ problems: example }] })

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

export class HealthGroup extends HttpApiGroup.make("health")
  .add(health)
  .annotateMerge(OpenApi.annotations({ title: "Health", description: "What is wrong with a website" })) {}
