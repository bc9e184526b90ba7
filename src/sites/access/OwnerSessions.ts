/**
 * Opens, reads and closes console sessions for the owner API.
 *
 * @module
 */
import { Context, Effect, Layer, Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import type { Site } from "../Site.ts"
import { SiteDirectory } from "../SiteDirectory.ts"
import { Caller } from "./AuthenticationApi.ts"
import { CallerLimits } from "./CallerLimits.ts"
import { type ConsoleSession, linkSyntax, type OpenSession } from "./ConsoleSession.ts"
import { ConsoleSessions } from "./ConsoleSessions.ts"
import * as Errors from "./Errors.ts"

type NotFound = (typeof Errors.NotFound)["Type"]
type Unauthorized = (typeof Errors.Unauthorized)["Type"]
type ServiceUnavailable = Errors.ServiceUnavailable
type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]

export interface LinkedSession {
  readonly session: ConsoleSession
  readonly sites: "all" | ReadonlyArray<Site>
}

export class OwnerSessions extends Context.Service<
  OwnerSessions,
  {
    /** Opens the session of a link, and returns the secret for its cookie. A failure counts against the client's address. */
    readonly open: (
      link: string
    ) => Effect.Effect<
      string,
      Unauthorized | NotFound | TooManyRequests | ServiceUnavailable | StorageUnavailable,
      HttpServerRequest.HttpServerRequest
    >
    /** Like `open`, without opening the session: the unopened session of a link, with its websites unless it reaches all. */
    readonly readLink: (
      link: string
    ) => Effect.Effect<
      LinkedSession,
      Unauthorized | NotFound | TooManyRequests | ServiceUnavailable | StorageUnavailable,
      HttpServerRequest.HttpServerRequest
    >
    /** The caller's session. */
    readonly current: Effect.Effect<OpenSession, NotFound, Caller>
    /** Ends the caller's session. */
    readonly close: Effect.Effect<void, NotFound | StorageUnavailable, Caller>
  }
>()("hydracore/sites/access/OwnerSessions") {}

export interface Options {
  /** Whether there is a console. */
  readonly console: boolean
}

/** The link opens no session. Does not reveal why. */
export const unusableLink: Unauthorized = {
  _tag: "Unauthorized",
  detail: "This link is expired, was opened before, or is incomplete. `hydracore console link` prints a new one.",
  headers: {}
}

const off = Errors.make("NotFound", "There is no console at this address. CONSOLE=on turns it on.")

const withoutSession = Errors.make("NotFound", "This request has a key. Only a request of the console has a session.")

export const layer = (
  options: Options
): Layer.Layer<OwnerSessions, never, ConsoleSessions | SiteDirectory | CallerLimits> =>
  Layer.effect(
    OwnerSessions,
    Effect.gen(function* () {
      const sessions = yield* ConsoleSessions
      const directory = yield* SiteDirectory
      const limits = yield* CallerLimits
      const current = Caller.use(({ session }) =>
        session === null ? Effect.fail(withoutSession) : Effect.succeed(session)
      )
      /** Looks up a link with `find`. A link that is not found counts against the client's address. */
      const lookUp = Effect.fnUntraced(function* <A>(
        link: string,
        find: (link: string) => Effect.Effect<Option.Option<A>, StorageUnavailable>
      ) {
        if (!options.console) return yield* Effect.fail(off)
        const found = linkSyntax.isWellFormed(link) ? yield* limits.lookUp(link, find(link)) : Option.none()
        if (Option.isSome(found)) return found.value
        yield* limits.countFailure
        return yield* Effect.fail(unusableLink)
      })

      return {
        open: (link) => Effect.map(lookUp(link, sessions.open), ({ cookie }) => cookie),
        readLink: Effect.fnUntraced(function* (link) {
          const session = yield* lookUp(link, sessions.findLink)
          yield* limits.count(session.sessionId)
          if (session.sites === "all") return { session, sites: "all" }
          const found = yield* Effect.forEach(session.sites, directory.byWebsiteConfigId)
          return { session, sites: found.flatMap(Option.toArray) }
        }),
        current,
        close: Effect.flatMap(current, ({ sessionId }) => sessions.end(sessionId))
      }
    })
  )
