/**
 * `delivery list`, `show`, `retry` and `replay`: the deliveries to a webhook and their attempts.
 *
 * @module
 */
import { Clock, Effect, type Layer, Option } from "effect"
import { Command, Flag } from "effect/cli"
import { Deliveries, deliveryStatuses, listSize, positionOf } from "../../delivery/Delivery.ts"
import * as Replay from "../../delivery/Replay.ts"
import { EventId } from "../../platform/Id.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as Inputs from "../support/Inputs.ts"
import * as Output from "../support/Output.ts"
import { webhookId } from "./Webhook.ts"

const eventId = Inputs.make(
  "event-id",
  Inputs.idKind(EventId),
  "<uuid>",
  "The event_id of a delivery (its webhook-id header)"
)

const status = Flag.Literals("status", deliveryStatuses).pipe(
  Flag.withDescription("Only deliveries with this status"),
  Flag.optional
)

const list = Command.make(
  "list",
  {
    webhookId,
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
  Effect.fnUntraced(function* ({ after, status, webhookId: id }) {
    const deliveries = yield* Deliveries
    const last = after === null ? Option.none() : yield* deliveries.show(id, after)
    if (after !== null && Option.isNone(last)) return yield* Output.notFound("delivery", after)
    const { items, next } = yield* deliveries.list({
      webhookId: id,
      status: Option.getOrUndefined(status),
      after: Option.getOrNull(Option.map(last, positionOf)),
      limit: listSize
    })
    const table = Output.table(
      ["EVENT_ID", "TYPE", "CREATED", "STATUS", "ATTEMPTS", "NEXT"],
      items.map((delivery) => [
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
      json: items,
      text: next === null ? table : `${table}Add --after ${next.id} for the next ones.\n`
    })
  })
).pipe(Command.withDescription("List the deliveries of a webhook, latest first, 100 at a time"))

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
      ["next_attempt", Output.time(found.value.next_attempt_at)],
      ["payload", payload ?? "deleted"]
    ]
    yield* Output.answer({
      json: found.value,
      text: `${Output.facts(facts)}\n${Output.table(
        ["ATTEMPTED", "STATUS", "MILLIS", "ANSWER OR ERROR"],
        history.map((attempt) => [
          Output.time(attempt.attempted_at),
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

const replay = Command.make(
  "replay",
  {
    webhookId,
    since: Flag.String("since").pipe(
      Flag.withMetavar("<time>"),
      Flag.withDescription(
        "Deliveries of events from this time on, such as 3d, 12h, 2026-01-31 or 2026-01-31T08:00:00Z"
      )
    ),
    status
  },
  Effect.fnUntraced(function* ({ since: text, status, webhookId: id }) {
    const now = yield* Clock.currentTimeMillis
    const since = yield* Effect.fromOption(Calendar.parseSince(text.trim(), now), () =>
      Inputs.wrong("since", "a time such as 3d, 12h, 30m, 2026-01-31 or 2026-01-31T08:00:00Z")
    )
    const count = yield* Deliveries.use((deliveries) =>
      deliveries.replay({ webhookId: id, since, status: Option.getOrUndefined(status) })
    )
    const counted =
      count === Replay.maxCount
        ? `${count} or more deliveries are`
        : count === 1
          ? "1 delivery is"
          : `${count} deliveries are`
    yield* Output.answer({
      json: { webhook_id: id, since: Calendar.iso(since), deliveries: count },
      text:
        count === 0
          ? "There are no such deliveries.\n"
          : `${counted} sent again, oldest first, or, if the webhook is disabled, once it is enabled.\n`
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

/** The command. `storage` is built only when a subcommand runs. */
export const command = <E, R>(storage: Layer.Layer<Deliveries, E, R>) =>
  Command.make("delivery").pipe(
    Command.withDescription("Deliveries to webhooks"),
    Command.withSubcommands([
      list.pipe(Command.provide(storage)),
      show.pipe(Command.provide(storage)),
      retry.pipe(Command.provide(storage)),
      replay.pipe(Command.provide(storage))
    ])
  )
