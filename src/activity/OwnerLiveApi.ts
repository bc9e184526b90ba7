/**
 * The live stream of a website's activity.
 *
 * @module
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { streamed } from "../platform/contract/OpenApi.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Examples from "../sites/access/Examples.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import type * as Activities from "./Activity.ts"
import * as Activity from "./OwnerActivityApi.ts"

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
  started_at: Examples.time,
  page: "/pricing",
  pageviews: 3,
  source: "newsletter",
  country: "NO",
  device: "mobile",
  browser: "Safari"
}

const example: LiveChange = { visitors: 1, visits: [visit], activity: [Activity.example] }

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
        "text/event-stream": `event: latest\ndata: ${JSON.stringify(example)}\n\n`
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
