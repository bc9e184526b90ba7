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

export interface Admission {
  readonly accepted: boolean
  /** What the answer tells of the limit, whatever the answer is. */
  readonly headers: Record<string, string>
}

const unlimited: Admission = { accepted: true, headers: {} }

/** The client's address: the socket's peer, or the one that a trusted proxy names (see `http/Server`). */
export const clientAddress = (request: HttpServerRequest.HttpServerRequest): string =>
  Option.getOrElse(request.remoteAddress, () => "unknown")

/** Makes the function that admits requests under a policy; without one, everybody. */
export const make = (
  limiter: RateLimiter["Service"],
  policy: Option.Option<RateLimit.RateLimitPolicy>
): ((request: HttpServerRequest.HttpServerRequest) => Effect.Effect<Admission>) =>
  Option.match(policy, {
    onNone: () => () => Effect.succeed(unlimited),
    onSome: (policy) => (request) =>
      Effect.map(limiter.take(policy, clientKey(clientAddress(request))), (decision) => ({
        accepted: decision.accepted,
        headers: RateLimit.headers(policy, decision)
      }))
  })
