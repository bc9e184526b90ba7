/**
 * `delivery list`, `delivery show` and `delivery retry`: the deliveries to a webhook and their attempts.
 *
 * @module
 */
import { Effect, type Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { type Attempt, type Delivery, deliveryStatuses } from "../../core/delivery/Webhook.ts"
import * as Calendar from "../../core/text/Calendar.ts"
import * as TerminalText from "../../core/text/TerminalText.ts"
import { Deliveries } from "../../services/delivery/Deliveries.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import { webhookId } from "./Webhook.ts"

const eventId = Inputs.make("event-id", Inputs.uuidKind, "<uuid>", "The event_id of a delivery (its webhook-id header)")

const json = (delivery: Delivery) => ({
  event_id: delivery.eventId,
  webhook_id: delivery.webhookId,
  type: delivery.type,
  created_at: Calendar.iso(delivery.createdAt),
  status: delivery.status,
  attempts: delivery.attempts,
  next_attempt_at: Calendar.isoOrNull(delivery.nextAttemptAt)
})

const attemptJson = (attempt: Attempt) => ({
  attempted_at: Calendar.iso(attempt.attemptedAt),
  status: attempt.status,
  millis: attempt.millis,
  answer: attempt.answer,
  error: attempt.error
})

const list = Command.make(
  "list",
  {
    webhookId,
    status: Flag.Literals("status", deliveryStatuses).pipe(
      Flag.withDescription("Only deliveries with this status"),
      Flag.optional
    )
  },
  Effect.fnUntraced(function* ({ status, webhookId: id }) {
    const listed = yield* Deliveries.use((deliveries) => deliveries.list(id, Option.getOrUndefined(status)))
    yield* Output.answer({
      json: listed.map(json),
      text: Output.table(
        ["EVENT_ID", "TYPE", "CREATED", "STATUS", "ATTEMPTS", "NEXT"],
        listed.map((delivery) => [
          delivery.eventId,
          delivery.type,
          Output.moment(delivery.createdAt),
          delivery.status,
          String(delivery.attempts),
          Output.moment(delivery.nextAttemptAt)
        ]),
        "There are no such deliveries."
      )
    })
  })
).pipe(Command.withDescription("List the latest 100 deliveries of a webhook, latest first"))

const show = Command.make(
  "show",
  { webhookId, eventId },
  Effect.fnUntraced(function* ({ eventId: event, webhookId: id }) {
    const found = yield* Deliveries.use((deliveries) => deliveries.show(id, event))
    if (Option.isNone(found)) return yield* Output.notFound("delivery", event)
    const { history, payload } = found.value
    const facts: ReadonlyArray<readonly [string, string]> = [
      ["event_id", event],
      ["type", found.value.type],
      ["status", found.value.status],
      ["next_attempt", Output.moment(found.value.nextAttemptAt)],
      ["payload", payload ?? "deleted"]
    ]
    yield* Output.answer({
      json: { ...json(found.value), payload, history: history.map(attemptJson) },
      text: `${Output.facts(facts)}\n${Output.table(
        ["ATTEMPTED", "STATUS", "MILLIS", "ANSWER OR ERROR"],
        history.map((attempt) => [
          Output.moment(attempt.attemptedAt),
          attempt.status === null ? "none" : String(attempt.status),
          String(attempt.millis),
          TerminalText.truncate(TerminalText.printable(attempt.error ?? attempt.answer ?? "-"), 60)
        ]),
        "The delivery has not been attempted yet."
      )}`
    })
  })
).pipe(Command.withDescription("Show a delivery with its payload and every attempt"))

const retry = Command.make(
  "retry",
  { webhookId, eventId },
  Effect.fnUntraced(function* ({ eventId: event, webhookId: id }) {
    const deliveries = yield* Deliveries
    if (!(yield* deliveries.retry(id, event))) {
      return yield* Option.isNone(yield* deliveries.show(id, event))
        ? Output.notFound("delivery", event)
        : new Output.CliFailure({
            message: "This delivery cannot be attempted again, because what its event contained was deleted."
          })
    }
    yield* Output.answer({
      json: { event_id: event, status: "pending" },
      text: `The delivery ${event} is attempted again now or, if its webhook is disabled, once it is enabled.\n`
    })
  })
).pipe(Command.withDescription("Attempt a delivery again now, and restart its retry schedule"))

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(storage: Layer.Layer<Deliveries, E, R>) =>
  Command.make("delivery").pipe(
    Command.withDescription("Deliveries to webhooks"),
    Command.withSubcommands([
      list.pipe(Command.provide(storage)),
      show.pipe(Command.provide(storage)),
      retry.pipe(Command.provide(storage))
    ])
  )
