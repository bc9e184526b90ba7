/**
 * The latest activity of a website, its live stream, and how many of its requests were not counted, by reason.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { streamed } from "../platform/contract/OpenApi.ts"
import { reasons } from "../platform/http/Decision.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Fields from "../sites/access/Fields.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import * as Activities from "./Activity.ts"

const params = { site_id: siteId }

/** A page view, for examples. */
export const example = {
  type: "pageview",
  received_at: Fields.exampleTime,
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

/** A visit that is on the website now: its last page view or event is of the last five minutes. */
export interface LiveVisit {
  /** The same in all events of a stream, but not in those of another process. Says nothing about the visitor. */
  readonly key: string
  readonly started_at: string
  /** The path of the last page view or event. */
  readonly page: string
  /** The number of page views so far. */
  readonly pageviews: number
  /** The `utm_source` of the visit, else its referrer's host. */
  readonly source: string | null
  readonly country: string | null
  readonly device: string | null
  readonly browser: string | null
}

/** The data of each event of the stream, as JSON. */
export interface LiveChange {
  /** The visitors of the last five minutes. */
  readonly visitors: number
  /** All that are on the website now, at most fifty, those that began last first. */
  readonly visits: ReadonlyArray<LiveVisit>
  /** Latest first. */
  readonly activity: ReadonlyArray<Activities.Activity>
}

const visit: LiveVisit = {
  key: "5b0c6f048d3c4c5c",
  started_at: Fields.exampleTime,
  page: "/pricing",
  pageviews: 3,
  source: "newsletter",
  country: "NO",
  device: "mobile",
  browser: "Safari"
}

const exampleChange: LiveChange = { visitors: 1, visits: [visit], activity: [example] }

export const follow = HttpApiEndpoint.get("follow", "/v1/owner/sites/:site_id/live", {
  params: { site_id: siteId },
  success: HttpApiSchema.StreamUint8Array({ contentType: "text/event-stream" }),
  error: Errors.GatewayTimeout
})
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "follow_site",
      transform: streamed("The server-sent events", {
        "text/event-stream": `event: latest\ndata: ${JSON.stringify(exampleChange)}\n\n`
      }),
      summary: "Follow the live activity",
      description: [
        "Server-sent events about a website's visits and activities: page views, events, submissions and new conversations, without what identifies a visitor.",
        'The data of each server-sent event is JSON, `{"visitors": …, "visits": […], "activity": […]}`. `visits` has the visits with a page view or event in the last five minutes, at most fifty, those that began last first: `key`, `started_at`, `page` (the last one), `pageviews`, `source`, `country`, `device` and `browser`. A visit keeps its `key` within a stream; the key says nothing about the visitor. The activities have the form of `GET /v1/owner/sites/{site_id}/activity`, latest first. The first server-sent event is `latest`, with the latest fifty activities of each type; each later one is `change`, with those that arrived since. A comment is sent every five seconds.',
        "The stream ends when the key or the session does. A key or a session has at most four streams at once."
      ].join(" ")
    })
  )

export class LiveGroup extends HttpApiGroup.make("live")
  .add(follow)
  .annotateMerge(OpenApi.annotations({ title: "Live", description: "The live activity of a website" })) {}
