/**
 * Checks for `doctor` whether the rate limiter can use a Redis.
 *
 * @module
 */
import { Clock, Effect, type Redacted } from "effect"
import type { RedisFacts } from "../core/doctor/Diagnosis.ts"
import * as Connection from "./Connection.ts"

/** Opens a connection, times one rate-limit request, and closes it. */
export const inspect: (url: Redacted.Redacted) => Effect.Effect<RedisFacts> = Effect.fnUntraced(
  function* (url) {
    const probeKey = "hydracore:doctor"
    const connection = yield* Connection.open({ url, timeoutMillis: 2_000, probeKey })
    const before = yield* Clock.monotonicTimeNanos
    yield* connection.take(probeKey, ["1", "1", "1", ""])
    const nanos = (yield* Clock.monotonicTimeNanos) - before
    return { _tag: "Reached", roundTripMillis: Math.round(Number(nanos) / 1_000_000) } as const
  },
  Effect.scoped,
  Effect.catchTag("RedisAway", ({ fault, reason }) => Effect.succeed({ _tag: "Unavailable", reason, fault } as const))
)
