/**
 * Declares how a request to the owner API authenticates: with an owner key in `Authorization: Bearer`, with the cookie of a
 * console session, or, for a shared dashboard, with the secret of its share. `Authentication.ts` implements
 * this. Also declares what answers an invalid request, which `Validation.ts` implements.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import type { Access, AuthorizedSite } from "./Access.ts"
import * as ConsoleSession from "./ConsoleSession.ts"
import * as Errors from "./Errors.ts"
import type { Numbers } from "./Share.ts"

/** The caller of a request: what it may do, and its console session, which is null for a key and for the operator. */
export interface Identity {
  readonly access: ReadonlyArray<Access>
  /** The id of the key or the session. */
  readonly id: string
  /** What the caller authenticated with. The operator runs commands, and no request has this identity (`cli/operator`). */
  readonly kind: "key" | "session" | "operator"
  readonly session: ConsoleSession.OpenSession | null
  /** When the key expires, in milliseconds since 1970; null for a session, and for a key that does not expire. */
  readonly expiresAt: number | null
  /** Whether the key, or the session with the roles of `access`, is still valid. A long response checks this while it runs. */
  readonly isValid: Effect.Effect<boolean>
}

/** The name of a caller that other people of the website see, or the address of a person without a name; null if none is known. */
export const nameOf = ({ session }: Identity): string | null =>
  session?.person?.name ?? session?.person?.email ?? session?.label ?? null

export class Caller extends Context.Service<Caller, Identity>()("hydracore/sites/access/Caller") {}

const cookie = (key: string, description: string) =>
  HttpApiSecurity.apiKey({ key, in: "cookie" }).pipe(HttpApiSecurity.annotate(OpenApi.Description, description))

/** The cookie of a console session. */
export const sessionCookie = cookie(
  ConsoleSession.secureCookieName,
  "The session of a person in the console, which `POST /v1/owner/session` begins. It counts only in requests of the service's own pages (`Sec-Fetch-Site: same-origin`), and only if the request contains its cookie once."
)

/** The cookie of a console session over http on this machine. */
export const localSessionCookie = cookie(
  ConsoleSession.localCookieName,
  "The same session for a console that is opened over `http` on this machine (`Host` is `localhost` or a loopback address)."
)

export class Authentication extends HttpApiMiddleware.Service<Authentication, { provides: Caller }>()(
  "hydracore/sites/access/Authentication",
  {
    error: [
      ...Errors.common,
      Errors.Unauthorized,
      Errors.UnsupportedMediaType,
      Errors.TooManyRequests,
      Errors.ServiceUnavailable
    ],
    // If a scheme fails, the next one is tried. The last scheme determines the error.
    security: {
      consoleSession: sessionCookie,
      localConsoleSession: localSessionCookie,
      ownerKey: HttpApiSecurity.bearer.pipe(
        HttpApiSecurity.annotate(
          OpenApi.Description,
          "A key that `hydracore key issue` printed: `hok_` and 43 characters. It reaches some or all websites, and has a scope: `stats`, `read` or `write`."
        )
      )
    }
  }
) {}

/** For endpoints that need no key or session but take a secret, whose failures count against the client's address. */
export class Guest extends HttpApiMiddleware.Service<Guest>()("hydracore/sites/access/Guest", {
  error: [...Errors.common, Errors.UnsupportedMediaType, Errors.TooManyRequests, Errors.ServiceUnavailable]
}) {}

/** The viewer of a shared dashboard. */
export interface SharedAccess {
  /** The proof that the share permits reading its website's statistics. */
  readonly proof: AuthorizedSite<"stats:read">
  readonly numbers: Numbers
}

export class SharedCaller extends Context.Service<SharedCaller, SharedAccess>()(
  "hydracore/sites/access/SharedCaller"
) {}

/** Authenticates requests of shared dashboards. A share's secret is not a key: no other endpoint accepts it. */
export class SharedAuthentication extends HttpApiMiddleware.Service<SharedAuthentication, { provides: SharedCaller }>()(
  "hydracore/sites/access/SharedAuthentication",
  {
    error: [
      ...Errors.common,
      Errors.Unauthorized,
      Errors.Forbidden,
      Errors.NotFound,
      Errors.UnsupportedMediaType,
      Errors.TooManyRequests,
      Errors.ServiceUnavailable
    ],
    security: {
      shareSecret: HttpApiSecurity.bearer.pipe(
        HttpApiSecurity.annotate(
          OpenApi.Description,
          "The secret in the URL of a shared dashboard: `hsh_` and 43 characters. It shows the statistics of one website, with protected numbers (each is 0, `<5` or a multiple of 5) or exact ones. If the dashboard has a password, the request also needs the cookie that `POST /v1/owner/shared/password` sets."
        )
      )
    }
  }
) {}

/**
 * An endpoint that declares this responds to an invalid request with a 422 that lists its errors, and its handler may fail with
 * `StorageUnavailable` and `LimitReached`.
 */
export class Validation extends HttpApiMiddleware.Service<Validation>()("hydracore/sites/access/Validation", {
  error: Errors.ValidationFailed
}) {}
