/**
 * Authenticates requests to the owner API by their key, or by the cookie of a console session.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util"
import { Effect, Layer, Option, Redacted, Result } from "effect"
import { HttpServerRequest, type HttpServerResponse } from "effect/http"
import * as ErrorResponses from "../../platform/http/ErrorResponses.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import { Authentication, Caller, Guest, type Identity } from "./AuthenticationApi.ts"
import { addOwnerHeaders, CallerLimits } from "./CallerLimits.ts"
import * as ConsoleCookie from "./ConsoleCookie.ts"
import * as ConsoleSession from "./ConsoleSession.ts"
import type * as Errors from "./Errors.ts"
import * as Failures from "./Failures.ts"
import * as OwnerKey from "./OwnerKey.ts"
import * as Person from "./Person.ts"
import { withJsonErrors } from "./Validation.ts"

export interface Options {
  /** Whether requests may authenticate with a console session. */
  readonly console: boolean
}

type Unauthorized = (typeof Errors.Unauthorized)["Type"]
type Refusal = (typeof Errors.TooManyRequests)["Type"] | Errors.ServiceUnavailable

const unauthorized: Unauthorized = {
  _tag: "Unauthorized",
  detail: "Send a valid key in the header Authorization: Bearer hok_… `hydracore key issue` issues one.",
  headers: { "www-authenticate": "Bearer" }
}

const statuses = { TooManyRequests: 429, ServiceUnavailable: 503 } as const

const toResponse = ({ _tag, detail, headers }: Refusal) =>
  ErrorResponses.refusal(statuses[_tag], detail, { "retry-after": String(headers["retry-after"]) })

export const layer = (options: Options) =>
  Layer.effect(
    Authentication,
    Effect.gen(function* () {
      const keys = yield* OwnerKey.OwnerKeys
      const sessions = yield* ConsoleSession.ConsoleSessions
      const limits = yield* CallerLimits

      const answer = <E, R>(
        handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | Caller>,
        caller: Identity
      ) => Effect.map(Effect.provideService(handler, Caller, caller), withJsonErrors)

      /** The session of a cookie; none if this request may not use the cookie, or if the session is not valid. */
      const sessionOf = Effect.fnUntraced(function* (name: string, cookie: string) {
        const { headers } = yield* HttpServerRequest.HttpServerRequest
        const isUsable =
          options.console &&
          headers["authorization"] === undefined &&
          ConsoleSession.cookieSyntax.isWellFormed(cookie) &&
          ConsoleCookie.isAccepted(name, { cookie: headers["cookie"] ?? "", host: headers["host"] }) &&
          ConsoleCookie.isSameOrigin(headers["sec-fetch-site"])
        if (!isUsable) return Option.none()
        const session = yield* limits.lookUp(cookie, sessions.authenticate(cookie))
        if (Option.isSome(session)) yield* limits.count(session.value.session_id)
        return session
      })

      /** Whether a key, or a session with its roles, is still valid. While the store is unavailable, each counts as valid. */
      const isStillValid = <A>(lookup: Effect.Effect<Option.Option<A>, StorageUnavailable>): Effect.Effect<boolean> =>
        Effect.map(lookup, Option.isSome).pipe(Effect.orElseSucceed(() => true))

      /** Authenticates by the cookie with this name. */
      const bySession = (name: string) =>
        Effect.fnUntraced(function* <E, R>(
          handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | Caller>,
          { credential }: { readonly credential: Redacted.Redacted }
        ) {
          const found = yield* sessionOf(name, Redacted.value(credential)).pipe(
            Effect.catchTag("StorageUnavailable", Failures.ofStorage),
            Effect.result
          )
          // An error would pass the request to the next scheme, which would refuse it for another reason.
          if (Result.isFailure(found)) return yield* Effect.as(addOwnerHeaders, toResponse(found.failure))
          if (Option.isNone(found.success)) return yield* Effect.fail(unauthorized)
          yield* addOwnerHeaders
          const session = found.success.value
          const isValid = isStillValid(
            Effect.map(
              sessions.find(Redacted.value(credential)),
              // A person whose role for one website is taken away keeps the session.
              Option.filter(({ roles }) => isDeepStrictEqual(roles, session.roles))
            )
          )
          return yield* answer(handler, {
            access: Person.accessOf(session.roles),
            id: session.session_id,
            kind: "session",
            session,
            expiresAt: null,
            isValid
          })
        })

      return {
        consoleSession: bySession(ConsoleCookie.secureName),
        localConsoleSession: bySession(ConsoleCookie.localName),
        ownerKey: Effect.fnUntraced(function* (handler, { credential }) {
          yield* addOwnerHeaders
          const key = Redacted.value(credential)
          const found = OwnerKey.isWellFormed(key)
            ? yield* limits
                .lookUp(key, keys.authenticate(key))
                .pipe(Effect.catchTag("StorageUnavailable", Failures.ofStorage))
            : Option.none()
          if (Option.isNone(found)) {
            yield* limits.countFailure
            return yield* Effect.fail(unauthorized)
          }
          const { expires_at, key_id } = found.value
          yield* limits.count(key_id)
          const isValid = isStillValid(keys.authenticate(key))
          return yield* answer(handler, {
            access: [OwnerKey.accessOf(found.value)],
            id: key_id,
            kind: "key",
            session: null,
            expiresAt: Calendar.parseOrNull(expires_at),
            isValid
          })
        })
      }
    })
  )

/** For endpoints whose handler looks up the secret itself. */
export const guest = Layer.succeed(Guest, (handler) =>
  addOwnerHeaders.pipe(Effect.andThen(handler), Effect.map(withJsonErrors))
)
