/**
 * Limits the rate of requests per client. The interface only; see `platform/limits/MemoryRateLimiter`, `platform/redis/RateLimiter` and
 * `platform/cluster/RateLimiter`.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { RateLimitDecision, RateLimitPolicy } from "./RateLimit.ts"

export class RateLimiter extends Context.Service<
  RateLimiter,
  {
    /**
     * Decides on a request of `key`, and counts it if it is accepted. The window slides and is exact: a request is accepted
     * if and only if fewer than `policy.limit` requests of its key were accepted in the `policy.windowMillis` before it, and, if
     * its key has a network (see `ClientKey.networkKey`), fewer than `policy.networkLimit` of the network. Both are decided and
     * counted in one atomic step.
     *
     * It never fails and never waits long: while the store of a layer is unavailable, each process counts alone.
     */
    readonly take: (policy: RateLimitPolicy, key: string) => Effect.Effect<RateLimitDecision>
  }
>()("hydracore/platform/limits/RateLimiter") {}
