/**
 * The webhooks of a website, their deliveries, and what was sent about a submission.
 *
 * @module
 */
import { Option, Result, Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Field from "../platform/contract/Field.ts"
import { EventId, SubmissionId, WebhookId } from "../platform/Id.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Fields from "../sites/access/Fields.ts"
import * as Maximums from "../sites/Maximums.ts"
import { siteId } from "../sites/OwnerSitesApi.ts"
import * as Delivery from "./Delivery.ts"
import * as Event from "./Event.ts"
import { SubmissionMail } from "./mail/Notification.ts"
import * as Stored from "./Webhook.ts"

const base = "/v1/owner/sites/:site_id/webhooks"
const webhookPath = `${base}/:webhook_id`
const deliveriesPath = `${webhookPath}/deliveries`

const site = { site_id: siteId }
export const params = { ...site, webhook_id: Field.Id(WebhookId, { title: "Webhook Id" }) }
export const deliveryParams = { ...params, event_id: Field.Id(EventId, { title: "Event Id" }) }

const exampleWebhook: Stored.StoredWebhook = {
  webhook_id: WebhookId.make(Fields.exampleId),
  url: "https://hooks.example.com/leads",
  host: "hooks.example.com",
  events: ["submission.accepted"],
  format: "standard",
  created_at: Fields.exampleTime,
  failing_since: null,
  disabled_at: null
}

export const Webhook = Stored.Webhook.annotate({
  identifier: "Webhook",
  examples: [exampleWebhook]
})

export const Webhooks = Schema.Struct({ webhooks: Schema.Array(Webhook) }).annotate({
  identifier: "Webhooks",
  examples: [{ webhooks: [exampleWebhook] }]
})

const url = Fields.parsed(
  { type: "string", format: "uri", description: "Where the events are sent, on the public internet" },
  Stored.parseUrl,
  `${Stored.expectedUrl} is expected`
)

const events = Field.custom<ReadonlyArray<Event.Type>>(
  {
    type: "array",
    items: { type: "string", enum: Event.types },
    maxItems: Event.types.length,
    description: "The events to send; empty for all"
  },
  (input) => {
    if (!Array.isArray(input)) return Field.fail("list_type", "Input should be a valid list")
    const chosen = Event.types.filter((type) => input.includes(type))
    return input.length <= Event.types.length && chosen.length === new Set(input).size
      ? Result.succeed(chosen)
      : Field.fail("value_error", `Value error, these events are expected: ${Event.types.join(", ")}`)
  }
)

const format = Field.Choice(Stored.formats, { title: "Format" })

export const NewWebhook = Schema.Struct({
  url,
  events: Schema.optionalKey(events),
  format: Schema.optionalKey(format)
}).annotate({
  identifier: "NewWebhook",
  examples: [{ url: exampleWebhook.url, events: ["submission.accepted"] }]
})

export const WebhookChange = Schema.Struct({
  url: Schema.optionalKey(url),
  events: Schema.optionalKey(events),
  format: Schema.optionalKey(format),
  enabled: Schema.optionalKey(Fields.boolean("Enabled"))
}).annotate({ identifier: "WebhookChange", examples: [{ enabled: true }] })

export const WebhookSecret = Stored.WebhookSecret.annotate({
  identifier: "WebhookSecret",
  examples: [{ webhook_id: exampleWebhook.webhook_id, secret: `whsec_${"A".repeat(43)}=` }]
})

const exampleAttempt = { status: 204, millis: 48, answer: "", error: null }

export const WebhookTest = Stored.WebhookTest.annotate({
  identifier: "WebhookTest",
  examples: [{ event_id: EventId.make(Fields.exampleId), delivered: true, ...exampleAttempt }]
})

const exampleDelivery: Delivery.Delivery = {
  event_id: EventId.make(Fields.exampleId),
  webhook_id: exampleWebhook.webhook_id,
  type: "submission.accepted",
  submission_id: SubmissionId.make(Fields.exampleId),
  created_at: Fields.exampleTime,
  status: "delivered",
  attempts: 1,
  next_attempt_at: null
}

export const Deliveries = Schema.Struct({
  deliveries: Schema.Array(Delivery.Delivery),
  next: Fields.next
}).annotate({
  identifier: "Deliveries",
  examples: [{ deliveries: [exampleDelivery], next: null }]
})

/** Decoded to an ISO 8601 time in UTC. */
const since = Fields.parsed(
  {
    type: "string",
    format: "date-time",
    description: "The deliveries of events from this time on: an ISO 8601 time, or a date, which is its midnight in UTC"
  },
  (text) => Option.map(Calendar.parseTimestamp(text), Calendar.iso),
  "a time such as 2026-01-31 or 2026-01-31T08:00:00Z is expected"
)

const status = Fields.choice(Delivery.deliveryStatuses, { title: "Status" })

export const NewReplay = Schema.Struct({ since, status }).annotate({
  identifier: "NewReplay",
  examples: [{ since: Fields.exampleTime, status: "failed" }]
})

export const ReplayedDeliveries = Schema.Struct({
  deliveries: Schema.Int.annotate({
    description: `How many deliveries are sent again; ${Delivery.maxReplayed} if there are more`
  })
}).annotate({
  identifier: "ReplayedDeliveries",
  examples: [{ deliveries: 12 }]
})

export const DeliveryDetails = Delivery.DeliveryDetails.annotate({
  identifier: "DeliveryDetails",
  examples: [{ ...exampleDelivery, payload: "{}", history: [{ attempted_at: Fields.exampleTime, ...exampleAttempt }] }]
})

const describe = (identifier: string, summary: string, description: string) =>
  Authorized.operation({ identifier, summary, description })

export const list = HttpApiEndpoint.get("list", base, {
  params: site,
  success: Webhooks
})
  .middleware(Authorized.settings.read)
  .annotateMerge(
    describe("list_webhooks", "List webhooks", "The webhooks of a website, oldest first, without their secrets.")
  )

export const create = HttpApiEndpoint.post("create", base, {
  params: site,
  payload: NewWebhook,
  success: WebhookSecret
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "create_webhook",
      summary: "Create a webhook",
      description:
        "Sends a website's events to an address on the public internet. Only the command `hydracore webhook create` can name other addresses.",
      maximums: [Maximums.webhooks]
    })
  )

export const update = HttpApiEndpoint.patch("update", webhookPath, {
  params,
  payload: WebhookChange,
  success: Webhook
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    describe(
      "update_webhook",
      "Change a webhook",
      "Changes the given settings. With `enabled: false`, pending deliveries wait; `true` sends them and resets the record of failures, as a new URL does. Only the command line can change the URL of a webhook whose `host` is null."
    )
  )

export const remove = HttpApiEndpoint.delete("delete", webhookPath, {
  params,
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.settings.change)
  .annotateMerge(describe("delete_webhook", "Delete a webhook", "Deletes a webhook and its deliveries."))

export const rotate = HttpApiEndpoint.post("rotate", `${webhookPath}/rotate`, {
  params,
  success: WebhookSecret
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    describe(
      "rotate_webhook",
      "Make a new secret",
      "For 24 hours, the previous secret signs the events too. Only the command line can rotate the secret of a webhook whose `host` is null."
    )
  )

/** The limit of the operations that send events on request. */
const limited = `A website can have at most ${Stored.maxSends} tests, retries and replays an hour together; beyond that, a 429 says when the next one is possible.`

export const test = HttpApiEndpoint.post("test", `${webhookPath}/test`, {
  params,
  success: WebhookTest
})
  .middleware(Authorized.settings.change)
  .annotateMerge(describe("test_webhook", "Test a webhook", `Sends one event and returns the outcome. ${limited}`))

export const deliveries = HttpApiEndpoint.get("deliveries", deliveriesPath, {
  params,
  query: { status, cursor: Fields.cursor, limit: Fields.limit },
  success: Deliveries
})
  .middleware(Authorized.settings.read)
  .annotateMerge(describe("list_deliveries", "List deliveries", "The deliveries of a webhook, latest first."))

const replayPath = `${webhookPath}/replay`

export const countReplay = HttpApiEndpoint.get("countReplay", replayPath, {
  params,
  query: { since, status },
  success: ReplayedDeliveries
})
  .middleware(Authorized.settings.read)
  .annotateMerge(
    describe(
      "count_replay",
      "Count what a replay sends",
      "How many deliveries the replay with the same `since` and `status` would send again."
    )
  )

export const replay = HttpApiEndpoint.post("replay", replayPath, {
  params,
  payload: NewReplay,
  success: ReplayedDeliveries
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    describe(
      "replay_deliveries",
      "Send deliveries again",
      `Sends the deliveries again that have ended or wait for a later attempt, oldest first, each with the same event id. They are sent in the background; if the webhook is disabled, once it is enabled. ${limited}`
    )
  )

export const readDelivery = HttpApiEndpoint.get("delivery", `${deliveriesPath}/:event_id`, {
  params: deliveryParams,
  success: DeliveryDetails
})
  .middleware(Authorized.settings.read)
  .annotateMerge(describe("read_delivery", "Read a delivery", "A delivery with its payload and every attempt."))

export const retry = HttpApiEndpoint.post("retry", `${deliveriesPath}/:event_id/retry`, {
  params: deliveryParams,
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    describe(
      "retry_delivery",
      "Retry a delivery",
      `Attempts a delivery now, and if that fails, again on the whole schedule. If the webhook is disabled, the delivery waits until it is enabled. ${limited}`
    )
  )

export class WebhooksGroup extends HttpApiGroup.make("webhooks")
  .add(list, create, update, remove, rotate, test, deliveries, countReplay, replay, readDelivery, retry)
  .annotateMerge(OpenApi.annotations({ title: "Webhooks", description: "A website's events for programs" })) {}

export const SubmissionDeliveries = Schema.Struct({
  webhooks: Schema.Array(
    Schema.Struct({
      ...Delivery.Delivery.fields,
      host: Webhook.fields.host
    })
  ),
  mails: Schema.Array(SubmissionMail)
}).annotate({
  identifier: "SubmissionDeliveries",
  examples: [
    {
      webhooks: [],
      mails: [{ to: "owner@example.com", status: "sent", created_at: Fields.exampleTime, error: null }]
    }
  ]
})

export const ofSubmission = HttpApiEndpoint.get(
  "list",
  "/v1/owner/sites/:site_id/submissions/:submission_id/deliveries",
  {
    params: { site_id: siteId, submission_id: Field.Id(SubmissionId, { title: "Submission Id" }) },
    success: SubmissionDeliveries
  }
)
  .middleware(Authorized.inbox.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "submission_deliveries",
      summary: "List the deliveries of a submission",
      description: "The deliveries of a submission to webhooks and the mails about it, each with its state."
    })
  )

export class SubmissionDeliveriesGroup extends HttpApiGroup.make("submissionDeliveries")
  .add(ofSubmission)
  .annotateMerge(
    OpenApi.annotations({
      title: "Deliveries of submissions",
      description: "What was sent about a submission: events to webhooks, and mails"
    })
  ) {}
