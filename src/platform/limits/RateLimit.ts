/**
 * The sliding-window rate limit and its response headers. Pure: the time is an argument.
 *
 * @module
 */
import { Option } from "effect"

/** At most `limit` requests in any `windowMillis`. */
interface Window {
  readonly limit: number
  readonly windowMillis: number
}

export interface RateLimitPolicy extends Window {
  /** A token of the `RateLimit-Policy` field: lower-case letters. */
  readonly name: string
  /**
   * The limit of all clients of an IPv6 /48 together (see `ClientAddress.networkKey`), since one subscriber may control a whole /48,
   * which has 65,536 client keys. Undefined for no such limit.
   */
  readonly networkLimit?: number | undefined
}

/** The accepted requests of a key in the window. */
export interface Counted {
  readonly count: number
  /** The time of the oldest of them; undefined if there are none. */
  readonly oldest: number | undefined
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

/** The policy with a limit of each IPv6 /48: `factor` times the limit of a client, at most `maxLimit`. */
export const withNetworkLimit = (policy: RateLimitPolicy, factor: number): RateLimitPolicy => ({
  ...policy,
  networkLimit: Math.min(policy.limit * factor, maxLimit)
})

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
  { limit, windowMillis }: Window,
  count: number,
  oldest: number | undefined,
  now: number
): RateLimitDecision => {
  const accepted = count < limit
  return {
    accepted,
    remaining: accepted ? limit - count - 1 : 0,
    resetMillis: (oldest ?? now) + windowMillis - now
  }
}

/**
 * Decides on a request of a client in a network. It is accepted if both the client and its network are below their limits. It
 * counts for both or, if it is refused, for neither. `resetMillis` is the wait for all limits that refuse it, and otherwise that
 * of the limit with fewer remaining requests.
 */
export const decideInNetwork = (
  policy: RateLimitPolicy,
  { client, network }: { readonly client: Counted; readonly network: Counted },
  now: number
): RateLimitDecision => {
  const { networkLimit: limit = Number.POSITIVE_INFINITY, windowMillis } = policy
  const ofClient = decideCounted(policy, client.count, client.oldest, now)
  const ofNetwork = decideCounted({ limit, windowMillis }, network.count, network.oldest, now)
  if (ofClient.accepted && ofNetwork.accepted) return ofNetwork.remaining < ofClient.remaining ? ofNetwork : ofClient
  const refusals = [ofClient, ofNetwork].filter(({ accepted }) => !accepted)
  return { accepted: false, remaining: 0, resetMillis: Math.max(...refusals.map(({ resetMillis }) => resetMillis)) }
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
