/**
 * Keys and console sessions for the owner API: only those whose access does not exceed the caller's.
 *
 * @module
 */
import { Context, Effect, Layer, Option } from "effect"
import * as ConfirmationRefusal from "../../delivery/mail/ConfirmationRefusal.ts"
import { Invitations } from "../../delivery/mail/Invitations.ts"
import type { TooSoon } from "../../delivery/mail/MailRecipient.ts"
import { Notifications } from "../../delivery/mail/Notifications.ts"
import { LimitReached } from "../../platform/limits/LimitReached.ts"
import type { RateLimitPolicy } from "../../platform/limits/RateLimit.ts"
import { RateLimiter } from "../../platform/limits/RateLimiter.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Cursor from "../../platform/text/Cursor.ts"
import * as Maximums from "../Maximums.ts"
import { SiteDirectory } from "../SiteDirectory.ts"
import * as Access from "./Access.ts"
import { Caller } from "./AuthenticationApi.ts"
import * as ConsoleSession from "./ConsoleSession.ts"
import { ConsoleSessions } from "./ConsoleSessions.ts"
import { CreationTurns } from "./CreationTurns.ts"
import type { CredentialQuery } from "./CredentialQuery.ts"
import * as Errors from "./Errors.ts"
import type { RevokeOptions } from "./Issuers.ts"
import * as OwnerKey from "./OwnerKey.ts"
import { type KeyQuery, OwnerKeys } from "./OwnerKeys.ts"
import * as Validation from "./Validation.ts"

type Failure = (typeof Errors.NotFound)["Type"] | StorageUnavailable

/** Fails with the same 404 for every caller that may not manage the key or session. */
type Managed<A> = Effect.Effect<A, Failure, Caller>

/** Like `Managed`. Also fails if a caller for some websites has as many as `Maximums` allows. */
type Added<A> = Effect.Effect<A, Failure | ValidationFailed | LimitReached, Caller>

type ValidationFailed = Errors.ValidationFailed
type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]

interface CreatedLink {
  readonly link: string
  readonly session: ConsoleSession.ConsoleSession
  readonly isMailed: boolean
}

/** A maximum of a caller's keys or sessions, and how to list the existing ones. */
interface Limit {
  readonly maximum: Maximums.Maximum
  readonly existing: (
    range: Pick<CredentialQuery, "sites" | "limit">
  ) => Effect.Effect<ReadonlyArray<unknown>, StorageUnavailable>
}

type NewKey = Omit<Parameters<OwnerKeys["Service"]["issue"]>[0], "issuedBy">
type NewLink = Omit<Parameters<ConsoleSessions["Service"]["createLink"]>[0], "createdBy">

export class OwnerCredentials extends Context.Service<
  OwnerCredentials,
  {
    readonly keys: (query: Omit<KeyQuery, "sites">) => Managed<Cursor.Part<OwnerKey.OwnerKey>>
    readonly issueKey: (request: NewKey) => Added<OwnerKey.IssuedOwnerKey>
    readonly revokeKey: (keyId: string, options: RevokeOptions) => Managed<void>
    readonly sessions: (query: Omit<CredentialQuery, "sites">) => Managed<Cursor.Part<ConsoleSession.ConsoleSession>>
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
>()("hydracore/sites/access/OwnerCredentials") {}

const notFound = Errors.make("NotFound", "There is no such key or session, or its access exceeds that of this request.")

const refuse = Effect.fail(notFound)

/** A query for those of any website, from the first. */
const any = { reaching: null, after: null } as const

/** Fails unless the caller may manage keys and sessions with this access. */
const requireCover = (access: Access.Access) =>
  Caller.use((caller) => (Access.manages(caller, access) ? Effect.void : refuse))

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

/**
 * The part of a list that the caller may manage. Fails for a caller without the scope `write`, who manages none.
 *
 * @param list reads the first `limit` items of the list for a caller with these websites
 */
const managed = <A>(
  list: (range: Pick<CredentialQuery, "sites" | "limit">) => Effect.Effect<ReadonlyArray<A>, StorageUnavailable>,
  limit: number,
  positionOf: (item: A) => Cursor.Position
): Managed<Cursor.Part<A>> =>
  Caller.use(
    ({ scope, sites }): Effect.Effect<Cursor.Part<A>, Failure> =>
      scope === "write"
        ? Effect.map(list({ sites, limit: limit + 1 }), (found) => Cursor.partOf(found, limit, positionOf))
        : refuse
  )

/** The key or session, if the caller may manage it. */
const requireManaged = <A>(
  found: Effect.Effect<Option.Option<A>, StorageUnavailable>,
  accessOf: (item: A) => Access.Access
): Managed<void> => Effect.flatMap(found, (item) => (Option.isNone(item) ? refuse : requireCover(accessOf(item.value))))

/** The limit of mailed invitations per website, because an owner could send them to people who did not ask for them. */
export const mailLimit: RateLimitPolicy = { name: "invitation", limit: 10, windowMillis: Calendar.hourMillis }

const tooManyMails = (resetMillis: number): TooManyRequests => ({
  _tag: "TooManyRequests",
  detail: `A website sends at most ${mailLimit.limit} invitations an hour. Wait as many seconds as Retry-After says.`,
  headers: { "retry-after": Math.max(1, Math.ceil(resetMillis / 1000)) }
})

const emailFault = (msg: string) =>
  Effect.fail(Validation.failed([{ loc: ["body", "email"], msg: `Value error, ${msg}`, type: "value_error" }]))

const notMailed = (error: string) =>
  emailFault(`the mail server did not accept the mail, and no link was created: ${error}`)

const unsubscribed = emailFault(
  "this address unsubscribed from mails of this website; create the link without an email address, and send it to the person yourself"
)

const withoutKey = emailFault("this service sends no mail until its operator sets SECRETS_KEY")

const tooManyToStranger = (refusal: TooSoon): TooManyRequests => ({
  _tag: "TooManyRequests",
  detail: ConfirmationRefusal.ofInvitation(refusal),
  headers: { "retry-after": Math.max(1, Math.ceil(refusal.waitMillis / 1000)) }
})

export const layer: Layer.Layer<
  OwnerCredentials,
  never,
  OwnerKeys | ConsoleSessions | Invitations | Notifications | RateLimiter | SiteDirectory | CreationTurns
> = Layer.effect(
  OwnerCredentials,
  Effect.gen(function* () {
    const { mail } = yield* Invitations
    const notifications = yield* Notifications
    const limiter = yield* RateLimiter
    const directory = yield* SiteDirectory
    const ownerKeys = yield* OwnerKeys
    const consoleSessions = yield* ConsoleSessions
    const { inTurn } = yield* CreationTurns
    /**
     * Fails unless the caller has fewer than each of the maximums. A caller for all websites belongs to the operator and has no such
     * limit.
     */
    const requireRoom = (limits: ReadonlyArray<Limit>) =>
      Caller.use(
        ({ sites }): Effect.Effect<void, StorageUnavailable | LimitReached> =>
          sites === "all"
            ? Effect.void
            : Effect.forEach(
                limits,
                ({ existing, maximum }) =>
                  Effect.flatMap(existing({ sites, limit: maximum.max }), ({ length }) =>
                    length < maximum.max ? Effect.void : Effect.fail(new LimitReached({ maximum }))
                  ),
                { discard: true }
              )
      )
    /** Runs a creation if there is room for it. Creations of callers with a website in common run one after another. */
    const withinLimits = <A, E>(limits: ReadonlyArray<Limit>, creation: Effect.Effect<A, E>) =>
      Caller.use(
        ({ sites }): Effect.Effect<A, E | StorageUnavailable | LimitReached, Caller> =>
          sites === "all" ? creation : inTurn(sites)(Effect.andThen(requireRoom(limits), creation))
      )
    const sessionLimits: ReadonlyArray<Limit> = [
      { maximum: Maximums.sessions, existing: (range) => consoleSessions.list({ ...range, ...any }) }
    ]
    /**
     * Counts an invitation against the limits of its websites, and of an address that has not confirmed. Fails over a limit, and if
     * the address unsubscribed.
     */
    const countInvitation = Effect.fnUntraced(function* (sites: Access.Access["sites"], address: string) {
      for (const site of sites === "all" ? ["all"] : sites) {
        const { accepted, resetMillis } = yield* limiter.take(mailLimit, site)
        if (!accepted) return yield* Effect.fail(tooManyMails(resetMillis))
      }
      const decision = yield* notifications.countInvitation(sites, address)
      switch (decision._tag) {
        case "Accepted":
          return
        case "Unsubscribed":
          return yield* unsubscribed
        case "TooSoon":
          return yield* Effect.fail(tooManyToStranger(decision))
        case "NoKey":
          return yield* withoutKey
      }
    })
    /** The names of websites; null for all. */
    const namesOf = (sites: Access.Access["sites"]) =>
      sites === "all"
        ? Effect.succeed(null)
        : Effect.map(Effect.forEach(sites, directory.byWebsiteConfigId), (found) =>
            found.flatMap(Option.toArray).map(({ name }) => name)
          )
    return {
      keys: (query) => managed((range) => ownerKeys.list({ ...query, ...range }), query.limit, OwnerKey.positionOf),
      issueKey: Effect.fnUntraced(function* (request) {
        yield* requireCover(request)
        yield* requireExpiryWithinCaller(request)
        const issuedBy = (yield* Caller).id
        const issued = yield* withinLimits(
          [
            {
              maximum: Maximums.keys,
              existing: (range) => ownerKeys.list({ ...range, ...any, unrevoked: true })
            },
            {
              maximum: Maximums.storedKeys,
              existing: (range) => ownerKeys.list({ ...range, ...any, unrevoked: false })
            }
          ],
          ownerKeys.issue({ ...request, issuedBy })
        )
        return yield* Effect.fromOption(issued, () => notFound)
      }),
      revokeKey: Effect.fnUntraced(function* (keyId, options) {
        yield* requireManaged(ownerKeys.find(keyId), (key) => key)
        if (Option.isNone(yield* ownerKeys.revoke(keyId, options))) return yield* refuse
      }),
      sessions: (query) =>
        managed((range) => consoleSessions.list({ ...query, ...range }), query.limit, ConsoleSession.positionOf),
      canMail: Option.isSome(mail),
      createLink: Effect.fnUntraced(function* (request, email) {
        const { sites } = request
        yield* requireCover(ConsoleSession.accessOf(request))
        yield* requireNoExpiry
        const isMailed = email !== null && Option.isSome(mail)
        const websites = isMailed ? yield* namesOf(sites) : null
        const createdBy = (yield* Caller).id
        if (isMailed) {
          // A link for which there is no room does not count as an invitation.
          yield* requireRoom(sessionLimits)
          // Before the turn, because a turn holds a lock and a connection, and the rate limit may be in Redis.
          yield* countInvitation(sites, email)
        }
        const created = yield* withinLimits(sessionLimits, consoleSessions.createLink({ ...request, createdBy }))
        if (Option.isNone(created)) return yield* refuse
        if (isMailed) {
          const { link, session } = created.value
          const revoke = consoleSessions.revoke(session.sessionId)
          const outcome = yield* mail.value
            .send(
              { address: email, sites },
              {
                websites,
                role: request.role,
                url: `${mail.value.origin}${ConsoleSession.pathOf(link)}`,
                expires: `${Calendar.iso(session.linkExpiresAt).slice(0, 16).replace("T", " ")} UTC`
              }
            )
            .pipe(Effect.onError(() => Effect.ignore(revoke)))
          if (outcome._tag !== "Accepted") {
            yield* revoke
            return yield* notMailed(outcome.error)
          }
        }
        return { ...created.value, isMailed }
      }),
      revokeSession: Effect.fnUntraced(function* (sessionId, options) {
        yield* requireManaged(consoleSessions.byId(sessionId), ConsoleSession.accessOf)
        if (Option.isNone(yield* consoleSessions.revoke(sessionId, options))) return yield* refuse
      })
    }
  })
)
