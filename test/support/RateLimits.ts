/**
 * The law of the rate limiters.
 *
 * @module
 */
import { decide, type RateLimitDecision, type RateLimitPolicy } from "../../src/platform/limits/RateLimit.ts"

/** The decision on a request at `now`, given the times of all accepted requests of a client without a network, oldest first. */
export const decideByTimes = (
  policy: RateLimitPolicy,
  acceptedAt: ReadonlyArray<number>,
  now: number
): RateLimitDecision => {
  const inWindow = acceptedAt.filter((time) => time > now - policy.windowMillis)
  return decide(policy, { count: inWindow.length, oldest: inWindow[0] }, undefined, now)
}
