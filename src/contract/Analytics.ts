/**
 * Page views.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Errors from "./Errors.ts"
import * as Headers from "./Headers.ts"
import { Validation } from "./Validation.ts"
import * as Wire from "./Wire.ts"

/** The body of a page view. */
export const PageViewPayload = Schema.Struct({
  site_id: Wire.Uuid({ title: "Site Id", description: "The public tracking token of the website" }),
  page_path: Wire.Text({ title: "Page Path", maxLength: 2048 }),
  device_type: Wire.OptionalText({ title: "Device Type" }),
  referrer: Wire.OptionalText({ title: "Referrer" }),
  screen_width: Wire.OptionalInteger({ title: "Screen Width" }),
  session_id: Wire.OptionalText({ title: "Session Id" })
}).annotate({
  identifier: "TrackAnalyticsRequest",
  title: "TrackAnalyticsRequest",
  examples: [
    {
      site_id: "3f0c2c1e-9c0b-4c57-8d55-6b6d0f6f7a10",
      page_path: "/tours",
      device_type: "desktop",
      referrer: "https://search.example/",
      screen_width: 1440,
      session_id: "b7d1c9"
    }
  ]
})

export type PageViewPayload = typeof PageViewPayload.Type

const stored = HttpApiSchema.NoContent.annotate({ description: "The page view is stored" })

export const track = HttpApiEndpoint.post("track", "/v1/public/analytics/track", {
  payload: [PageViewPayload, Wire.asBeacon(PageViewPayload)],
  success: HttpApiSchema.WithHeaders(stored, { ...Headers.rateLimit, ...Headers.decision }),
  error: [...Errors.common, Errors.Forbidden, Errors.NotFound, Errors.TooManyRequests, Errors.ServiceUnavailable]
})
  .middleware(Validation)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "track_analytics",
      summary: "Track Analytics",
      description:
        "Record a page view event from a published website. Limited to 100 events a minute per IP. `site_id` is the public `tracking_token`; the server resolves it to the `hosted_website_id`."
    })
  )

export class AnalyticsGroup extends HttpApiGroup.make("analytics")
  .add(track)
  .annotateMerge(OpenApi.annotations({ title: "Analytics", description: "Page views of published websites" })) {}
