/**
 * Delivers events to webhooks while the process runs: turns events into deliveries, leases the deliveries that are due, sends
 * them and records the outcomes. Continues the replays of deliveries.
 *
 * It polls, so that it needs no database session of its own, and any number of processes may run it. `Slots` divides the
 * attempts of a process among the webhooks, so that a hanging webhook does not delay the others.
 *
 * @module
 */
import { Clock, Duration, Effect, FiberSet, Latch, Layer, Random, Semaphore } from "effect"
import * as Schedule from "../core/delivery/Schedule.ts"
import { hostOf, type Leased, type Webhook } from "../core/delivery/Webhook.ts"
import * as Metrics from "../core/metrics/Metrics.ts"
import { Deliveries, type Leases } from "../services/delivery/Deliveries.ts"
import type { StorageUnavailable } from "../services/Storage.ts"
import * as AttemptMetrics from "./AttemptMetrics.ts"
import type { OutwardClient } from "./OutwardClient.ts"
import * as RunningAttempts from "./RunningAttempts.ts"
import * as WebhookSender from "./WebhookSender.ts"

/** The time between two queries of the database while this process is idle. */
const pollInterval = Duration.millis(500)

/**
 * The time between two fan-outs while there are events. It lets events gather, because a fan-out of a few costs about as much
 * as a fan-out of one. The time doubles with each fan-out that finds no events, up to `pollInterval`, so that the first event
 * after a short pause is not delayed.
 */
const fanOutInterval = Duration.millis(50)

/** The wait before each query for due deliveries, so that one query fills the slots of several attempts that end. */
const gatherInterval = Duration.millis(10)

/** The time between two steps of replays. */
const replayInterval = Duration.millis(100)

/** The wait after a database error. */
const errorPause = Duration.seconds(1)

const keyError = "the webhook's secret cannot be decrypted; check SECRETS_KEY"

/**
 * Attempts a delivery and records the outcome. If the receiver accepts the event, calls `onAccepted` before the outcome is
 * recorded. Returns how long the webhook pauses, in milliseconds.
 */
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
  const { hasDisabled, health } = yield* deliveries.settle(leased, {
    attempt: { attemptedAt, status, millis, answer, error },
    next,
    // An unusable key is the operator's fault, not the receiver's.
    affectsHealth: secrets.length > 0
  })
  if (hasDisabled) yield* logDisabled(webhook, status)
  return Schedule.pauseAfter(health, now)
})

const logDisabled = (webhook: Webhook, status: number | null) =>
  Effect.logWarning(
    `Disabled a webhook, because ${status === 410 ? "its receiver answered 410" : "every attempt failed for five days"}. webhook update --enable sends what waits`
  ).pipe(
    Effect.annotateLogs({
      webhook_id: webhook.webhookId,
      website_config_id: webhook.websiteConfigId,
      host: hostOf(webhook.url)
    })
  )

/** Runs until the scope closes. The attempts in flight are then due again when their leases end. */
export const layer: Layer.Layer<never, never, Deliveries | OutwardClient> = Layer.effectDiscard(
  Effect.gen(function* () {
    const deliveries = yield* Deliveries
    const fibers = yield* FiberSet.make()
    yield* AttemptMetrics.start(Metrics.webhookAttempts)
    /** The webhooks with due deliveries for which there was no free slot, and whether all slots were taken. */
    let waiting: ReadonlySet<string> = new Set()
    let isFull = false
    /** Open when there may be deliveries to lease. */
    const changed = Latch.makeUnsafe(false)
    const running = RunningAttempts.make((webhookId) => {
      if (isFull || waiting.has(webhookId)) changed.openUnsafe()
    })
    /** Fan-outs and leases run one at a time, since both fill the same slots. */
    const alone = Semaphore.makeUnsafe(1).withPermits(1)

    const start = (leased: Leased) => {
      // An accepted delivery frees its slot before its outcome is recorded. A failed one does not: the outcome may pause its
      // webhook.
      const free = running.add(leased.webhook)
      return FiberSet.run(
        fibers,
        attempt(leased, free).pipe(
          Effect.flatMap((pause) => {
            if (pause === 0) return Effect.void
            const resume = running.pause(leased.webhook.webhookId)
            free()
            return Effect.ensuring(Effect.sleep(pause), Effect.sync(resume))
          }),
          Effect.catchCause((cause) =>
            Effect.logWarning("Could not record a delivery; it is attempted again when its lease ends", cause)
          ),
          Effect.ensuring(Effect.sync(free))
        )
      )
    }

    const begin = Effect.fnUntraced(function* (leases: Leases) {
      yield* Effect.forEach(leases.leased, start, { discard: true })
      isFull = running.freeSlots().free === 0
    })

    let untilFanOut = fanOutInterval
    const fanOut = Effect.gen(function* () {
      const { events } = yield* alone(
        Effect.suspend(() => deliveries.fanOut(running.freeSlots(), running.counts())).pipe(
          Effect.tap((leases) => {
            const known = waiting
            if (Array.from(leases.waiting).some((webhookId) => !known.has(webhookId))) changed.openUnsafe()
            waiting = new Set([...known, ...leases.waiting])
            return begin(leases)
          })
        )
      )
      untilFanOut = events > 0 ? fanOutInterval : Duration.min(Duration.times(untilFanOut, 2), pollInterval)
      yield* Effect.sleep(untilFanOut)
    })

    const lease = Effect.gen(function* () {
      changed.closeUnsafe()
      yield* alone(
        Effect.suspend(() => deliveries.lease(running.freeSlots(), running.counts())).pipe(
          Effect.tap((leases) => {
            waiting = leases.waiting
            return begin(leases)
          })
        )
      )
      yield* Effect.raceFirst(changed.await, Effect.sleep(pollInterval))
      yield* Effect.sleep(gatherInterval)
    })

    const replay = Effect.gen(function* () {
      const count = yield* deliveries.continueReplays
      if (count > 0) changed.openUnsafe()
      yield* Effect.sleep(count > 0 ? replayInterval : pollInterval)
    })

    const forever = <R>(round: Effect.Effect<void, StorageUnavailable, R>, what: string) =>
      round.pipe(
        Effect.catchCause((cause) =>
          Effect.andThen(
            Effect.logWarning(`Could not ${what}; trying again in a second`, cause),
            Effect.sleep(errorPause)
          )
        ),
        Effect.forever,
        Effect.forkScoped
      )

    yield* forever(fanOut, "turn events into deliveries")
    yield* forever(lease, "read the due deliveries")
    yield* forever(replay, "continue the replays of deliveries")
  })
)
