/**
 * Keys and console sessions for the owner API: only those whose access does not exceed the caller's.
 *
 * @module
 */
import { Context, Effect, Layer, Option, Semaphore } from "effect"
import { Caller } from "../../../contract/owner/Authentication.ts"
import * as Errors from "../../../contract/owner/Errors.ts"
import type { RateLimitPolicy } from "../../../core/limits/RateLimit.ts"
import * as Access from "../../../core/sites/Access.ts"
import * as ConsoleSession from "../../../core/sites/ConsoleSession.ts"
import type { RevokeOptions } from "../../../core/sites/Issuers.ts"
import * as OwnerKey from "../../../core/sites/OwnerKey.ts"
import * as Calendar from "../../../core/text/Calendar.ts"
import { Invitations } from "../../../services/mail/Invitations.ts"
import { RateLimiter } from "../../../services/RateLimiter.ts"
import type { StorageUnavailable } from "../../../services/Storage.ts"
import { ConsoleSessions } from "../../../services/sites/ConsoleSessions.ts"
import { OwnerKeys } from "../../../services/sites/OwnerKeys.ts"
import { SiteDirectory } from "../../../services/sites/SiteDirectory.ts"
import * as Validation from "../Validation.ts"

type Failure = (typeof Errors.NotFound)["Type"] | StorageUnavailable

/** A caller for some websites, not all, can manage at most this many unrevoked keys, and as many sessions and links. */
export const maxManaged = 100

/** Fails with the same 404 for every caller that may not manage the key or session. */
type Managed<A> = Effect.Effect<A, Failure, Caller>

/** Like `Managed`. Also fails if a caller for some websites manages `maxManaged` already. */
type Added<A> = Effect.Effect<A, Failure | (typeof Errors.ValidationFailed)["Type"], Caller>

type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]

interface CreatedLink {
  readonly link: string
  readonly session: ConsoleSession.ConsoleSession
  readonly isMailed: boolean
}

type NewKey = Omit<Parameters<OwnerKeys["Service"]["issue"]>[0], "issuedBy">
type NewLink = Omit<Parameters<ConsoleSessions["Service"]["createLink"]>[0], "createdBy">

export class OwnerCredentials extends Context.Service<
  OwnerCredentials,
  {
    readonly keys: Managed<ReadonlyArray<OwnerKey.OwnerKey>>
    readonly issueKey: (request: NewKey) => Added<OwnerKey.IssuedOwnerKey>
    readonly revokeKey: (keyId: string, options: RevokeOptions) => Managed<void>
    readonly sessions: Managed<ReadonlyArray<ConsoleSession.ConsoleSession>>
    /** Whether links can be mailed. */
    readonly canMail: boolean
    /**
     * Creates a link, and mails it if `email` is not null and mails can be sent. If the mail is refused, or the request ends
     * while the mail is sent, no link remains.
     */
    readonly createLink: (
      request: NewLink,
      email: string | null
    ) => Effect.Effect<CreatedLink, Effect.Error<Added<never>> | TooManyRequests, Caller>
    readonly revokeSession: (sessionId: string, options: RevokeOptions) => Managed<void>
  }
>()("hydracore/http/owner/access/OwnerCredentials") {}

const notFound = Errors.make("NotFound", "There is no such key or session, or its access exceeds that of this request.")

const refuse = Effect.fail(notFound)

/** Fails unless the caller may manage keys and sessions with this access. */
const requireCover = (access: Access.Access) =>
  Caller.use((caller) => (Access.manages(caller, access) ? Effect.void : refuse))

/** Fails if a caller for some websites manages `maxManaged` already. A caller for all websites belongs to the operator. */
const requireRoom = (existing: ReadonlyArray<unknown>, noun: string) =>
  Caller.use(({ sites }) =>
    sites === "all" || existing.length < maxManaged
      ? Effect.void
      : Effect.fail(
          Validation.failed([
            {
              loc: ["body"],
              msg: `Value error, there are ${maxManaged} ${noun} already; revoke one`,
              type: "value_error"
            }
          ])
        )
  )

/** Fails if the new key would be valid for longer than the caller's key. */
const requireExpiryWithinCaller = ({ expiresAt }: Pick<NewKey, "expiresAt">) =>
  Caller.use(({ expiresAt: end }) =>
    end !== null && OwnerKey.outlives(expiresAt, end)
      ? Effect.fail(
          Validation.invalidExpiry(`a time until ${Calendar.iso(end)}, when the key of this request expires,`)
        )
      : Effect.void
  )

/** Fails if the caller's key expires, because a session, which each use prolongs, could outlast the key. */
const requireNoExpiry = Caller.use(({ expiresAt }) =>
  expiresAt === null
    ? Effect.void
    : Effect.fail(
        Validation.failed([
          {
            loc: ["body"],
            msg: "Value error, the key of this request expires, and a session could outlast it; use a key that does not expire",
            type: "value_error"
          }
        ])
      )
)

/** The items of a list that the caller may manage. Fails for a caller without the scope `write`, who manages none. */
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

/** The limit of mailed invitations per website, because an owner could send them to people who did not ask for them. */
export const mailLimit: RateLimitPolicy = { name: "invitation", limit: 10, windowMillis: Calendar.hourMillis }

const tooManyMails = (resetMillis: number): TooManyRequests => ({
  _tag: "TooManyRequests",
  detail: `A website sends at most ${mailLimit.limit} invitations an hour. Wait as many seconds as Retry-After says.`,
  headers: { "retry-after": Math.max(1, Math.ceil(resetMillis / 1000)) }
})

const notMailed = (error: string) =>
  Effect.fail(
    Validation.failed([
      {
        loc: ["body", "email"],
        msg: `Value error, the mail server did not accept the mail, and no link was created: ${error}`,
        type: "value_error"
      }
    ])
  )

export const layer: Layer.Layer<
  OwnerCredentials,
  never,
  OwnerKeys | ConsoleSessions | Invitations | RateLimiter | SiteDirectory
> = Layer.effect(
  OwnerCredentials,
  Effect.gen(function* () {
    const { mail } = yield* Invitations
    const limiter = yield* RateLimiter
    const directory = yield* SiteDirectory
    const ownerKeys = yield* OwnerKeys
    const consoleSessions = yield* ConsoleSessions
    // Creations run one after another: otherwise concurrent requests would read the same number and exceed `maxManaged` together.
    const inTurn = Semaphore.withPermit(yield* Semaphore.make(1))
    /** Counts an invitation against each of its websites. Fails if one is over the limit. */
    const countInvitation = (sites: Access.Access["sites"]) =>
      Effect.forEach(
        sites === "all" ? ["all"] : sites,
        (site) =>
          Effect.flatMap(limiter.take(mailLimit, site), ({ accepted, resetMillis }) =>
            accepted ? Effect.void : Effect.fail(tooManyMails(resetMillis))
          ),
        { discard: true }
      )
    /** The names of websites; null for all. */
    const namesOf = (sites: Access.Access["sites"]) =>
      sites === "all"
        ? Effect.succeed(null)
        : Effect.map(Effect.forEach(sites, directory.byWebsiteConfigId), (found) =>
            found.flatMap(Option.toArray).map(({ name }) => name)
          )
    const keys = managed(ownerKeys.list, (key) => key)
    const sessions = managed(consoleSessions.list, ConsoleSession.accessOf)
    return {
      keys,
      issueKey: Effect.fnUntraced(function* (request) {
        yield* requireCover(request)
        yield* requireExpiryWithinCaller(request)
        const issuedBy = (yield* Caller).id
        const issued = yield* Effect.gen(function* () {
          const unrevoked = (yield* keys).filter(({ revokedAt }) => revokedAt === null)
          yield* requireRoom(unrevoked, "keys")
          return yield* ownerKeys.issue({ ...request, issuedBy })
        }).pipe(inTurn)
        return yield* Effect.fromOption(issued, () => notFound)
      }),
      revokeKey: Effect.fnUntraced(function* (keyId, options) {
        const isKnown = (yield* keys).some((key) => key.keyId === keyId)
        if (!isKnown || Option.isNone(yield* ownerKeys.revoke(keyId, options))) return yield* refuse
      }),
      sessions,
      canMail: Option.isSome(mail),
      createLink: Effect.fnUntraced(function* (request, email) {
        const { sites } = request
        yield* requireCover(ConsoleSession.accessOf(request))
        yield* requireNoExpiry
        const isMailed = email !== null && Option.isSome(mail)
        const websites = isMailed ? yield* namesOf(sites) : null
        const createdBy = (yield* Caller).id
        const created = yield* Effect.gen(function* () {
          yield* requireRoom(yield* sessions, "sessions and links")
          if (isMailed) yield* countInvitation(sites)
          return yield* consoleSessions.createLink({ ...request, createdBy })
        }).pipe(inTurn)
        if (Option.isNone(created)) return yield* refuse
        if (isMailed) {
          const { link, session } = created.value
          const revoke = consoleSessions.revoke(session.sessionId)
          const outcome = yield* mail.value
            .send(email, {
              websites,
              role: request.role,
              url: `${mail.value.origin}${ConsoleSession.pathOf(link)}`,
              expires: `${Calendar.iso(session.linkExpiresAt).slice(0, 16).replace("T", " ")} UTC`
            })
            .pipe(Effect.onError(() => Effect.ignore(revoke)))
          if (outcome._tag !== "Accepted") {
            yield* revoke
            return yield* notMailed(outcome.error)
          }
        }
        return { ...created.value, isMailed }
      }),
      revokeSession: Effect.fnUntraced(function* (sessionId, options) {
        const isKnown = (yield* sessions).some((session) => session.sessionId === sessionId)
        if (!isKnown || Option.isNone(yield* consoleSessions.revoke(sessionId, options))) return yield* refuse
      })
    }
  })
)
