/**
 * Delivers events while the process runs: turns them into deliveries, leases what is due, sends it and records what came of it.
 *
 * It polls, so that it needs no session of the database, and any number of processes may do the same. `Slots` divides the
 * attempts of a process among the webhooks, so that one that hangs delays no other.
 *
 * @module
 */
import { Cause, Clock, Duration, Effect, Exit, FiberSet, Layer, Random } from "effect"
import * as Schedule from "../core/delivery/Schedule.ts"
import * as Slots from "../core/delivery/Slots.ts"
import type { Leased, Webhook } from "../core/delivery/Webhook.ts"
import { Deliveries } from "../services/delivery/Deliveries.ts"
import type { OutwardClient } from "./OutwardClient.ts"
import * as WebhookSender from "./WebhookSender.ts"

/** The time between two looks at the database while nothing is due. */
const pollInterval = Duration.millis(500)

/** The time between two looks while a webhook's slots are in use. */
const busyInterval = Duration.millis(20)

/** After an error of the database. */
const pause = Duration.seconds(1)

const keyError = "the webhook's secret cannot be decrypted; check SECRETS_KEY"

/** Attempts a delivery and records what came of it. */
export const attempt = Effect.fnUntraced(function* (leased: Leased) {
  const deliveries = yield* Deliveries
  const { secrets, webhook } = leased
  const attemptedAt = yield* Clock.currentTimeMillis
  const response =
    secrets.length === 0
      ? { status: null, retryAfter: null, millis: 0, answer: null, error: keyError }
      : yield* WebhookSender.send(webhook, secrets, leased.eventId, leased.payload)
  const now = yield* Clock.currentTimeMillis
  const { answer, error, millis, status } = response
  yield* deliveries.settle(leased, {
    attempt: { attemptedAt, status, millis, answer, error },
    next: Schedule.next(response, leased.attempt, now, yield* Random.next),
    // An unusable key is the operator's fault, not the receiver's.
    health: secrets.length === 0 ? webhook : Schedule.healthAfter(webhook, response, now)
  })
})

/** Runs until the scope closes. What is in hand then is due again when its lease ends. */
export const layer: Layer.Layer<never, never, Deliveries | OutwardClient> = Layer.effectDiscard(
  Effect.gen(function* () {
    const deliveries = yield* Deliveries
    const fibers = yield* FiberSet.make()
    const busy = new Map<string, Slots.Busy>()
    const begin = ({ failingSince, webhookId }: Webhook) =>
      busy.set(webhookId, { count: (busy.get(webhookId)?.count ?? 0) + 1, isFailing: failingSince !== null })
    const end = ({ webhookId }: Webhook) => {
      const found = busy.get(webhookId)
      if (found === undefined || found.count === 1) busy.delete(webhookId)
      else busy.set(webhookId, { ...found, count: found.count - 1 })
    }

    const start = (leased: Leased) => {
      begin(leased.webhook)
      return FiberSet.run(
        fibers,
        attempt(leased).pipe(
          Effect.catchCause((cause) =>
            Cause.hasInterruptsOnly(cause)
              ? Effect.void
              : Effect.logWarning("Could not record a delivery; it is attempted again when its lease ends", cause)
          ),
          Effect.ensuring(Effect.sync(() => end(leased.webhook)))
        )
      )
    }

    const round = Effect.gen(function* () {
      const events = yield* deliveries.fanOut
      const running = new Map(Array.from(busy, ([webhookId, { count }]) => [webhookId, count]))
      const leased = yield* deliveries.lease(Slots.roomOf(busy.values()), running)
      yield* Effect.forEach(leased, start, { discard: true })
      return events > 0 || leased.length > 0
    })

    yield* Effect.exit(round).pipe(
      Effect.tap((exit) =>
        Exit.isFailure(exit) && !Cause.hasInterruptsOnly(exit.cause)
          ? Effect.logWarning("Could not read the due deliveries. The next attempt follows in a moment.", exit.cause)
          : Effect.void
      ),
      Effect.flatMap((exit) =>
        Effect.sleep(Exit.isFailure(exit) ? pause : exit.value || busy.size > 0 ? busyInterval : pollInterval)
      ),
      Effect.forever,
      Effect.forkScoped
    )
  })
)
