/**
 * The latest activity of a website, and how many of its requests were not counted, by reason.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as OpenApi from "effect/http-api/OpenApi"
import { reasons } from "../platform/http/Decision.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Examples from "../sites/access/Examples.ts"
import * as Fields from "../sites/access/Fields.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import * as Activities from "./Activity.ts"

const params = { site_id: siteId }

/** A page view, for examples. */
export const example = {
  type: "pageview",
  received_at: Examples.time,
  path: "/pricing",
  country: "NO",
  device: "mobile",
  browser: "Safari",
  source: "newsletter"
} as const

export const Activity = Schema.Struct({
  activity: Schema.Array(Activities.Activity)
}).annotate({
  identifier: "Activity",
  title: "Activity",
  examples: [{ activity: [example] }]
})

export const activity = HttpApiEndpoint.get("activity", "/v1/owner/sites/:site_id/activity", {
  params,
  query: { limit: Fields.limit },
  success: Activity
})
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "site_activity",
      summary: "List the latest activity",
      description:
        "The latest activities of a website, latest first: counted page views, events, submissions and new conversations."
    })
  )

export const Decisions = Schema.Struct({
  from: Schema.String.annotate({ format: "date" }),
  to: Schema.String.annotate({ format: "date" }),
  reasons: Schema.Array(Schema.Struct({ reason: Schema.Literals(reasons), count: Schema.Int })).annotate({
    description: "How many requests were not counted for each reason, the most frequent reason first"
  })
}).annotate({
  identifier: "Decisions",
  title: "Decisions",
  examples: [{ from: "2026-11-01", to: "2026-11-07", reasons: [{ reason: "foreign-origin", count: 40 }] }]
})

export const decisions = HttpApiEndpoint.get("decisions", "/v1/owner/sites/:site_id/decisions", {
  params,
  query: {
    from: Fields.date("The first day, in UTC; six days before `to` if absent"),
    to: Fields.date("The last day, in UTC; today if absent")
  },
  success: Decisions
})
  .middleware(Authorized.stats.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "site_decisions",
      summary: "Read why requests were not counted",
      description: "How many of a website's requests were not counted, by reason."
    })
  )

export class ActivityGroup extends HttpApiGroup.make("activity")
  .add(activity, decisions)
  .annotateMerge(
    OpenApi.annotations({ title: "Activity", description: "What happens on a website, and what is not counted" })
  ) {}
