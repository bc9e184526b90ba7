/**
 * Opens, reads and closes console sessions for the owner API.
 *
 * @module
 */
import { Context, Effect, Layer, Option } from "effect"
import type { HttpServerRequest } from "effect/http"
import { Caller } from "../../../contract/owner/Authentication.ts"
import * as Errors from "../../../contract/owner/Errors.ts"
import { linkSyntax, type OpenSession } from "../../../core/sites/ConsoleSession.ts"
import type { StorageUnavailable } from "../../../services/Storage.ts"
import { ConsoleSessions } from "../../../services/sites/ConsoleSessions.ts"
import { CallerLimits } from "../authentication/CallerLimits.ts"

type NotFound = (typeof Errors.NotFound)["Type"]
type Unauthorized = (typeof Errors.Unauthorized)["Type"]
type ServiceUnavailable = (typeof Errors.ServiceUnavailable)["Type"]
type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]

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
    /** The caller's session. */
    readonly current: Effect.Effect<OpenSession, NotFound, Caller>
    /** Ends the caller's session. */
    readonly close: Effect.Effect<void, NotFound | StorageUnavailable, Caller>
  }
>()("hydracore/http/owner/access/OwnerSessions") {}

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

export const layer = (options: Options): Layer.Layer<OwnerSessions, never, ConsoleSessions | CallerLimits> =>
  Layer.effect(
    OwnerSessions,
    Effect.gen(function* () {
      const sessions = yield* ConsoleSessions
      const limits = yield* CallerLimits
      const current = Caller.use(({ session }) =>
        session === null ? Effect.fail(withoutSession) : Effect.succeed(session)
      )
      return {
        open: Effect.fnUntraced(function* (link) {
          if (!options.console) return yield* Effect.fail(off)
          const opened = linkSyntax.isWellFormed(link) ? yield* limits.lookUp(link, sessions.open(link)) : Option.none()
          if (Option.isSome(opened)) return opened.value.cookie
          yield* limits.countFailure
          return yield* Effect.fail(unusableLink)
        }),
        current,
        close: Effect.flatMap(current, ({ sessionId }) => sessions.end(sessionId))
      }
    })
  )
