/**
 * Opens the console without a link, for browsers on the demo's own machine. Only `demo` has it.
 *
 * @module
 */
import { Clock, Effect, type Layer, Option } from "effect"
import { Headers, HttpRouter, HttpServerRequest, HttpServerResponse } from "effect/http"
import * as Incoming from "../platform/http/Incoming.ts"
import { localSessionCookie } from "../sites/access/AuthenticationApi.ts"
import * as ConsoleSession from "../sites/access/ConsoleSession.ts"
import * as Credential from "../sites/access/Credential.ts"
import { current } from "../sites/access/CurrentSessionApi.ts"
import { cookieOptions } from "../sites/access/CurrentSessionHttp.ts"
import * as LocalPage from "./LocalPage.ts"

/** Whether the console, in a browser on this machine, requests its session. */
const isSessionRequest = (request: HttpServerRequest.HttpServerRequest): boolean => {
  const { headers, method, url } = request
  return (
    method === "GET" &&
    url.split("?", 1)[0] === current.path &&
    headers["authorization"] === undefined &&
    ConsoleSession.isSameOrigin(headers["sec-fetch-site"]) &&
    LocalPage.isFromThisMachine({ headers, peer: Incoming.fromRequest(request).peer })
  )
}

/**
 * If a console in a browser on this machine has no session, opens one and answers the console's request in it. Not if its session
 * ended while the demo ran: a person who was removed stays logged out.
 */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter | ConsoleSession.ConsoleSessions> =
  HttpRouter.middleware(
    Effect.gen(function* () {
      const sessions = yield* ConsoleSession.ConsoleSessions
      /** The digests of the cookies of open sessions that were seen. */
      const seen = new Set<string>()

      /** Opens a session for all websites, and returns its cookie. */
      const openSession = Effect.gen(function* () {
        const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
        const created = yield* sessions.createLink({ role: "owner", sites: "all", label: "Demo", linkExpiresAt })
        return Option.isNone(created) ? Option.none() : yield* sessions.open(created.value.link)
      })

      return Effect.fnUntraced(function* (app) {
        const request = yield* HttpServerRequest.HttpServerRequest
        if (!isSessionRequest(request)) return yield* app
        // If the database is unavailable, the service's own error response is sent.
        const sent = request.cookies[localSessionCookie.key] ?? ""
        const authenticated = yield* Effect.option(sessions.authenticate(sent))
        const sentDigest = Buffer.from(Credential.digest(sent)).toString("hex")
        if (Option.isSome(Option.flatten(authenticated))) seen.add(sentDigest)
        if (Option.isNone(authenticated) || seen.has(sentDigest)) return yield* app
        const opened = Option.flatten(yield* Effect.option(openSession))
        if (Option.isNone(opened)) return yield* app
        const { cookie } = opened.value
        const answered = yield* Effect.provideService(
          app,
          HttpServerRequest.HttpServerRequest,
          request.modify({ headers: Headers.set(request.headers, "cookie", `${localSessionCookie.key}=${cookie}`) })
        )
        return HttpServerResponse.setCookieUnsafe(
          answered,
          localSessionCookie.key,
          cookie,
          cookieOptions(ConsoleSession.limits.cookie, false)
        )
      })
    }),
    { global: true }
  )
