/**
 * The live stream of a website's activity.
 *
 * @module
 */
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Errors from "./Errors.ts"
import type { Activity } from "./SetUp.ts"
import { siteId } from "./Sites.ts"

/** The data of each event of the stream, as JSON. */
export interface LiveChange {
  /** The visitors of the last five minutes. */
  readonly visitors: number
  /** Latest first. */
  readonly activity: (typeof Activity.Type)["activity"]
}

export const follow = HttpApiEndpoint.get("follow", "/v1/owner/sites/:site_id/live", {
  params: { site_id: siteId },
  success: HttpApiSchema.StreamUint8Array({ contentType: "text/event-stream" }),
  error: [Errors.NotFound, Errors.GatewayTimeout]
}).annotateMerge(
  OpenApi.annotations({
    identifier: "follow_site",
    summary: "Follow the live activity",
    description: [
      "Server-sent events about a website: page views, events, submissions and conversations that begin, without what identifies a visitor.",
      'The data of each is JSON, `{"visitors": …, "activity": […]}`, with activities as of `GET /v1/owner/sites/{site_id}/activity`, latest first. The first event is `latest`, with the latest fifty; each later one is `change`, with what arrived since. A comment follows every five seconds.',
      "The stream ends when the key or the session does. At most four run at once for each. Scope `read`."
    ].join(" ")
  })
)

export class LiveGroup extends HttpApiGroup.make("live")
  .add(follow)
  .annotateMerge(OpenApi.annotations({ title: "Live", description: "The live activity of a website" })) {}
