/**
 * The sliding-window rate limit and its response headers. Pure: the time is an argument.
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
  /** How many more requests would be accepted now. */
  readonly remaining: number
  /** Milliseconds until the oldest counted request leaves the window: how long a refused client has to wait. */
  readonly resetMillis: number
}

const units = { second: 1_000, minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const

/** The highest limit: a limiter keeps the time of each counted request. */
export const maxLimit = 999_999

/** Parses `100/minute`, `5/second`, `1000/hour` or `10/day`. */
export const parse = (name: string, text: string): Option.Option<RateLimitPolicy> => {
  const match = /^\s*([1-9][0-9]*)\s*\/\s*(second|minute|hour|day)\s*$/.exec(text)
  if (match === null || Number(match[1]) > maxLimit) return Option.none()
  return Option.some({ name, limit: Number(match[1]), windowMillis: units[match[2] as keyof typeof units] })
}

/**
 * Decides on a request at `now` (milliseconds), given the times of accepted requests, oldest first. The window is half open:
 * a request that was accepted exactly one window ago no longer counts.
 *
 * Every layer of `RateLimiter` makes the same decision, whatever structure it stores the times in.
 */
export const decide = (policy: RateLimitPolicy, acceptedAt: ReadonlyArray<number>, now: number): RateLimitDecision => {
  const inWindow = acceptedAt.filter((time) => time > now - policy.windowMillis)
  return decideCounted(policy, inWindow.length, inWindow[0], now)
}

/** Like `decide`, given the number of requests in the window at `now` and the time of the oldest of them. */
export const decideCounted = (
  policy: RateLimitPolicy,
  count: number,
  oldest: number | undefined,
  now: number
): RateLimitDecision => {
  const accepted = count < policy.limit
  return {
    accepted,
    remaining: accepted ? policy.limit - count - 1 : 0,
    resetMillis: (oldest ?? now) + policy.windowMillis - now
  }
}

const seconds = (millis: number): number => Math.max(1, Math.ceil(millis / 1000))

/**
 * Makes a function from a decision to the response headers: `RateLimit-Policy` and `RateLimit` of
 * draft-ietf-httpapi-ratelimit-headers-10, and `Retry-After` (RFC 9110, 10.2.3) if the request was refused. Seconds are
 * rounded up, so that a client that waits for `Retry-After` is accepted.
 */
export const headers = (policy: RateLimitPolicy): ((decision: RateLimitDecision) => Record<string, string>) => {
  const name = `"${policy.name}"`
  const policyField = `${name};q=${policy.limit};w=${Math.ceil(policy.windowMillis / 1000)}`
  return ({ accepted, remaining, resetMillis }) => {
    const reset = seconds(resetMillis)
    const ratelimit = `${name};r=${remaining};t=${reset}`
    return accepted
      ? { "ratelimit-policy": policyField, ratelimit }
      : { "ratelimit-policy": policyField, ratelimit, "retry-after": String(reset) }
  }
}
