/**
 * The keys and sessions of the owner API: those that reach no more than their caller.
 *
 * @module
 */
import { Context, Effect, Layer, Option } from "effect"
import { Caller } from "../../contract/owner/Authentication.ts"
import * as Errors from "../../contract/owner/Errors.ts"
import * as Access from "../../core/sites/Access.ts"
import * as ConsoleSession from "../../core/sites/ConsoleSession.ts"
import type { IssuedOwnerKey, OwnerKey } from "../../core/sites/OwnerKey.ts"
import type { StorageUnavailable } from "../../services/Storage.ts"
import { ConsoleSessions } from "../../services/sites/ConsoleSessions.ts"
import { OwnerKeys } from "../../services/sites/OwnerKeys.ts"
import * as Validation from "./Validation.ts"

type Failure = (typeof Errors.NotFound)["Type"] | StorageUnavailable

/** The most valid keys, and the most sessions and links, that a caller may manage and still add one. */
export const mostManaged = 100

/** Succeeds for a caller who may manage what it concerns; every other caller gets the same answer. */
type Managed<A> = Effect.Effect<A, Failure, Caller>

/** The same. Fails also for a caller for some websites who manages as many already. */
type Added<A> = Effect.Effect<A, Failure | (typeof Errors.ValidationFailed)["Type"], Caller>

type NewKey = Omit<Parameters<OwnerKeys["Service"]["issue"]>[0], "issuedBy">
type NewLink = Omit<Parameters<ConsoleSessions["Service"]["createLink"]>[0], "createdBy">

export class OwnerCredentials extends Context.Service<
  OwnerCredentials,
  {
    readonly keys: Managed<ReadonlyArray<OwnerKey>>
    readonly issueKey: (request: NewKey) => Added<IssuedOwnerKey>
    readonly revokeKey: (keyId: string) => Managed<void>
    readonly sessions: Managed<ReadonlyArray<ConsoleSession.ConsoleSession>>
    readonly createLink: (
      request: NewLink
    ) => Added<{ readonly link: string; readonly session: ConsoleSession.ConsoleSession }>
    readonly revokeSession: (sessionId: string) => Managed<void>
  }
>()("hydracore/http/owner/OwnerCredentials") {}

const notFound = Errors.make(
  "NotFound",
  "There is no such key or session, or it reaches more than this key or session may manage."
)

const refuse = Effect.fail(notFound)

/** Fails unless the caller may manage an access. */
const requireCover = (access: Access.Access) =>
  Caller.use((caller) => (Access.manages(caller, access) ? Effect.void : refuse))

/** Fails for a caller for some websites with no room for another. A caller for all websites is the operator's own. */
const requireRoom = (found: ReadonlyArray<unknown>, noun: string) =>
  Caller.use(({ sites }) =>
    sites === "all" || found.length < mostManaged
      ? Effect.void
      : Effect.fail(
          Validation.failed([
            {
              loc: ["body"],
              msg: `Value error, there are ${mostManaged} ${noun} already; end one`,
              type: "value_error"
            }
          ])
        )
  )

/** What a caller may manage of a list. A caller who may manage nothing has no list. */
const managed = <A>(
  listed: Effect.Effect<ReadonlyArray<A>, StorageUnavailable>,
  accessOf: (item: A) => Access.Access
): Managed<ReadonlyArray<A>> =>
  Caller.use(
    (caller): Effect.Effect<ReadonlyArray<A>, Failure> =>
      caller.scope === "write"
        ? Effect.map(listed, (items) => items.filter((item) => Access.manages(caller, accessOf(item))))
        : refuse
  )

export const layer: Layer.Layer<OwnerCredentials, never, OwnerKeys | ConsoleSessions> = Layer.effect(
  OwnerCredentials,
  Effect.gen(function* () {
    const ownerKeys = yield* OwnerKeys
    const consoleSessions = yield* ConsoleSessions
    const keys = managed(ownerKeys.list, (key) => key)
    const sessions = managed(consoleSessions.list, ConsoleSession.accessOf)
    return {
      keys,
      issueKey: Effect.fnUntraced(function* (request) {
        yield* requireCover(request)
        const valid = (yield* keys).filter(({ revokedAt }) => revokedAt === null)
        yield* requireRoom(valid, "keys")
        const issued = yield* ownerKeys.issue({ ...request, issuedBy: (yield* Caller).id })
        return yield* Option.match(issued, { onNone: () => refuse, onSome: Effect.succeed })
      }),
      revokeKey: Effect.fnUntraced(function* (keyId) {
        const isKnown = (yield* keys).some((key) => key.keyId === keyId)
        if (!isKnown || !(yield* ownerKeys.revoke(keyId))) return yield* refuse
      }),
      sessions,
      createLink: Effect.fnUntraced(function* (request) {
        yield* requireCover(ConsoleSession.accessOf(request))
        yield* requireRoom(yield* sessions, "sessions and links")
        const created = yield* consoleSessions.createLink({ ...request, createdBy: (yield* Caller).id })
        return yield* Option.match(created, { onNone: () => refuse, onSome: Effect.succeed })
      }),
      revokeSession: Effect.fnUntraced(function* (sessionId) {
        const isKnown = (yield* sessions).some((session) => session.sessionId === sessionId)
        if (!isKnown || !(yield* consoleSessions.revoke(sessionId))) return yield* refuse
      })
    }
  })
)
