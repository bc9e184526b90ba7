/**
 * Counts a request against its client's limit: once it was found valid, or, if its body is large, before: to
 * take that apart is what costs most.
 *
 * @module
 */
import { Effect, Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import { clientKey } from "../core/ClientKey.ts"
import * as RateLimit from "../core/RateLimit.ts"
import type { RateLimiter } from "../services/RateLimiter.ts"
import type { Asked } from "./Endpoint.ts"

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

/**
 * Bytes. A body that is no longer is counted once it was found valid, and not at all otherwise. To take it apart costs less
 * than a millisecond whatever it holds: a key in every five bytes, or a part of a form in every fifty, costs most.
 */
export const uncounted = 4_096

/** How a body that is taken apart is counted. */
export interface Gate {
  /** To be asked with what is valid. */
  readonly admit: Admit
  /** What an answer that is given before that tells of the limit. */
  readonly told: Headers | undefined
}

/**
 * An endpoint that takes bodies apart with `take`, which asks the gate. A request with a large body is counted before,
 * whether it is valid or not; one that is over the limit is answered with `refuse` then, which must not look far into it.
 */
export const gated = <A, E, R>(
  admit: Admit,
  take: (asked: Asked, bytes: Uint8Array, gate: Gate) => Effect.Effect<A, E, R>,
  refuse: (asked: Asked, bytes: Uint8Array, headers: Headers) => Effect.Effect<A, E, R>
): ((asked: Asked, bytes: Uint8Array) => Effect.Effect<A, E, R>) => {
  const late: Gate = { admit, told: undefined }
  return (asked, bytes) =>
    bytes.length <= uncounted
      ? take(asked, bytes, late)
      : admit(asked.address, (admission) =>
          admission.accepted
            ? take(asked, bytes, {
                admit: (_, then) => Effect.suspend(() => then(admission)),
                told: admission.headers
              })
            : refuse(asked, bytes, admission.headers)
        )
}
