/**
 * Delivers events while the process runs: turns them into deliveries, leases what is due, sends it and records the outcome.
 *
 * It polls, so that it needs no session of the database, and any number of processes may do the same. `Slots` divides the
 * attempts of a process among the webhooks, so that one that hangs delays no other.
 *
 * @module
 */
import { Cause, Clock, Duration, Effect, FiberSet, Latch, Layer, Random } from "effect"
import * as Schedule from "../core/delivery/Schedule.ts"
import * as Slots from "../core/delivery/Slots.ts"
import type { Leased, Webhook } from "../core/delivery/Webhook.ts"
import * as Metrics from "../core/metrics/Metrics.ts"
import { Deliveries } from "../services/delivery/Deliveries.ts"
import type { StorageUnavailable } from "../services/Storage.ts"
import * as AttemptMetrics from "./AttemptMetrics.ts"
import type { OutwardClient } from "./OutwardClient.ts"
import * as WebhookSender from "./WebhookSender.ts"

/** The time between two queries of the database while this process is idle. */
const pollInterval = Duration.millis(500)

/** The wait after an attempt ended, so that the free slots of several attempts are filled by one query. */
const gatherInterval = Duration.millis(2)

/** The wait after a database error. */
const pause = Duration.seconds(1)

const keyError = "the webhook's secret cannot be decrypted; check SECRETS_KEY"

/** Attempts a delivery and records the outcome. Calls `onAccepted` between the two if the receiver accepted it. */
export const attempt = Effect.fnUntraced(function* (leased: Leased, onAccepted: () => void) {
  const deliveries = yield* Deliveries
  const { secrets, webhook } = leased
  const attemptedAt = yield* Clock.currentTimeMillis
  const response =
    secrets.length === 0
      ? { status: null, retryAfter: null, millis: 0, answer: null, error: keyError }
      : yield* WebhookSender.send(webhook, secrets, leased.eventId, leased.payload)
  const now = yield* Clock.currentTimeMillis
  if (Schedule.isDelivered(response)) onAccepted()
  const { answer, error, millis, status } = response
  const next = Schedule.next(response, leased.attempt, now, yield* Random.next)
  yield* AttemptMetrics.count(Metrics.webhookAttempts, next.status)
  yield* deliveries.settle(leased, {
    attempt: { attemptedAt, status, millis, answer, error },
    next,
    // An unusable key is the operator's fault, not the receiver's.
    health: secrets.length === 0 ? webhook : Schedule.healthAfter(webhook, response, now)
  })
})

/** Runs until the scope closes. The attempts in flight are then due again when their leases end. */
export const layer: Layer.Layer<never, never, Deliveries | OutwardClient> = Layer.effectDiscard(
  Effect.gen(function* () {
    const deliveries = yield* Deliveries
    const fibers = yield* FiberSet.make()
    yield* AttemptMetrics.start(Metrics.webhookAttempts)
    const busy = new Map<string, Slots.Busy>()
    /** Open when attempts may begin: events were fanned out, or an attempt ended. */
    const changed = Latch.makeUnsafe(false)

    /** Takes a slot and returns the function that frees it, once. */
    const occupy = ({ failingSince, webhookId }: Webhook) => {
      busy.set(webhookId, { count: (busy.get(webhookId)?.count ?? 0) + 1, isFailing: failingSince !== null })
      let isFree = false
      return () => {
        const found = busy.get(webhookId)
        if (isFree || found === undefined) return
        isFree = true
        if (found.count === 1) busy.delete(webhookId)
        else busy.set(webhookId, { ...found, count: found.count - 1 })
        changed.openUnsafe()
      }
    }

    const start = (leased: Leased) => {
      // An accepted delivery frees its slot before it is recorded. A failed one does not: recording it may reduce the slots.
      const free = occupy(leased.webhook)
      return FiberSet.run(
        fibers,
        attempt(leased, free).pipe(
          Effect.catchCause((cause) =>
            Cause.hasInterruptsOnly(cause)
              ? Effect.void
              : Effect.logWarning("Could not record a delivery; it is attempted again when its lease ends", cause)
          ),
          Effect.ensuring(Effect.sync(free))
        )
      )
    }

    const fanOut = Effect.gen(function* () {
      const events = yield* deliveries.fanOut
      if (events === 0) return yield* Effect.sleep(pollInterval)
      changed.openUnsafe()
    })

    const begin = Effect.gen(function* () {
      changed.closeUnsafe()
      const running = new Map(Array.from(busy, ([webhookId, { count }]) => [webhookId, count]))
      const leased = yield* deliveries.lease(Slots.roomOf(busy.values()), running)
      yield* Effect.forEach(leased, start, { discard: true })
      yield* Effect.raceFirst(changed.await, Effect.sleep(pollInterval))
      yield* Effect.sleep(gatherInterval)
    })

    const forever = <R>(round: Effect.Effect<void, StorageUnavailable, R>, what: string) =>
      round.pipe(
        Effect.catchCause((cause) =>
          Cause.hasInterruptsOnly(cause)
            ? Effect.failCause(cause)
            : Effect.andThen(
                Effect.logWarning(`Could not ${what}; trying again in a second`, cause),
                Effect.sleep(pause)
              )
        ),
        Effect.forever,
        Effect.forkScoped
      )

    yield* forever(fanOut, "turn events into deliveries")
    yield* forever(begin, "read the due deliveries")
  })
)
