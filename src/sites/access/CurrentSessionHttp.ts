/**
 * The endpoints at and below `/v1/owner/session`, and `/v1/owner/login`.
 *
 * @module
 */

import Bowser from "bowser"
import { Clock, Effect, Option } from "effect"
import { HttpServerRequest } from "effect/http"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import { SiteDirectory } from "../SiteDirectory.ts"
import { Caller, localSessionCookie, sessionCookie } from "./AuthenticationApi.ts"
import { CallerLimits } from "./CallerLimits.ts"
import * as ConsoleSession from "./ConsoleSession.ts"
import * as Errors from "./Errors.ts"
import * as MailedLink from "./MailedLink.ts"
import { People } from "./Person.ts"

/** Longer texts are not from browsers. */
const maxUserAgent = 1_024

const browsers: ReadonlySet<string> = new Set(Object.values(Bowser.BROWSER_MAP))
const systems: ReadonlySet<string> = new Set(Object.values(Bowser.OS_MAP))

/** Such as `Firefox on Linux`; null if the header names no known browser. Nothing else of the header is in it. */
const deviceOf = (userAgent: string | undefined): string | null => {
  if (userAgent === undefined || userAgent === "" || userAgent.length > maxUserAgent) return null
  const parser = Bowser.getParser(userAgent)
  const [browser, system] = [parser.getBrowserName(), parser.getOSName()]
  if (!browsers.has(browser)) return null
  return systems.has(system) ? `${browser} on ${system}` : browser
}

/** The maximum number of websites that the page of a link names. */
const maxNamed = 20

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
  const isSecure = ConsoleSession.mustBeSecure({ origin: headers["origin"], host: headers["host"] })
  const cookie = isSecure ? sessionCookie : localSessionCookie
  yield* HttpApiBuilder.securitySetCookie(cookie, value, cookieOptions(maxAge, isSecure))
})

/** The link opens no session. Does not reveal why. */
const unusableLink: (typeof Errors.Unauthorized)["Type"] = {
  _tag: "Unauthorized",
  detail: "This link is expired, was opened before, or is incomplete. `hydracore console link` prints a new one.",
  headers: {}
}

const withoutSession = Errors.make("NotFound", "This request has a key. Only a request of the console has a session.")

const foreignPage: (typeof Errors.Unauthorized)["Type"] = {
  _tag: "Unauthorized",
  detail: "Only the console's own page can do this.",
  headers: {}
}

/** Refuses the request of a page of another origin. */
const expectOwnPage = (refusal: (typeof Errors.Unauthorized)["Type"]) =>
  HttpServerRequest.HttpServerRequest.use(({ headers }) =>
    ConsoleSession.isSameOrigin(headers["sec-fetch-site"]) ? Effect.void : Effect.fail(refusal)
  )

/** The caller's session. */
const currentSession = Caller.use(({ session }) =>
  session === null ? Effect.fail(withoutSession) : Effect.succeed(session)
)

const noDevice = Errors.make(
  "NotFound",
  "Your devices have no such session. `GET /v1/owner/session/devices` lists them."
)

const fixedAddress = Errors.invalid(
  "email",
  "the address of a person does not change; an owner can invite the new address, and remove the old one"
)

const withoutAddress = Errors.invalid("email", "an email address is expected")

const takenAddress = Errors.invalid(
  "email",
  "there is a person with this address; `hydracore console link --email <address>` prints a link for this person"
)

export interface Options {
  /** Whether there is a console. */
  readonly console: boolean
}

export const layer = (options: Options) =>
  HttpApiBuilder.group(
    OwnerApi,
    "session",
    Effect.fnUntraced(function* (handlers) {
      const sessions = yield* ConsoleSession.ConsoleSessions
      const directory = yield* SiteDirectory
      const callers = yield* CallerLimits
      const login = yield* MailedLink.makeLogin
      const links = yield* MailedLink.make
      const people = yield* People

      /** Looks up a link with `find`. A link that is not found counts against the client's address. */
      const lookUp = Effect.fnUntraced(function* <A>(
        link: string,
        find: (link: string) => Effect.Effect<Option.Option<A>, StorageUnavailable>
      ) {
        yield* expectOwnPage(unusableLink)
        if (!options.console) return yield* Effect.fail(Errors.noConsole)
        const found = ConsoleSession.linkSyntax.isWellFormed(link)
          ? yield* callers.lookUp(link, find(link))
          : Option.none()
        if (Option.isSome(found)) return found.value
        yield* callers.countFailure
        return yield* Effect.fail(unusableLink)
      })

      return handlers
        .handle(
          "open",
          Effect.fnUntraced(function* ({ payload }) {
            const { cookies, headers } = yield* HttpServerRequest.HttpServerRequest
            const device = deviceOf(headers["user-agent"])
            const { cookie } = yield* lookUp(payload.secret, (link) => sessions.open(link, device))
            // The browser loses the cookie of its earlier session, which would go on without a browser.
            for (const { key } of [sessionCookie, localSessionCookie]) {
              const earlier = yield* Effect.orElseSucceed(sessions.find(cookies[key] ?? ""), Option.none)
              if (Option.isSome(earlier)) yield* Effect.ignore(sessions.end(earlier.value.session_id))
            }
            yield* setCookie(cookie, ConsoleSession.limits.cookie)
          })
        )
        .handle(
          "readLink",
          Effect.fnUntraced(function* ({ payload }) {
            const { email, ends_at, label, person, roles, session_id } = yield* lookUp(
              payload.secret,
              sessions.findLink
            )
            yield* callers.count(session_id)
            const ids = roles.flatMap(({ sites }) => (sites === "all" ? [] : sites)).slice(0, maxNamed)
            const found = yield* Effect.forEach(ids, directory.byWebsiteConfigId)
            const sites = found
              .flatMap(Option.toArray)
              .map(({ name, websiteConfigId }) => ({ site_id: websiteConfigId, name }))
            return { person, label, email, roles, sites, expires_at: ends_at }
          })
        )
        .handle(
          "readLogin",
          Effect.fnUntraced(function* () {
            yield* expectOwnPage(foreignPage)
            if (!options.console) return yield* Effect.fail(Errors.noConsole)
            return { can_mail: login.canMail }
          })
        )
        .handle(
          "login",
          Effect.fnUntraced(function* ({ payload: { email, page = "" } }) {
            yield* expectOwnPage(foreignPage)
            if (!options.console) return yield* Effect.fail(Errors.noConsole)
            yield* login.request(email, page)
          })
        )
        .handle("current", () =>
          Effect.map(currentSession, ({ ends_at, label, person, roles, session_id }) => ({
            session_id,
            person,
            label,
            roles,
            expires_at: ends_at
          }))
        )
        .handle(
          "devices",
          Effect.fnUntraced(function* () {
            const own = yield* currentSession
            const found = own.person === null ? [own] : yield* sessions.ofPerson(own.person.person_id)
            return {
              devices: found.map(({ device, last_used_at, opened_at, session_id }) => ({
                session_id,
                device,
                opened_at,
                last_used_at,
                current: session_id === own.session_id
              }))
            }
          })
        )
        .handle(
          "endDevice",
          Effect.fnUntraced(function* ({ params: { session_id } }) {
            const { person } = yield* currentSession
            const found = person === null ? [] : yield* sessions.ofPerson(person.person_id)
            if (!found.some((one) => one.session_id === session_id)) return yield* Effect.fail(noDevice)
            yield* sessions.revoke(session_id)
          })
        )
        .handle(
          "setPerson",
          Effect.fnUntraced(function* ({ payload: { email, name } }) {
            const { person, roles, session_id } = yield* currentSession
            if (person !== null) {
              if (email !== undefined) return yield* Effect.fail(fixedAddress)
              yield* people.rename(person.person_id, name)
              return { mailed: false }
            }
            const [granted] = roles
            if (email === undefined || granted === undefined) return yield* Effect.fail(withoutAddress)
            if (!links.canMail) {
              if (yield* people.claim(session_id, { email, name })) return { mailed: false }
              return yield* Effect.fail(takenAddress)
            }
            const linkExpiresAt = (yield* Clock.currentTimeMillis) + Calendar.dayMillis
            const request = {
              ...granted,
              label: name,
              linkExpiresAt,
              createdBy: session_id,
              callerSites: granted.sites
            }
            yield* links
              .create(request, email, { title: "confirmation" })
              .pipe(Effect.catchTag("NotMailed", MailedLink.refuse))
            return { mailed: true }
          })
        )
        .handle(
          "close",
          Effect.fnUntraced(function* () {
            const { session_id } = yield* currentSession
            yield* sessions.end(session_id)
            yield* setCookie("", 0)
          })
        )
    })
  )
