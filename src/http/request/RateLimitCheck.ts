/**
 * Counts a request against the rate limit of its client: after validation, or before parsing if the body is large, because
 * parsing is then the most expensive step.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { clientKey } from "../../core/limits/ClientKey.ts"
import * as RateLimit from "../../core/limits/RateLimit.ts"
import * as SmallBody from "../../core/limits/SmallBody.ts"
import type { RateLimiter } from "../../services/RateLimiter.ts"
import type { RequestHead } from "./RequestHead.ts"

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

/** The rate limit while a request is handled. */
export interface RateLimitGate {
  /** Checks a valid request. */
  readonly check: CheckRateLimit
  /** Headers for a response that is sent before `check`; present if the request was counted already. */
  readonly limitHeaders: LimitHeaders | undefined
}

/**
 * Wraps a handler that calls `gate.check` once its input is valid. A request with a large body is checked before `handle`
 * parses the body. If the request exceeds the limit, `refuse` answers it, and must not parse the body.
 */
export const withRateLimit = <A, E, R>(
  check: CheckRateLimit,
  handle: (head: RequestHead, body: Uint8Array, gate: RateLimitGate) => Effect.Effect<A, E, R>,
  refuse: (head: RequestHead, body: Uint8Array, headers: LimitHeaders) => Effect.Effect<A, E, R>
): ((head: RequestHead, body: Uint8Array) => Effect.Effect<A, E, R>) => {
  const unchecked: RateLimitGate = { check, limitHeaders: undefined }
  return (head, body) =>
    body.length <= SmallBody.maxBytes
      ? handle(head, body, unchecked)
      : check(head.address, (result) =>
          result.accepted
            ? handle(head, body, {
                check: (_, then) => Effect.suspend(() => then(result)),
                limitHeaders: result.headers
              })
            : refuse(head, body, result.headers)
        )
}
