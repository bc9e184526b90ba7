/**
 * `POST`, `GET` and `DELETE /v1/owner/session`, and `POST /v1/owner/session/link`.
 *
 * @module
 */
import { Effect } from "effect"
import { HttpServerRequest } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as ConsoleCookie from "../../platform/http/ConsoleCookie.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import { localSessionCookie, sessionCookie } from "./AuthenticationApi.ts"
import { limits } from "./ConsoleSession.ts"
import * as Failures from "./Failures.ts"
import { OwnerSessions, unusableLink } from "./OwnerSessions.ts"

/** The attributes of the cookie. Browsers keep it for `maxAge` milliseconds. */
export const cookieOptions = (maxAge: number, secure: boolean) =>
  ({
    httpOnly: true,
    sameSite: "strict",
    path: "/",
    maxAge,
    secure
  }) as const

/** Sets the cookie in the response to the current request. */
const setCookie = Effect.fnUntraced(function* (value: string, maxAge: number) {
  const { headers } = yield* HttpServerRequest.HttpServerRequest
  const isSecure = ConsoleCookie.mustBeSecure({ origin: headers["origin"], host: headers["host"] })
  const cookie = isSecure ? sessionCookie : localSessionCookie
  yield* HttpApiBuilder.securitySetCookie(cookie, value, cookieOptions(maxAge, isSecure))
})

/** Refuses the request of a page of another origin. */
const expectOwnPage = HttpServerRequest.HttpServerRequest.use(({ headers }) =>
  ConsoleCookie.isSameOrigin(headers["sec-fetch-site"]) ? Effect.void : Effect.fail(unusableLink)
)

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "session",
  Effect.fnUntraced(function* (handlers) {
    const sessions = yield* OwnerSessions
    return handlers
      .handle(
        "open",
        Effect.fnUntraced(
          function* ({ payload }) {
            yield* expectOwnPage
            yield* setCookie(yield* sessions.open(payload.secret), limits.absolute)
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "readLink",
        Effect.fnUntraced(
          function* ({ payload }) {
            yield* expectOwnPage
            const { session, sites } = yield* sessions.readLink(payload.secret)
            return {
              role: session.role,
              label: session.label,
              sites:
                sites === "all"
                  ? sites
                  : sites.map(({ name, websiteConfigId }) => ({ site_id: websiteConfigId, name })),
              expires_at: Calendar.iso(session.linkExpiresAt)
            }
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("current", () =>
        Effect.map(sessions.current, ({ label, role, sites, use }) => ({
          role,
          label,
          sites,
          expires_at: Calendar.iso(use.openedAt + limits.absolute)
        }))
      )
      .handle("close", () =>
        sessions.close.pipe(Effect.andThen(setCookie("", 0)), Effect.catchTag("StorageUnavailable", Failures.ofStorage))
      )
  })
)
