/**
 * Rate-limits clients across all workers: the primary holds the counts, and workers query it. One batch is in flight at a
 * time, and requests that arrive meanwhile form the next batch: a busy worker sends few messages and an idle one does not
 * wait.
 *
 * While the primary does not answer, this process uses the fallback and logs that once. Requests that arrive before a batch
 * times out wait for that timeout; later ones use the fallback at once, until the primary answers again. The primary and the
 * fallbacks do not share their counts: around a switch a client may get up to twice its limit in a window, and during the
 * outage its limit from each process.
 *
 * Uses Node's timers, since the channel does not follow the TestClock.
 *
 * @module
 */
import { Effect, Exit, Layer } from "effect"
import type { RateLimitDecision, RateLimitPolicy } from "../core/limits/RateLimit.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import { decode, encode, type LimitRequests, type Link, type ToWorker } from "./Protocol.ts"

export interface Options {
  readonly link: Link
  /** Used while the primary does not answer. */
  readonly fallback: RateLimiter["Service"]
  /** How long a batch waits for the primary, in milliseconds. Default: 1000. A request may wait for two batches. */
  readonly timeoutMillis?: number
  /** How long to wait before querying the primary again, in milliseconds. Default: 500. */
  readonly retryMillis?: number
}

interface Waiting {
  readonly policy: RateLimitPolicy
  readonly key: string
  /** Undefined once the caller is interrupted. */
  resume: ((decision: Effect.Effect<RateLimitDecision>) => void) | undefined
}

interface Batch {
  readonly batch: number
  readonly waiting: ReadonlyArray<Waiting>
  readonly timer: NodeJS.Timeout
}

/** Groups requests by policy, in order of arrival. */
const group = (waiting: ReadonlyArray<Waiting>): ReadonlyArray<ReadonlyArray<Waiting>> => {
  const groups = new Map<RateLimitPolicy, Array<Waiting>>()
  for (const each of waiting) {
    const same = groups.get(each.policy)
    if (same === undefined) groups.set(each.policy, [each])
    else same.push(each)
  }
  return [...groups.values()]
}

/** The limiter of a worker. */
export const layer = (options: Options): Layer.Layer<RateLimiter> =>
  Layer.effect(
    RateLimiter,
    Effect.gen(function* () {
      const { fallback, link, retryMillis = 500, timeoutMillis = 1000 } = options
      const run = Effect.runForkWith(yield* Effect.context())
      /** The requests of the next batch. */
      let pending: Array<Waiting> = []
      /** The batch in flight. */
      let inFlight: Batch | undefined
      let isScheduled = false
      let batch = 0
      let isFallback = false
      let retry: NodeJS.Timeout | undefined

      const answerLocally = (): void => {
        if (inFlight !== undefined) clearTimeout(inFlight.timer)
        const all = [...(inFlight?.waiting ?? []), ...pending]
        inFlight = undefined
        pending = []
        for (const { key, policy, resume } of all) resume?.(fallback.take(policy, key))
      }

      const useFallback = (): void => {
        if (!isFallback)
          run(
            Effect.logWarning("The primary does not answer. Until it does, this process applies the rate limits alone.")
          )
        isFallback = true
        // A single empty batch as a probe; more would fill the channel.
        retry ??= setTimeout(() => link.send({ _tag: "Take", batch: ++batch, requests: [] }), retryMillis)
        answerLocally()
      }

      /**
       * Uses the fallback unless the batch is answered. If this process was busy, the answer may have arrived and not been
       * read yet: the deferred check lets the event loop read it first.
       */
      const onTimeout = (number: number): void => {
        setImmediate(() => {
          if (inFlight?.batch === number) useFallback()
        })
      }

      const sendBatch = (): void => {
        isScheduled = false
        if (inFlight !== undefined || pending.length === 0) return
        const groups = group(pending)
        pending = []
        const number = ++batch
        inFlight = { batch: number, waiting: groups.flat(), timer: setTimeout(() => onTimeout(number), timeoutMillis) }
        link.send({
          _tag: "Take",
          batch: number,
          requests: groups.map((same) => ({ policy: same[0]!.policy, keys: same.map(({ key }) => key) }))
        })
      }

      /** Sends the batch at the end of this turn of the event loop. */
      const scheduleBatch = (): void => {
        if (isScheduled || inFlight !== undefined) return
        isScheduled = true
        setImmediate(sendBatch)
      }

      const onMessage = (message: ToWorker): void => {
        if (message._tag !== "Taken") return
        if (isFallback) {
          isFallback = false
          clearTimeout(retry)
          retry = undefined
          run(Effect.logInfo("The primary is back: the rate limit is shared again"))
        }
        if (inFlight?.batch !== message.batch) return
        const { timer, waiting } = inFlight
        clearTimeout(timer)
        inFlight = undefined
        waiting.forEach(({ key, policy, resume }, index) => {
          const decision = decode(message.decisions, index)
          resume?.(decision === undefined ? fallback.take(policy, key) : Exit.succeed(decision))
        })
        if (pending.length > 0) scheduleBatch()
      }

      yield* Effect.acquireRelease(
        Effect.sync(() => link.listen(onMessage)),
        (stop) =>
          Effect.sync(() => {
            stop()
            clearTimeout(retry)
            // The listener is gone, so no answer can arrive.
            isFallback = true
            answerLocally()
          })
      )

      return RateLimiter.of({
        take: (policy, key) =>
          Effect.suspend(() => {
            if (isFallback) return fallback.take(policy, key)
            return Effect.callback<RateLimitDecision>((resume) => {
              const waiting: Waiting = { policy, key, resume }
              pending.push(waiting)
              scheduleBatch()
              return Effect.sync(() => {
                waiting.resume = undefined
              })
            })
          })
      })
    })
  )

/** The primary's answer to a worker's batch. */
export const answer = (
  limiter: RateLimiter["Service"],
  batch: number,
  requests: ReadonlyArray<LimitRequests>
): Effect.Effect<ToWorker> =>
  Effect.map(
    Effect.forEach(requests, ({ keys, policy }) => Effect.forEach(keys, (key) => limiter.take(policy, key))),
    (decisions) => ({ _tag: "Taken", batch, decisions: encode(decisions.flat()) })
  )
