/**
 * The rule of the rate limit and how it is told to a client. Pure: the time is given.
 *
 * @module
 */
import { Option } from "effect"

/** At most `limit` requests in any `windowMillis`. */
export interface RateLimitPolicy {
  /** A token of the `RateLimit-Policy` field: lower-case letters. */
  readonly name: string
  readonly limit: number
  readonly windowMillis: number
}

export interface RateLimitDecision {
  readonly accepted: boolean
  /** How many more would be accepted now. */
  readonly remaining: number
  /**
   * Milliseconds until one more is accepted than now: for a refused request the time to wait, for an accepted one the
   * time until the oldest that still counts leaves the window.
   */
  readonly resetMillis: number
}

const units = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

/** Reads `100/minute`, `5/second`, `1000/hour`, `10/day`; none for anything else. */
export const parse = (name: string, text: string): Option.Option<RateLimitPolicy> => {
  const match = /^\s*([1-9][0-9]{0,5})\s*\/\s*(second|minute|hour|day)\s*$/.exec(text)
  if (match === null) return Option.none()
  return Option.some({ name, limit: Number(match[1]), windowMillis: units[match[2] as keyof typeof units] })
}

/**
 * The decision for a request at `now` (milliseconds), given the times of the accepted requests that may still count,
 * oldest first. The window is half open: a request that was accepted exactly one window ago no longer counts.
 *
 * This is the law that every layer keeps; the layers hold the times in a shape of their own.
 */
export const decide = (policy: RateLimitPolicy, acceptedAt: ReadonlyArray<number>, now: number): RateLimitDecision => {
  const counted = acceptedAt.filter((time) => time > now - policy.windowMillis)
  return decideCounted(policy, counted.length, counted[0], now)
}

/** The same, given how many still count at `now` and when the oldest of these was accepted. */
export const decideCounted = (
  policy: RateLimitPolicy,
  counted: number,
  oldest: number | undefined,
  now: number
): RateLimitDecision => {
  const accepted = counted < policy.limit
  return {
    accepted,
    remaining: accepted ? policy.limit - counted - 1 : 0,
    resetMillis: (oldest ?? now) + policy.windowMillis - now
  }
}

const seconds = (millis: number): number => Math.max(1, Math.ceil(millis / 1000))

/**
 * Makes the function that gives the header fields for an answer: `RateLimit-Policy` and `RateLimit` of
 * draft-ietf-httpapi-ratelimit-headers-10, and `Retry-After` (RFC 9110, 10.2.3) if the request was refused. Times are
 * whole seconds, rounded up, so that a client that waits as told is accepted.
 */
export const headers = (policy: RateLimitPolicy): ((decision: RateLimitDecision) => Record<string, string>) => {
  const name = `"${policy.name}"`
  const told = `${name};q=${policy.limit};w=${Math.ceil(policy.windowMillis / 1000)}`
  return ({ accepted, remaining, resetMillis }) => {
    const reset = seconds(resetMillis)
    const ratelimit = `${name};r=${remaining};t=${reset}`
    return accepted
      ? { "ratelimit-policy": told, ratelimit }
      : { "ratelimit-policy": told, ratelimit, "retry-after": String(reset) }
  }
}
