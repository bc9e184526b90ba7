/**
 * Counts a request against the rate limit of its client.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { clientKey } from "../limits/ClientKey.ts"
import * as RateLimit from "../limits/RateLimit.ts"
import type { RateLimiter } from "../limits/RateLimiter.ts"

/** The response headers that describe the limit. */
export type LimitHeaders = Record<string, string>

export interface RateLimitResult {
  readonly accepted: boolean
  readonly headers: LimitHeaders
}

const unlimited: RateLimitResult = { accepted: true, headers: {} }

/** Takes a token for an address and continues with the result. */
export type CheckRateLimit = <A, E, R>(
  address: string,
  then: (result: RateLimitResult) => Effect.Effect<A, E, R>
) => Effect.Effect<A, E, R>

/** Checks requests against a policy; without one, every request is accepted. */
export const make = (
  limiter: RateLimiter["Service"],
  policy: Option.Option<RateLimit.RateLimitPolicy>
): CheckRateLimit => {
  if (Option.isNone(policy)) return (_, then) => Effect.suspend(() => then(unlimited))
  const headersOf = RateLimit.headers(policy.value)
  return (address, then) =>
    Effect.flatMap(limiter.take(policy.value, clientKey(address)), (decision) =>
      then({ accepted: decision.accepted, headers: headersOf(decision) })
    )
}
