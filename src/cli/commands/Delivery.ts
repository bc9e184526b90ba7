/**
 * `delivery list`, `show`, `retry` and `replay`: the deliveries to a webhook and their attempts.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import { Command, Flag } from "effect/cli"
import * as Delivery from "../../delivery/Delivery.ts"
import { deliveryStatuses, listSize, positionOf } from "../../delivery/Delivery.ts"
import { EventId, type WebhookId } from "../../platform/Id.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Client from "../client/Client.ts"
import * as Websites from "../client/Websites.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import { ofWebhook, siteFlag, webhookId } from "./Webhook.ts"

const eventId = Inputs.make(
  "event-id",
  Inputs.idKind(EventId),
  "<uuid>",
  "The event_id of a delivery (its webhook-id header)"
)

const status = Inputs.optional(
  Flag.Literals("status", deliveryStatuses).pipe(Flag.withDescription("Only deliveries with this status"))
)

/** Reads a delivery of a webhook. */
const read = (flags: { readonly webhookId: WebhookId; readonly site: string | null }, event_id: EventId) =>
  ofWebhook({ ...flags, none: Output.notFound("delivery", event_id) }, (webhooks, params) =>
    webhooks.delivery({ params: { ...params, event_id } })
  )

const list = Command.make(
  "list",
  {
    webhookId,
    site: siteFlag,
    status,
    after: Inputs.optional(
      Inputs.make(
        "after",
        Inputs.idKind(EventId),
        "<uuid>",
        "Continue the list after this delivery: the event_id of the last one of an earlier list"
      )
    )
  },
  Effect.fnUntraced(function* ({ after, site, status, webhookId: id }) {
    const last = after === null ? null : yield* read({ webhookId: id, site }, after)
    const query = {
      limit: listSize,
      ...(status !== null && { status }),
      ...(last !== null && { cursor: positionOf(last) })
    }
    const listed = yield* Websites.withRecord("webhooks", { kind: "webhook", id, site }, (webhooks, { site_id }) =>
      webhooks.deliveries({ params: { site_id, webhook_id: id }, query })
    )
    const table = Output.table(
      ["EVENT_ID", "TYPE", "CREATED", "STATUS", "ATTEMPTS", "NEXT"],
      listed.deliveries.map((delivery) => [
        delivery.event_id,
        delivery.type,
        Output.time(delivery.created_at),
        delivery.status,
        String(delivery.attempts),
        Output.time(delivery.next_attempt_at)
      ]),
      "There are no such deliveries."
    )
    yield* Output.answer({
      json: listed,
      text:
        listed.next === null ? table : `${table}Add --after ${listed.deliveries.at(-1)?.event_id} for the next ones.\n`
    })
  })
).pipe(Command.withDescription("List the deliveries of a webhook, latest first, 100 at a time"))

const show = Command.make(
  "show",
  { webhookId, eventId, site: siteFlag },
  Effect.fnUntraced(function* ({ eventId: event, ...flags }) {
    const delivery = yield* read(flags, event)
    const { history, payload } = delivery
    const facts: ReadonlyArray<readonly [string, string]> = [
      ["event_id", event],
      ["type", delivery.type],
      ["status", delivery.status],
      ["next_attempt", Output.time(delivery.next_attempt_at)],
      ["payload", payload ?? "deleted"]
    ]
    yield* Output.answer({
      json: delivery,
      text: `${Output.facts(facts)}\n${Output.table(
        ["ATTEMPTED", "STATUS", "MILLIS", "ANSWER OR ERROR"],
        history.map((attempt) => [
          Output.time(attempt.attempted_at),
          attempt.status === null ? "none" : String(attempt.status),
          String(attempt.millis),
          attempt.error === null
            ? TerminalText.truncate(TerminalText.printable(attempt.answer ?? "-"), 60)
            : TerminalText.printable(attempt.error)
        ]),
        "The delivery has not been attempted yet."
      )}`
    })
  })
).pipe(Command.withDescription("Show a delivery with its payload and every attempt"))

const noPayload = new Output.CliFailure({
  message: "This delivery cannot be attempted again, because what its event contained was deleted."
})

const retry = Command.make(
  "retry",
  { webhookId, eventId, site: siteFlag },
  Effect.fnUntraced(function* ({ eventId: event, site, webhookId: id }) {
    const record = { kind: "webhook", id, site, none: Output.notFound("delivery", event) } as const
    yield* Websites.withRecord("webhooks", record, (webhooks, { site_id }) => {
      const params = { site_id, webhook_id: id, event_id: event }
      return webhooks.retry({ params }).pipe(
        // The delivery does not exist, or what its event contained does not.
        Effect.catchTag("NotFound", () => Effect.andThen(webhooks.delivery({ params }), Effect.fail(noPayload)))
      )
    })
    yield* Output.answer({
      json: { event_id: event, status: "pending" },
      text: `The delivery ${event} is attempted again now. If its webhook is disabled, it waits until the webhook is enabled.\n`
    })
  })
).pipe(Command.withDescription("Attempt a delivery again now, and restart its retry schedule"))

const replay = Command.make(
  "replay",
  {
    webhookId,
    site: siteFlag,
    since: Flag.String("since").pipe(
      Flag.withMetavar("<time>"),
      Flag.withDescription(
        "Deliveries of events from this time on, such as 3d, 12h, 2026-01-31 or 2026-01-31T08:00:00Z"
      )
    ),
    status
  },
  Effect.fnUntraced(function* ({ since: text, site, status, webhookId: id }) {
    const now = yield* Clock.currentTimeMillis
    const since = yield* Effect.fromOption(Calendar.parseSince(text.trim(), now), () =>
      Inputs.wrong("since", "a time such as 3d, 12h, 30m, 2026-01-31 or 2026-01-31T08:00:00Z")
    )
    const payload = { since: Calendar.iso(since), ...(status !== null && { status }) }
    const replayed = yield* Websites.withRecord("webhooks", { kind: "webhook", id, site }, (webhooks, { site_id }) =>
      webhooks.replay({ params: { site_id, webhook_id: id }, payload })
    )
    const count = replayed.deliveries
    const counted =
      count === Delivery.maxReplayed
        ? `${count} or more deliveries are`
        : count === 1
          ? "1 delivery is"
          : `${count} deliveries are`
    yield* Output.answer({
      json: replayed,
      text:
        count === 0
          ? "There are no such deliveries. Those that are being attempted now are left out.\n"
          : `${counted} sent again, oldest first. If the webhook is disabled, they wait until it is enabled.\n`
    })
  })
).pipe(
  Command.withDescription(
    "Send deliveries again that have ended or wait for a later attempt, each with the same event_id"
  ),
  Command.withExamples([
    {
      command: "hydracore delivery replay --webhook-id 0f8fad5b-d9cb-469f-a165-70867728950e --since 7d --status failed",
      description: "Send again what failed in the last seven days"
    }
  ])
)

export const command = Client.command("delivery", "Deliveries to webhooks", list, show, retry, replay)
