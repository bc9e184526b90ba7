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
import { siteId } from "../sites/OwnerSitesApi.ts"
import type * as Activities from "./Activity.ts"
import * as Activity from "./OwnerActivityApi.ts"

/** The data of each event of the stream, as JSON. */
export interface LiveChange {
  /** The visitors of the last five minutes. */
  readonly visitors: number
  /** Latest first. */
  readonly activity: ReadonlyArray<Activities.Activity>
}

const example: LiveChange = { visitors: 2, activity: [Activity.example] }

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
        "Server-sent events about a website's activities: page views, events, submissions and new conversations, without what identifies a visitor.",
        'The data of each server-sent event is JSON, `{"visitors": …, "activity": […]}`, with activities in the form of `GET /v1/owner/sites/{site_id}/activity`, latest first. The first server-sent event is `latest`, with the latest fifty activities; each later one is `change`, with those that arrived since. A comment is sent every five seconds.',
        "The stream ends when the key or the session does. A key or a session has at most four streams at once."
      ].join(" ")
    })
  )

export class LiveGroup extends HttpApiGroup.make("live")
  .add(follow)
  .annotateMerge(OpenApi.annotations({ title: "Live", description: "The live activity of a website" })) {}
