/**
 * Checks for `doctor` whether the rate limiter can use a Redis.
 *
 * @module
 */
import { Clock, Effect, Logger, type Redacted } from "effect"
import * as RedisRateLimiter from "../../platform/redis/RateLimiter.ts"
import type { RedisFacts } from "./Diagnosis.ts"

const policy = { name: "doctor", limit: 1_000, windowMillis: 60_000 }

/** How long the request may wait for Redis. */
const timeoutMillis = 2_000

/** Counts one request with the service's rate limiter, and measures how long it takes. Fails if Redis did not count it. */
export const inspect: (url: Redacted.Redacted) => Effect.Effect<RedisFacts> = Effect.fnUntraced(
  function* (url) {
    let isCounted = true
    const fallback = {
      take: () =>
        Effect.sync(() => {
          isCounted = false
          return { accepted: true, remaining: 0, resetMillis: 0 }
        })
    }
    const limiter = yield* RedisRateLimiter.make({ url, fallback, timeoutMillis })
    const before = yield* Clock.monotonicTimeNanos
    yield* limiter.take(policy, "doctor")
    const nanos = (yield* Clock.monotonicTimeNanos) - before
    const state = yield* limiter.state
    if (state._tag === "Shared" && isCounted) {
      return { _tag: "Counted", roundTripMillis: Math.round(Number(nanos) / 1_000_000) } as const
    }
    const { fault, reason } =
      state._tag === "Alone" ? state.error : { fault: undefined, reason: "the connection was lost" }
    return { _tag: "Unavailable", reason, fault } as const
  },
  Effect.scoped,
  // The result contains what the limiter would log.
  Effect.provide(Logger.layer([]))
)
