/**
 * Counts a request against its client's limit.
 *
 * @module
 */
import { Effect, Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import { clientKey } from "../core/ClientKey.ts"
import * as RateLimit from "../core/RateLimit.ts"
import type { RateLimiter } from "../services/RateLimiter.ts"

/** What an answer tells of the limit, whatever the answer is. */
export type Headers = Record<string, string>

export interface Admission {
  readonly accepted: boolean
  readonly headers: Headers
}

const unlimited: Admission = { accepted: true, headers: {} }

/** The client's address: the socket's peer, or the one that a trusted proxy names (see `http/Server`). */
export const clientAddress = (request: HttpServerRequest.HttpServerRequest): string =>
  Option.getOrElse(request.remoteAddress, () => "unknown")

/** Asks for a request of an address, and goes on with what that came to. */
export type Admit = <A, E, R>(
  address: string,
  then: (admission: Admission) => Effect.Effect<A, E, R>
) => Effect.Effect<A, E, R>

/** Makes the function that admits the requests of an address under a policy; without one, everybody's. */
export const make = (limiter: RateLimiter["Service"], policy: Option.Option<RateLimit.RateLimitPolicy>): Admit => {
  if (Option.isNone(policy)) return (_, then) => Effect.suspend(() => then(unlimited))
  const headersOf = RateLimit.headers(policy.value)
  return (address, then) =>
    Effect.flatMap(limiter.take(policy.value, clientKey(address)), (decision) =>
      then({ accepted: decision.accepted, headers: headersOf(decision) })
    )
}
