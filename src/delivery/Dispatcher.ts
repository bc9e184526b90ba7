/**
 * Delivers events to webhooks while the process runs: turns events into deliveries, leases the deliveries that are due, sends
 * them and records the outcomes. Continues the replays of deliveries.
 *
 * It holds no database session of its own, and any number of processes may run it. `Slots` divides the attempts of a process
 * among the webhooks, so that a hanging webhook does not delay the others.
 *
 * @module
 */
import { Clock, Duration, Effect, FiberSet, Layer, Metric, Random, Semaphore } from "effect"
import type { OutwardClient } from "../platform/outward/OutwardClient.ts"
import * as Schedule from "../platform/outward/Schedule.ts"
import * as Rounds from "../platform/rounds/Rounds.ts"
import * as Metrics from "../platform/telemetry/Metrics.ts"
import { Deliveries, type Leased, type Leases } from "./Delivery.ts"
import type { Next as NextMail } from "./mail/Mail.ts"
import * as Slots from "./Slots.ts"
import { hostOf, type Receiver } from "./Webhook.ts"
import * as WebhookSender from "./WebhookSender.ts"

type Status = NextMail["status"] | "delivered"

/** The outcome of an attempt, by the status that followed it. A cancelled mail has no outcome, since it was not attempted. */
const outcomes: Readonly<Record<Exclude<Status, "cancelled">, Metrics.AttemptOutcome>> = {
  delivered: "delivered",
  sent: "delivered",
  pending: "retried",
  failed: "failed"
}

type AttemptMetric = typeof Metrics.webhookAttempts

/** Creates the series of a metric before their first values: a rate needs the initial zero. */
export const startAttempts = (metric: AttemptMetric): Effect.Effect<void> =>
  Effect.forEach(Metrics.attemptOutcomes, (outcome) => Metric.value(metric({ outcome })), { discard: true })

/** Counts an attempt by the status that followed it. */
export const countAttempt = (metric: AttemptMetric, status: Status): Effect.Effect<void> =>
  status === "cancelled" ? Effect.void : Metric.update(metric({ outcome: outcomes[status] }), 1)

/** The attempts that run in this process, and the webhooks that pause after a failure, for `Slots`. */
export interface RunningAttempts {
  /** The slots that are free. */
  readonly freeSlots: () => Slots.FreeSlots
  /**
   * The number of running attempts of each webhook. A paused webhook counts as having at least one. Because a failing webhook
   * may have only one, no attempt begins during the pause.
   */
  readonly counts: () => ReadonlyMap<string, number>
  /** Adds an attempt. Returns a function that removes it, once. */
  readonly add: (webhook: Receiver) => () => void
  /** Pauses a webhook. Returns a function that ends this pause. */
  readonly pause: (webhookId: string) => () => void
}

/** @param onFree called with a webhook's id when one of its attempts or pauses has ended */
const makeRunningAttempts = (onFree: (webhookId: string) => void): RunningAttempts => {
  const busy = new Map<string, Slots.Busy>()
  const pausing = new Map<string, number>()

  /** A function that runs `end` and then `onFree`, and does nothing when it is called again. */
  const ending = (webhookId: string, end: () => void) => {
    let hasEnded = false
    return () => {
      if (hasEnded) return
      hasEnded = true
      end()
      onFree(webhookId)
    }
  }

  return {
    freeSlots: () => Slots.freeSlotsOf(busy.values()),
    counts: () => {
      const counts = new Map(Array.from(busy, ([webhookId, { count }]) => [webhookId, count]))
      for (const webhookId of pausing.keys()) if (!counts.has(webhookId)) counts.set(webhookId, 1)
      return counts
    },
    add: ({ failingSince, webhookId }) => {
      busy.set(webhookId, { count: (busy.get(webhookId)?.count ?? 0) + 1, isFailing: failingSince !== null })
      return ending(webhookId, () => {
        const current = busy.get(webhookId)
        if (current === undefined || current.count === 1) busy.delete(webhookId)
        else busy.set(webhookId, { ...current, count: current.count - 1 })
      })
    },
    pause: (webhookId) => {
      pausing.set(webhookId, (pausing.get(webhookId) ?? 0) + 1)
      return ending(webhookId, () => {
        const count = pausing.get(webhookId) ?? 1
        if (count === 1) pausing.delete(webhookId)
        else pausing.set(webhookId, count - 1)
      })
    }
  }
}

/**
 * The time between two fan-outs while there are events. It lets events gather, because a fan-out of a few costs about as much
 * as a fan-out of one. It doubles with each fan-out that finds no events, up to `longestFanOutGap`, so that submissions to
 * websites without subscribers cost little.
 */
const fanOutGap = Duration.millis(50)
const longestFanOutGap = Duration.millis(500)

/** The minimum time between two queries for due deliveries, so that one query fills the slots of several attempts that end. */
const leaseGap = Duration.millis(10)

/** The time between two steps of replays. */
const replayGap = Duration.millis(100)

/** A replay waits for the deliveries of its last step. */
const replayPoll = { interval: Duration.millis(500), times: 20 }

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
  yield* countAttempt(Metrics.webhookAttempts, next.status)
  const { hasDisabled, health } = yield* deliveries.settle(leased, {
    attempt: { attemptedAt, status, millis, answer, error },
    next,
    // An unusable key is the operator's fault, not the receiver's.
    affectsHealth: secrets.length > 0
  })
  if (hasDisabled) yield* logDisabled(webhook, status)
  return Schedule.pauseAfter(health, now)
})

const logDisabled = (webhook: Receiver, status: number | null) =>
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
    const { wake } = yield* Rounds.Wakeups
    const fibers = yield* FiberSet.make()
    yield* startAttempts(Metrics.webhookAttempts)
    /** The webhooks with due deliveries for which there was no free slot, and whether all slots were taken. */
    let waiting: ReadonlySet<string> = new Set()
    let isFull = false
    const running = makeRunningAttempts((webhookId) => {
      if (isFull || waiting.has(webhookId)) wake("deliveries")
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
            Rounds.logFailure("Could not record a delivery; it is attempted again when its lease ends", cause)
          ),
          Effect.ensuring(Effect.sync(free))
        )
      )
    }

    const begin = Effect.fnUntraced(function* (leases: Leases) {
      yield* Effect.forEach(leases.leased, start, { discard: true })
      isFull = running.freeSlots().free === 0
    })

    let untilFanOut = fanOutGap
    const fanOut = Effect.gen(function* () {
      const { events } = yield* alone(
        Effect.suspend(() => deliveries.fanOut(running.freeSlots(), running.counts())).pipe(
          Effect.tap((leases) => {
            const known = waiting
            if (Array.from(leases.waiting).some((webhookId) => !known.has(webhookId))) wake("deliveries")
            waiting = new Set([...known, ...leases.waiting])
            return begin(leases)
          })
        )
      )
      untilFanOut = events > 0 ? fanOutGap : Duration.min(Duration.times(untilFanOut, 2), longestFanOutGap)
      if (events > 0) return untilFanOut
      yield* Effect.sleep(untilFanOut)
      return null
    })

    const lease = alone(
      Effect.suspend(() => deliveries.lease(running.freeSlots(), running.counts())).pipe(
        Effect.tap((leases) => {
          waiting = leases.waiting
          return begin(leases)
        })
      )
    ).pipe(Effect.as(null))

    const replay = Effect.map(deliveries.continueReplays, (count) => {
      if (count === 0) return null
      wake("deliveries")
      return replayGap
    })

    const startsAtOnce = true
    yield* Rounds.start({
      kind: "events",
      what: "turn events into deliveries",
      round: fanOut,
      gap: fanOutGap,
      startsAtOnce
    })
    yield* Rounds.start({
      kind: "deliveries",
      what: "read the due deliveries",
      round: lease,
      gap: leaseGap,
      startsAtOnce
    })
    yield* Rounds.start({
      kind: "replays",
      what: "continue the replays of deliveries",
      round: replay,
      gap: replayGap,
      poll: replayPoll,
      startsAtOnce
    })
  })
)
