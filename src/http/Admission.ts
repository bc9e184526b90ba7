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

/** Makes the function that admits the requests of an address under a policy; without one, everybody's. */
export const make = (
  limiter: RateLimiter["Service"],
  policy: Option.Option<RateLimit.RateLimitPolicy>
): ((address: string) => Effect.Effect<Admission>) => {
  if (Option.isNone(policy)) return () => Effect.succeed(unlimited)
  const headersOf = RateLimit.headers(policy.value)
  return (address) =>
    Effect.map(limiter.take(policy.value, clientKey(address)), (decision) => ({
      accepted: decision.accepted,
      headers: headersOf(decision)
    }))
}
