/**
 * Page views and events.
 *
 * @module
 */

import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Errors from "../platform/contract/Errors.ts"
import { Validation } from "../platform/contract/Errors.ts"
import * as Fault from "../platform/contract/Fault.ts"
import * as Field from "../platform/contract/Field.ts"
import * as Headers from "../platform/contract/Headers.ts"
import type { Received } from "../platform/contract/Received.ts"
import { TrackingToken } from "../platform/Id.ts"
import { limits, pageviewName } from "./EventLimits.ts"

/** The name of an event. It cannot be the name of page views, so that reports by `event:name` do not mix the two. */
export const Name = Schema.String.check(
  Field.check<string>(
    (name) => name !== pageviewName,
    Fault.value(
      `${pageviewName} is the name of page views; send these to /v1/public/analytics/track, or choose another name`
    ),
    { not: { const: pageviewName } }
  ),
  Field.isWellFormed,
  Field.isNotEmpty,
  Field.isAtMost(limits.name)
).annotate({ title: "Name" })

const Amount = Schema.Finite.annotate(Fault.annotation(Fault.notFinite))

/** The fault of a property's name. */
const ofName = (fault: Fault.Fault): Fault.Fault => ({ ...fault, path: ["[key]"] })

/** A text that is decoded to a checked text, because a record ignores the keys that its key's own type refuses. */
const PropertyName = Schema.String.pipe(
  Schema.decodeTo(
    Schema.String.check(
      Field.check<string>((name) => name.isWellFormed(), ofName(Fault.notUnicode)),
      Field.check<string>((name) => name !== "", ofName(Fault.tooShort)),
      Field.check<string>(
        (name) => !Field.hasMoreCodePointsThan(name, limits.propertyName),
        ofName(Fault.tooLong(limits.propertyName))
      )
    )
  )
)

const PropertyValue = Schema.Union([
  Schema.String.check(Field.isWellFormed, Field.isAtMost(limits.propertyValue)),
  Amount,
  Schema.Boolean
]).annotate(Fault.annotation(Fault.value("a property is a text, a number or a boolean")))

const tooMany = (properties: object) => {
  const count = Object.keys(properties).length
  return count > limits.properties ? Fault.issue(Fault.tooManyProperties(limits.properties, count)) : undefined
}

/** Texts, numbers and booleans by name. */
export const Properties = Field.optional(
  Schema.Record(PropertyName, PropertyValue).check(
    Schema.makeFilter(tooMany, {
      toJsonSchema: () => ({
        maxProperties: limits.properties,
        propertyNames: { type: "string", minLength: 1, maxLength: limits.propertyName }
      })
    })
  ),
  { title: "Properties" }
)

const currency: Fault.Fault = Fault.value("a currency has the three letters of ISO 4217, such as EUR")

/** An amount in the currency's main unit. The amount is stored in thousandths. */
export const Revenue = Field.optional(
  Schema.Struct({
    currency: Schema.String.annotate({ ...Fault.annotation(currency), description: "ISO 4217" }).check(
      Field.check<string>((code) => /^[a-z]{3}$/i.test(code), currency, { pattern: "^[A-Za-z]{3}$" })
    ),
    amount: Amount.check(
      Field.check<number>(
        (amount) => Math.abs(amount) < limits.amount,
        Fault.value(`an amount is between -${limits.amount} and ${limits.amount}`),
        { exclusiveMinimum: -limits.amount, exclusiveMaximum: limits.amount }
      )
    )
  }),
  { title: "Revenue" }
)

/** The body of a page view. */
export const PageViewPayload = Schema.Struct({
  site_id: Field.Id(TrackingToken, { title: "Site Id", description: "The public tracking token of the website" }),
  page_path: Field.Text({ title: "Page Path", maxLength: 2048 }),
  device_type: Field.OptionalText({ title: "Device Type" }),
  referrer: Field.OptionalText({ title: "Referrer" }),
  screen_width: Field.OptionalInteger({ title: "Screen Width" }),
  session_id: Field.OptionalText({ title: "Session Id" })
}).annotate({
  identifier: "TrackAnalyticsRequest",
  examples: [
    {
      site_id: TrackingToken.make("3f0c2c1e-9c0b-4c57-8d55-6b6d0f6f7a10"),
      page_path: "/tours",
      device_type: "desktop",
      referrer: "https://search.example/",
      screen_width: 1440,
      session_id: "b7d1c9"
    }
  ]
})

export type PageViewPayload = typeof PageViewPayload.Type

/** The body of an event. */
export const EventPayload = Schema.Struct({
  site_id: Field.Id(TrackingToken, { title: "Site Id", description: "The public tracking token of the website" }),
  name: Name,
  page_path: Field.Text({ title: "Page Path", maxLength: 2048 }),
  session_id: Field.OptionalText({ title: "Session Id" }),
  properties: Properties,
  revenue: Revenue,
  interactive: Field.OptionalBoolean({
    title: "Interactive",
    description: "Whether the event keeps a visit with one page view from being a bounce; the default is true"
  })
}).annotate({
  identifier: "TrackEventRequest",
  examples: [
    {
      site_id: TrackingToken.make("3f0c2c1e-9c0b-4c57-8d55-6b6d0f6f7a10"),
      name: "Booking",
      page_path: "/tours",
      session_id: "b7d1c9",
      properties: { tour: "First strokes", people: 2 },
      revenue: { currency: "EUR", amount: 150 }
    }
  ]
})

export type EventPayload = typeof EventPayload.Type

/** Reads the body, and says in each response whether the request was counted. */
export class Counted extends HttpApiMiddleware.Service<Counted, { provides: Received }>()(
  "hydracore/analytics/Counted"
) {}

const limited = { ...Headers.rateLimit, ...Headers.decision }

const stored = HttpApiSchema.NoContent.annotate({ description: "The page view is stored" })

const storedEvent = HttpApiSchema.NoContent.annotate({ description: "The event is stored" })

const errors = [
  ...Errors.common,
  Errors.Forbidden,
  Errors.NotFound,
  Errors.TooManyRequests,
  Errors.ServiceUnavailable
] as const

const pageView = {
  payload: [PageViewPayload, Field.asBeacon(PageViewPayload)],
  success: HttpApiSchema.WithHeaders(stored, limited),
  error: errors
} as const

export const track = HttpApiEndpoint.post("track", "/v1/public/analytics/track", pageView)
  .middleware(Validation)
  .middleware(Counted)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "track_analytics",
      summary: "Track Analytics",
      description:
        "Record a page view event from a published website. Limited to 100 events a minute per IP. `site_id` is the public `tracking_token`; the server resolves it to the `hosted_website_id`."
    })
  )

export const view = HttpApiEndpoint.post("view", "/v1/public/view", pageView)
  .middleware(Validation)
  .middleware(Counted)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "track_view",
      summary: "Track View",
      description:
        "The same as `/v1/public/analytics/track`, for visitors whose filter lists block the word analytics. Both share one limit."
    })
  )

export const event = HttpApiEndpoint.post("event", "/v1/public/analytics/event", {
  payload: [EventPayload, Field.asBeacon(EventPayload)],
  success: HttpApiSchema.WithHeaders(storedEvent, limited),
  error: errors
})
  .middleware(Validation)
  .middleware(Counted)
  .annotateMerge(
    OpenApi.annotations({
      identifier: "track_event",
      summary: "Track Event",
      description:
        "Record an event other than a page view, such as a signup. Shares the limit of page views. A bot's event is not stored, and is counted under the decision `bot`."
    })
  )

export class AnalyticsGroup extends HttpApiGroup.make("analytics")
  .add(track, view, event)
  .annotateMerge(
    OpenApi.annotations({ title: "Analytics", description: "Page views and events of published websites" })
  ) {}
