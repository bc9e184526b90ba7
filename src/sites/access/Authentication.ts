/**
 * Authenticates requests to the owner API by their key, or by the cookie of a console session; and requests of shared dashboards by the
 * secret of a share, which gives access to the statistics of one website only.
 *
 * @module
 */
import { isDeepStrictEqual } from "node:util"
import { Effect, Layer, Option, Redacted, Result } from "effect"
import { HttpServerRequest, type HttpServerResponse } from "effect/http"
import * as ErrorResponses from "../../platform/http/ErrorResponses.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as ErrorMapping from "../ErrorMapping.ts"
import { SiteDirectory } from "../SiteDirectory.ts"
import * as Access from "./Access.ts"
import {
  Authentication,
  Caller,
  Guest,
  type Identity,
  SharedAuthentication,
  SharedCaller
} from "./AuthenticationApi.ts"
import { addOwnerHeaders, CallerLimits } from "./CallerLimits.ts"
import * as ConsoleSession from "./ConsoleSession.ts"
import * as Errors from "./Errors.ts"
import * as OwnerKey from "./OwnerKey.ts"
import * as Person from "./Person.ts"
import * as Share from "./Share.ts"
import * as SharePassword from "./SharePassword.ts"
import { withJsonErrors } from "./Validation.ts"

export interface Options {
  /** Whether requests may authenticate with a console session. */
  readonly console: boolean
}

type Unauthorized = (typeof Errors.Unauthorized)["Type"]
type Refusal = Errors.TooManyRequests | Errors.ServiceUnavailable

const unauthorized: Unauthorized = {
  _tag: "Unauthorized",
  detail: "Send a valid key in the header Authorization: Bearer hok_… `hydracore key issue` issues one.",
  headers: { "www-authenticate": "Bearer" }
}

/** The store is unavailable, for authentication, which ends before `Validation.ts` logs it: 503. Logs the reason. */
const ofStorage = (error: StorageUnavailable) =>
  Effect.andThen(ErrorMapping.logUnavailable(error), Effect.fail(Errors.unavailable))

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
          ConsoleSession.isCookieAccepted(name, { cookie: headers["cookie"] ?? "", host: headers["host"] }) &&
          ConsoleSession.isSameOrigin(headers["sec-fetch-site"])
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
            Effect.catchTag("StorageUnavailable", ofStorage),
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
        consoleSession: bySession(ConsoleSession.secureCookieName),
        localConsoleSession: bySession(ConsoleSession.localCookieName),
        ownerKey: Effect.fnUntraced(function* (handler, { credential }) {
          yield* addOwnerHeaders
          const key = Redacted.value(credential)
          const found = OwnerKey.isWellFormed(key)
            ? yield* limits.lookUp(key, keys.authenticate(key)).pipe(Effect.catchTag("StorageUnavailable", ofStorage))
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

/** Does not reveal why the secret is not valid. */
export const notShared: Unauthorized = {
  _tag: "Unauthorized",
  detail: "This dashboard is no longer shared, or its address is incomplete. Ask its owner for another address.",
  headers: {}
}

const locked = Errors.make(
  "Forbidden",
  "This dashboard has a password. POST /v1/owner/shared/password takes it, and sets a cookie for further requests."
)

export const shared = (options: Options) =>
  Layer.effect(
    SharedAuthentication,
    Effect.gen(function* () {
      const shares = yield* Share.Shares
      const directory = yield* SiteDirectory
      const limits = yield* CallerLimits

      /** The share of a secret, with the proof for its website. */
      const access = Effect.fnUntraced(function* (secret: string) {
        const share = Option.getOrUndefined(yield* shares.authenticate(secret))
        if (share === undefined) return Option.none()
        const site = yield* directory.byWebsiteConfigId(share.site_id)
        const access = [{ grants: Access.scopeGrants.stats, sites: [share.site_id] }]
        const proof = Option.flatMap(site, (found) => Access.permit(access, "stats", "read", found))
        return Option.map(proof, (proof) => ({ proof, share }))
      })

      return {
        shareSecret: Effect.fnUntraced(function* (handler, { credential }) {
          yield* addOwnerHeaders
          if (!options.console) return yield* Effect.fail(Errors.noConsole)
          const secret = Redacted.value(credential)
          const found = Share.secret.isWellFormed(secret)
            ? yield* limits.lookUp(secret, access(secret)).pipe(Effect.catchTag("StorageUnavailable", ofStorage))
            : Option.none()
          if (Option.isNone(found)) {
            yield* limits.countFailure
            return yield* Effect.fail(notShared)
          }
          // By address: a share has many readers, and one of them must not use up the limit of the others.
          yield* limits.countShared
          const { proof, share } = found.value
          const { cookies } = yield* HttpServerRequest.HttpServerRequest
          const given = SharePassword.proofIn(share.share_id, cookies)
          if (
            share.has_password &&
            !(yield* shares.isUnlocked(secret, given).pipe(Effect.catchTag("StorageUnavailable", ofStorage)))
          ) {
            return yield* Effect.fail(locked)
          }
          const caller = { proof, numbers: share.numbers }
          return yield* Effect.map(Effect.provideService(handler, SharedCaller, caller), withJsonErrors)
        })
      }
    })
  )
