/**
 * Requests to the owner API of a test's server.
 *
 * @module
 */
import { Clock, Effect } from "effect"
import type { Access, Role } from "../../src/sites/access/Access.ts"
import { ConsoleSessions } from "../../src/sites/access/ConsoleSession.ts"

/** The header that a browser adds to a request of a page to its own origin. */
export const fromOwnPage = { "sec-fetch-site": "same-origin" }

export interface OwnerAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/**
 * Sends a request: with `key`, with `cookie` as a page of the service does, or with neither. A string body is sent unchanged, any
 * other body as JSON.
 */
export const send = (
  url: string,
  path: string,
  options: {
    readonly key?: string
    readonly cookie?: string
    readonly body?: unknown
    readonly init?: RequestInit
  } = {}
) =>
  Effect.promise(async (signal): Promise<OwnerAnswer> => {
    const { body, cookie, init, key } = options
    const response = await fetch(url + path, {
      method: body === undefined ? "GET" : "POST",
      ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      signal,
      ...init,
      headers: {
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...(cookie === undefined ? {} : { cookie: `a=b; hydracore_console=${cookie}`, ...fromOwnPage }),
        ...init?.headers
      }
    })
    return { status: response.status, headers: response.headers, text: await response.text() }
  })

/** A link to the console that expires in a minute. */
export const newLink = (role: Role, sites: Access["sites"]) =>
  Effect.gen(function* () {
    const sessions = yield* ConsoleSessions
    const linkExpiresAt = (yield* Clock.currentTimeMillis) + 60_000
    return yield* Effect.fromOption(yield* sessions.createLink({ role, sites, label: null, linkExpiresAt }))
  }).pipe(Effect.orDie)

/** The secret in the cookie of a new session. */
export const newCookie = (role: Role, sites: Access["sites"]) =>
  Effect.gen(function* () {
    const { link } = yield* newLink(role, sites)
    const opened = yield* ConsoleSessions.use((sessions) => sessions.open(link))
    return (yield* Effect.fromOption(opened)).cookie
  }).pipe(Effect.orDie)
