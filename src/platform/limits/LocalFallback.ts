/**
 * Gives a shared rate limiter an in-memory fallback, for the time while the shared limiter is unreachable.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import * as Metrics from "../telemetry/Metrics.ts"
import * as MemoryRateLimiter from "./MemoryRateLimiter.ts"
import { RateLimiter } from "./RateLimiter.ts"

/** Makes the shared limiter from its fallback. Decisions of the fallback are counted. */
export const layer = (
  options: { readonly maxKeys: number },
  shared: (fallback: RateLimiter["Service"]) => Layer.Layer<RateLimiter>
): Layer.Layer<RateLimiter> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const local = yield* RateLimiter
      const context = yield* Effect.context<never>()
      const fallbacks = Metrics.limiterFallbacks({})
      fallbacks.updateUnsafe(0, context)
      return shared({
        take: (policy, key) => {
          fallbacks.updateUnsafe(1, context)
          return local.take(policy, key)
        }
      })
    })
  ).pipe(Layer.provide(MemoryRateLimiter.layer(options)))
