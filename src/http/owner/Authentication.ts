/**
 * Authenticates requests to the owner API by their key, and limits their rate per key.
 *
 * Requests without a valid key count against the limit of their address. An address that exceeds it gets no further lookups
 * until its oldest request leaves the window, so that guessing keys costs the database little.
 *
 * @module
 */
import { Clock, Effect, Layer, Option, Redacted } from "effect"
import { HttpEffect, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Authentication, Caller } from "../../contract/owner/Authentication.ts"
import type * as Errors from "../../contract/owner/Errors.ts"
import { clientKey } from "../../core/limits/ClientKey.ts"
import * as Lockout from "../../core/limits/Lockout.ts"
import * as RateLimit from "../../core/limits/RateLimit.ts"
import { RateLimiter } from "../../services/RateLimiter.ts"
import { OwnerKeys } from "../../services/sites/OwnerKeys.ts"
import * as ErrorResponses from "../endpoints/ErrorResponses.ts"
import * as RequestHead from "../endpoints/RequestHead.ts"
import * as Failures from "./Failures.ts"

export interface Options {
  /** The limit of each key, and of each address without a valid key. */
  readonly rateLimit: Option.Option<RateLimit.RateLimitPolicy>
}

/** The most addresses that are locked out at once. */
const maxLockedOut = 10_000

const unauthorized: (typeof Errors.Unauthorized)["Type"] = {
  _tag: "Unauthorized",
  detail: "Send a valid key in the header Authorization: Bearer hok_… `hydracore key issue` issues one.",
  headers: { "www-authenticate": "Bearer" }
}

const tooMany = (resetMillis: number): (typeof Errors.TooManyRequests)["Type"] => ({
  _tag: "TooManyRequests",
  detail: "Too many requests. Wait as many seconds as Retry-After says.",
  headers: { "retry-after": Math.max(1, Math.ceil(resetMillis / 1000)) }
})

/** Adds headers to the response of the current request, also if that is an error. */
const addHeaders = (headers: Record<string, string>) =>
  HttpEffect.appendPreResponseHandler((_, response) => Effect.succeed(HttpServerResponse.setHeaders(response, headers)))

/** `HttpApiBuilder` answers a body of another type with a 415 in plain text. */
const withJsonErrors = (response: HttpServerResponse.HttpServerResponse) =>
  response.status === 415
    ? ErrorResponses.refusal(415, "The body must be JSON. Send it with Content-Type: application/json.")
    : response

export const layer = ({ rateLimit }: Options) =>
  Layer.effect(
    Authentication,
    Effect.gen(function* () {
      const keys = yield* OwnerKeys
      const limiter = yield* RateLimiter
      const lockout = Lockout.make(maxLockedOut)
      const policy = Option.getOrUndefined(rateLimit)
      const headersOf = policy === undefined ? () => ({}) : RateLimit.headers(policy)

      /** Counts a request of a key or an address, and fails if it exceeds the limit. */
      const limit = Effect.fnUntraced(function* (client: string, onRefused: (resetMillis: number) => void) {
        if (policy === undefined) return
        const decision = yield* limiter.take(policy, client)
        yield* addHeaders(headersOf(decision))
        if (decision.accepted) return
        onRefused(decision.resetMillis)
        return yield* Effect.fail(tooMany(decision.resetMillis))
      })

      return {
        ownerKey: Effect.fnUntraced(function* (handler, { credential }) {
          yield* addHeaders({ "cache-control": "no-store" })
          const address = clientKey(RequestHead.clientAddress(yield* HttpServerRequest.HttpServerRequest))
          const now = yield* Clock.currentTimeMillis
          const wait = lockout.remaining(address, now)
          if (wait > 0) return yield* Effect.fail(tooMany(wait))
          const found = yield* keys
            .authenticate(Redacted.value(credential))
            .pipe(Effect.catchTag("StorageUnavailable", Failures.ofStorage))
          if (Option.isNone(found)) {
            yield* limit(address, (resetMillis) => lockout.lock(address, now + resetMillis))
            return yield* Effect.fail(unauthorized)
          }
          yield* limit(found.value.keyId, () => {})
          return withJsonErrors(yield* Effect.provideService(handler, Caller, found.value))
        })
      }
    })
  )
