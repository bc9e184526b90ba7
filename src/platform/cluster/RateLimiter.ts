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
 * @module
 */
import { Effect, Exit, Latch, Layer } from "effect"
import type { RateLimitDecision, RateLimitPolicy } from "../limits/RateLimit.ts"
import { RateLimiter } from "../limits/RateLimiter.ts"
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
  readonly resume: (decision: Effect.Effect<RateLimitDecision>) => void
}

/** The limiter of a worker. */
export const layer = ({ fallback, link, retryMillis = 500, timeoutMillis = 1000 }: Options): Layer.Layer<RateLimiter> =>
  Layer.effect(
    RateLimiter,
    Effect.gen(function* () {
      const arrived = Latch.makeUnsafe(false)
      let pending: Array<Waiting> = []
      let inFlight: ReadonlyArray<Waiting> = []
      let batch = 0
      let isFallback = false
      let onTaken = (_: ToWorker & { readonly _tag: "Taken" }) => {}

      const answerLocally = (): void => {
        for (const { key, policy, resume } of [...inFlight, ...pending]) resume(fallback.take(policy, key))
        inFlight = pending = []
      }

      const send = (requests: ReadonlyArray<LimitRequests>) => link.send({ _tag: "Take", batch: ++batch, requests })

      /** Sends `pending`. Succeeds with the decisions; with undefined if the primary does not answer in time. */
      const ask = Effect.callback<ReadonlyArray<number> | undefined>((resume) => {
        const groups = [...Map.groupBy(pending, ({ policy }) => policy)]
        pending = []
        inFlight = groups.flatMap(([, same]) => same)
        send(groups.map(([policy, same]) => ({ policy, keys: same.map(({ key }) => key) })))
        // If this process was busy, the answer may have arrived and not been read yet: another turn of the event loop reads it.
        const timer = setTimeout(() => setImmediate(() => resume(Effect.undefined)), timeoutMillis)
        onTaken = (message) => {
          if (message.batch !== batch) return
          clearTimeout(timer)
          resume(Exit.succeed(message.decisions))
        }
        return Effect.sync(() => clearTimeout(timer))
      })

      const untilBack = Effect.callback<void>((resume) => {
        // A single empty batch as a probe; more would fill the channel.
        const timer = setTimeout(() => send([]), retryMillis)
        onTaken = () => {
          clearTimeout(timer)
          resume(Effect.void)
        }
        return Effect.sync(() => clearTimeout(timer))
      })

      const next = Effect.gen(function* () {
        yield* arrived.await
        arrived.closeUnsafe()
        if (pending.length === 0) return
        const decisions = yield* ask
        if (decisions === undefined) {
          isFallback = true
          answerLocally()
          yield* Effect.logWarning(
            "The primary does not answer. Until it does, this process applies the rate limits alone."
          )
          yield* untilBack
          isFallback = false
          return yield* Effect.logInfo("The primary is back: the rate limit is shared again")
        }
        inFlight.forEach(({ key, policy, resume }, index) => {
          const decision = decode(decisions, index)
          resume(decision === undefined ? fallback.take(policy, key) : Exit.succeed(decision))
        })
        inFlight = []
      })

      const stop = link.listen((message) => {
        if (message._tag === "Taken") onTaken(message)
      })
      yield* Effect.addFinalizer(() =>
        Effect.sync(() => {
          stop()
          isFallback = true
          answerLocally()
        })
      )
      yield* Effect.forkScoped(Effect.forever(next))

      return RateLimiter.of({
        take: (policy, key) =>
          Effect.suspend(() =>
            isFallback
              ? fallback.take(policy, key)
              : Effect.callback<RateLimitDecision>((resume) => {
                  pending.push({ policy, key, resume })
                  arrived.openUnsafe()
                })
          )
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
