/**
 * Rate-limits clients across all workers: the primary holds the counts, and workers ask it in batches, one at a time.
 *
 * While the primary does not answer, this process uses the fallback and logs that once. Requests that arrive before a batch
 * times out wait for that timeout; later ones use the fallback at once, until the primary answers again. The primary and the
 * fallbacks do not share their counts: around a switch a client may get up to twice its limit in a window, and during the
 * outage its limit from each process.
 *
 * @module
 */
import { Effect, Exit, Layer, Result } from "effect"
import * as GroupCommit from "../batch/GroupCommit.ts"
import { RateLimiter } from "../limits/RateLimit.ts"
import { decode, encode, type LimitRequest, type Link, type ToWorker } from "./Protocol.ts"

export interface Options {
  readonly link: Link
  /** Used while the primary does not answer. */
  readonly fallback: RateLimiter["Service"]
  /** How long a batch waits for the primary, in milliseconds. Default: 1000. A request may wait for two batches. */
  readonly timeoutMillis?: number
  /** How long to wait before asking the primary again, in milliseconds. Default: 500. */
  readonly retryMillis?: number
}

/** The limiter of a worker. */
export const layer = ({ fallback, link, retryMillis = 500, timeoutMillis = 1000 }: Options): Layer.Layer<RateLimiter> =>
  Layer.effect(
    RateLimiter,
    Effect.gen(function* () {
      const scope = yield* Effect.scope
      let isAlone = false
      let batch = 0
      let onTaken = (_: ToWorker & { readonly _tag: "Taken" }) => {}
      link.listen((message) => {
        if (message._tag === "Taken") onTaken(message)
      })

      /** Asks the primary, and waits for the decisions. */
      const ask = (requests: ReadonlyArray<LimitRequest>) =>
        Effect.callback<ReadonlyArray<number>>((resume) => {
          const asked = ++batch
          onTaken = (message) => {
            if (message.batch === asked) resume(Exit.succeed(message.decisions))
          }
          link.send({ _tag: "Take", batch: asked, requests })
        })

      const loseThePrimary = Effect.gen(function* () {
        isAlone = true
        yield* Effect.logWarning(
          "The primary does not answer. Until it does, this process applies the rate limits alone."
        )
        yield* Effect.sleep(retryMillis)
        // A single empty batch as a probe; more would fill the channel.
        yield* ask([])
        isAlone = false
        yield* Effect.logInfo("The primary is back: the rate limit is shared again")
      }).pipe(Effect.forkIn(scope, { startImmediately: true }))

      /** Completes when the primary is late. A process that was busy may have its answer, and read it in another turn. */
      const tooLate = Effect.andThen(
        Effect.sleep(timeoutMillis),
        Effect.callback<ReadonlyArray<number>>((resume) => void setImmediate(() => resume(Effect.succeed([]))))
      ).pipe(Effect.tap(loseThePrimary))

      const decide = Effect.fnUntraced(function* (requests: ReadonlyArray<LimitRequest>) {
        const decisions = isAlone ? [] : yield* Effect.raceFirst(ask(requests), tooLate)
        return yield* Effect.forEach(requests, ({ keys: [key], policy }, index) => {
          const decision = decode(decisions, index)
          return decision === undefined
            ? Effect.map(fallback.take(policy, key), Result.succeed)
            : Effect.succeed(Result.succeed(decision))
        })
      })

      const batches = yield* GroupCommit.make({
        flush: decide,
        timeout: 3 * timeoutMillis,
        maxQueue: Number.POSITIVE_INFINITY,
        maxBatch: Number.POSITIVE_INFINITY
      })
      return RateLimiter.of({
        take: (policy, key) =>
          Effect.suspend(() =>
            isAlone
              ? fallback.take(policy, key)
              : // Fails when this process ends.
                Effect.catch(batches.submit({ policy, keys: [key] }), () => fallback.take(policy, key))
          )
      })
    })
  )

/** The primary's answer to a worker's batch. */
export const answer = (
  limiter: RateLimiter["Service"],
  batch: number,
  requests: ReadonlyArray<LimitRequest>
): Effect.Effect<ToWorker> =>
  Effect.map(
    Effect.forEach(requests, ({ keys, policy }) => Effect.forEach(keys, (key) => limiter.take(policy, key))),
    (decisions) => ({ _tag: "Taken", batch, decisions: encode(decisions.flat()) })
  )
