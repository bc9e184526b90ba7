/**
 * Limits the rate of requests to the owner API: per key or session, and per address for requests of shared dashboards and for
 * requests without a valid secret.
 *
 * An address that sends too many requests without a valid secret is locked out until the oldest of them leaves the window: its
 * requests cause no lookups, so that guessing secrets costs the database little.
 *
 * @module
 */
import { Clock, Context, Effect, Layer, Option } from "effect"
import { HttpEffect, HttpServerRequest, HttpServerResponse } from "effect/http"
import type * as Errors from "../../../contract/owner/Errors.ts"
import { clientKey } from "../../../core/limits/ClientKey.ts"
import * as Lockout from "../../../core/limits/Lockout.ts"
import * as RateLimit from "../../../core/limits/RateLimit.ts"
import { RateLimiter } from "../../../services/RateLimiter.ts"
import * as RequestHead from "../../request/RequestHead.ts"

type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]
type Request = HttpServerRequest.HttpServerRequest

export class CallerLimits extends Context.Service<
  CallerLimits,
  {
    /** Fails while the address of the request is locked out. */
    readonly admit: Effect.Effect<void, TooManyRequests, Request>
    /** Counts a request without a valid secret against its address. Fails, and locks the address out, over the limit. */
    readonly countFailure: Effect.Effect<void, TooManyRequests, Request>
    /** Counts a request of a shared dashboard against its client's address. Fails over the limit, without a lock-out. */
    readonly countShared: Effect.Effect<void, TooManyRequests, Request>
    /** Counts a request of a key or a session. Fails over the limit. */
    readonly count: (id: string) => Effect.Effect<void, TooManyRequests, Request>
  }
>()("hydracore/http/owner/authentication/CallerLimits") {}

export interface Options {
  /**
   * The limit of each key, of each session, and of each address for requests without a valid secret and for shared dashboards.
   */
  readonly rateLimit: Option.Option<RateLimit.RateLimitPolicy>
}

/** The maximum number of addresses that are locked out at once. */
const maxLockedOut = 10_000

const tooMany = (resetMillis: number): TooManyRequests => ({
  _tag: "TooManyRequests",
  detail: "Too many requests. Wait as many seconds as Retry-After says.",
  headers: { "retry-after": Math.max(1, Math.ceil(resetMillis / 1000)) }
})

/** Adds headers to the response of the current request, also to an error. */
const addHeaders = (headers: Record<string, string>) =>
  HttpEffect.appendPreResponseHandler((_, response) => Effect.succeed(HttpServerResponse.setHeaders(response, headers)))

/**
 * Adds the headers of every response of the owner API: it is not stored, pages of other origins cannot embed it, and browsers
 * do not guess its type.
 */
export const addOwnerHeaders = addHeaders({
  "cache-control": "no-store",
  "cross-origin-resource-policy": "same-origin",
  "x-content-type-options": "nosniff"
})

const addressOf = Effect.map(HttpServerRequest.HttpServerRequest, (request) =>
  clientKey(RequestHead.clientAddress(request))
)

export const layer = ({ rateLimit }: Options): Layer.Layer<CallerLimits, never, RateLimiter> =>
  Layer.effect(
    CallerLimits,
    Effect.gen(function* () {
      const limiter = yield* RateLimiter
      const lockout = Lockout.make(maxLockedOut)
      const policy = Option.getOrUndefined(rateLimit)
      const headersOf = policy === undefined ? () => ({}) : RateLimit.headers(policy)

      const take = Effect.fnUntraced(function* (client: string, onRefused: (resetMillis: number) => void) {
        if (policy === undefined) return
        const decision = yield* limiter.take(policy, client)
        yield* addHeaders(headersOf(decision))
        if (decision.accepted) return
        onRefused(decision.resetMillis)
        return yield* Effect.fail(tooMany(decision.resetMillis))
      })

      return {
        admit: Effect.gen(function* () {
          const wait = lockout.remaining(yield* addressOf, yield* Clock.currentTimeMillis)
          if (wait > 0) return yield* Effect.fail(tooMany(wait))
        }),
        countFailure: Effect.gen(function* () {
          const address = yield* addressOf
          const now = yield* Clock.currentTimeMillis
          yield* take(address, (resetMillis) => lockout.lock(address, now + resetMillis))
        }),
        countShared: Effect.flatMap(addressOf, (address) => take(`shared ${address}`, () => {})),
        count: (id) => take(id, () => {})
      }
    })
  )
