/**
 * Creates links to the console, and mails them with a service that `delivery/mail/MailedInvitations` implements: invitations, and links
 * to log in, which a person requests with an address. The answer to such a request, and its time, do not reveal whether there is such a
 * person: the person is looked up after the answer.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Clock, Context, Data, Effect, Option, Semaphore } from "effect"
import { HttpServerRequest } from "effect/http"
import * as Incoming from "../../platform/http/Incoming.ts"
import type { SessionId } from "../../platform/Id.ts"
import { clientKey } from "../../platform/limits/ClientAddress.ts"
import { RateLimiter, type RateLimitPolicy } from "../../platform/limits/RateLimit.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as ErrorMapping from "../ErrorMapping.ts"
import { SiteDirectory } from "../SiteDirectory.ts"
import type * as Access from "./Access.ts"
import * as ConsoleSession from "./ConsoleSession.ts"
import * as Errors from "./Errors.ts"

/** Whom an invitation is mailed to, and the websites that it opens. */
export interface Invited {
  readonly address: string
  readonly sites: Access.Access["sites"]
}

export interface Invitation {
  /** A `confirmation` goes to the address that a person without one has entered. */
  readonly title: "invitation" | "confirmation"
  /** The names of the websites; null for all. */
  readonly websites: ReadonlyArray<string> | null
  readonly role: Access.Role
  /** The link that opens the console once. */
  readonly url: string
  /** When the unused link expires, as text for people. */
  readonly expires: string
}

/** The link that a person requested to log in. */
export interface LoginLink {
  /** The link that opens the console once. */
  readonly url: string
  /** When the unused link expires, as text for people. */
  readonly expires: string
}

/** Whether an address may be invited by mail. */
export type InvitationCount =
  | { readonly _tag: "Accepted" }
  /** The address unsubscribed from mails of one of the websites. */
  | { readonly _tag: "Unsubscribed" }
  /** `reason` says which limit is reached, and when the next mail is possible. */
  | { readonly _tag: "TooSoon"; readonly waitMillis: number; readonly reason: string }

/** No mail was sent, and no link remains. */
export class NotMailed extends Data.TaggedError("NotMailed")<{
  readonly reason:
    | Exclude<InvitationCount, { readonly _tag: "Accepted" }>
    | { readonly _tag: "Refused"; readonly error: string }
}> {}

/** Sends links that open the console by mail. */
export class Invitations extends Context.Service<
  Invitations,
  {
    /** None if this process sends no mail. */
    readonly mail: Option.Option<{
      /** The origin of the console that a link opens; null if this process does not know it. */
      readonly origin: string | null
      /** Records that an address is invited, unless it may get no mail now. */
      readonly count: (invited: Invited) => Effect.Effect<InvitationCount, StorageUnavailable>
      /** Sends a mail at once, and returns why the mail server did not accept it; null if it did. */
      readonly send: (invited: Invited, invitation: Invitation) => Effect.Effect<string | null>
      /** The same for the link of a person who logs in. */
      readonly sendLogin: (address: string, link: LoginLink) => Effect.Effect<string | null>
    }>
  }
>()("hydracore/sites/access/Invitations") {}

/** The limit of mailed invitations per website, because an owner could send them to people who did not ask for them. */
export const mailLimit: RateLimitPolicy = { name: "invitation", limit: 10, windowMillis: Calendar.hourMillis }

const tooManyMails = (resetMillis: number) =>
  new NotMailed({
    reason: {
      _tag: "TooSoon",
      waitMillis: resetMillis,
      reason: `A website sends at most ${mailLimit.limit} invitations an hour. Wait as many seconds as Retry-After says.`
    }
  })

const refused = (error: string) =>
  Errors.invalid("email", `the mail server did not accept the mail, and no link was created: ${error}`)

const unsubscribed = Errors.invalid(
  "email",
  "this address unsubscribed from mails of this website; create the link without an email address, and send it to the person yourself"
)

/** The owner API's response if no mail was sent. */
const errorOf = ({ reason }: NotMailed) => {
  switch (reason._tag) {
    case "Unsubscribed":
      return unsubscribed
    case "TooSoon":
      return Errors.tooMany(reason.reason, reason.waitMillis)
    case "Refused":
      return refused(reason.error)
  }
}

/** Fails with the owner API's error if no mail was sent. */
export const refuse = (error: NotMailed) => Effect.fail(errorOf(error))

/** When the link expires, in a mail. */
const expiryText = (time: string): string => `${time.slice(0, 16).replace("T", " ")} UTC`

export const make = Effect.gen(function* () {
  const { mail } = yield* Invitations
  const limiter = yield* RateLimiter
  const directory = yield* SiteDirectory
  const sessions = yield* ConsoleSession.ConsoleSessions

  /**
   * Counts an invitation against the limits of its websites, and of an address that has not confirmed. Fails over a limit, and if
   * the address unsubscribed.
   */
  const count = Effect.fnUntraced(function* (
    { sites }: Invited,
    counted: Effect.Effect<InvitationCount, StorageUnavailable>
  ) {
    for (const site of sites === "all" ? ["all"] : sites) {
      const { accepted, resetMillis } = yield* limiter.take(mailLimit, site)
      if (!accepted) return yield* Effect.fail(tooManyMails(resetMillis))
    }
    const decision = yield* counted
    if (decision._tag !== "Accepted") return yield* new NotMailed({ reason: decision })
  })

  /** The names of websites; null for all. */
  const namesOf = (sites: Access.Access["sites"]) =>
    sites === "all"
      ? Effect.succeed(null)
      : Effect.map(Effect.forEach(sites, directory.byWebsiteConfigId), (found) =>
          found.flatMap(Option.toArray).map(({ name }) => name)
        )

  const ownOrigin = Option.getOrNull(mail)?.origin ?? null

  /** Counts and sends the mail with a link. */
  const sendLink = Effect.fnUntraced(function* (
    invited: Invited,
    { link, session: { ends_at, roles } }: ConsoleSession.CreatedLink,
    { origin, title }: { readonly origin: string; readonly title: Invitation["title"] }
  ) {
    if (Option.isNone(mail)) return
    const { count: countInvitation, send } = mail.value
    yield* count(invited, countInvitation(invited))
    const error = yield* send(invited, {
      title,
      websites: yield* namesOf(invited.sites),
      role: roles[0]?.role ?? "viewer",
      url: `${origin}${ConsoleSession.pathOf(link)}`,
      expires: expiryText(ends_at)
    })
    if (error !== null) return yield* new NotMailed({ reason: { _tag: "Refused", error } })
  })

  return {
    /** Whether links to the console of this process can be mailed. */
    canMail: ownOrigin !== null,
    /**
     * Creates a link, and mails it if `email` is not null and mails can be sent. If the mail is refused, or the request ends
     * while the mail is sent, no link remains. `origin` is that of the console; without it, the link opens that of this process.
     */
    create: Effect.fnUntraced(function* (
      request: ConsoleSession.LinkRequest,
      email: string | null,
      {
        origin = ownOrigin,
        title = "invitation"
      }: { readonly origin?: string | null; readonly title?: Invitation["title"] } = {}
    ) {
      const isMailed = email !== null && origin !== null && Option.isSome(mail)
      // Before the mail is counted, so that a link for which there is no room does not count as an invitation. A link that is not
      // mailed proves no address, so it makes no person.
      const created = yield* sessions.createLink(isMailed ? { ...request, email } : request)
      if (Option.isNone(created)) return yield* Effect.fail(Errors.unmanaged)
      const { link, session } = created.value
      if (!isMailed) return { link, session, isMailed }
      yield* sendLink({ address: email, sites: request.sites }, created.value, { origin, title }).pipe(
        Effect.onError(() => Effect.ignore(sessions.revoke(session.session_id)))
      )
      return { link, session, isMailed }
    }),
    /** Mails a link that was mailed before, with a new secret. If the mail is refused, it can be sent again. */
    renew: Effect.fnUntraced(function* (
      sessionId: SessionId,
      linkExpiresAt: number,
      callerSites: Access.Access["sites"]
    ) {
      if (ownOrigin === null) return yield* Effect.fail(Errors.unmanaged)
      const renewed = yield* sessions.renewLink(sessionId, linkExpiresAt, { callerSites })
      if (Option.isNone(renewed)) return yield* Effect.fail(Errors.unmanaged)
      const { email, roles } = renewed.value.session
      const sites = roles[0]?.sites ?? []
      yield* sendLink({ address: email ?? "", sites }, renewed.value, { origin: ownOrigin, title: "invitation" })
      return renewed.value
    })
  }
})

/** The requests of an IP address. */
export const clientLimit: RateLimitPolicy = { name: "login-client", limit: 20, windowMillis: Calendar.hourMillis }

/** The requests for an email address, so that nobody is sent many mails. All of the mails have a link, so that nobody is locked out. */
export const addressLimit: RateLimitPolicy = { name: "login-address", limit: 5, windowMillis: Calendar.hourMillis }

/** The maximum number of requests of this process whose mails are not sent yet. */
const maxWaiting = 200

/** The maximum number of mails that this process sends at once. */
const maxSending = 4

const tooManyLogins = (resetMillis: number) =>
  Errors.tooMany(
    "Too many links were requested. Use the link in a mail that you already have, or wait Retry-After seconds.",
    resetMillis
  )

const busyWithLogins: Errors.ServiceUnavailable = {
  _tag: "ServiceUnavailable",
  detail: "Too many links were requested at once. Send the request again after Retry-After seconds.",
  headers: { "retry-after": 5 }
}

const withoutMail = Errors.make(
  "NotFound",
  "This service sends no mail. `hydracore console link` on its server prints a link to the console."
)

export const makeLogin = Effect.gen(function* () {
  const { mail } = yield* Invitations
  const limiter = yield* RateLimiter
  const sessions = yield* ConsoleSession.ConsoleSessions
  const scope = yield* Effect.scope
  const turns = yield* Semaphore.make(maxSending)
  let waiting = 0

  const take = Effect.fnUntraced(function* (policy: RateLimitPolicy, key: string) {
    const { accepted, resetMillis } = yield* limiter.take(policy, key)
    if (!accepted) return yield* Effect.fail(tooManyLogins(resetMillis))
  })

  return {
    canMail: Option.exists(mail, ({ origin }) => origin !== null),
    /**
     * Mails a link to the person with this address, after the answer.
     *
     * @param page the fragment of the console that the link opens after the log-in; empty for none
     */
    request: Effect.fnUntraced(function* (email: string, page: string) {
      if (Option.isNone(mail) || mail.value.origin === null) return yield* Effect.fail(withoutMail)
      const { origin, sendLogin } = mail.value
      const request = yield* HttpServerRequest.HttpServerRequest
      yield* take(clientLimit, clientKey(Incoming.clientAddress(request)))
      yield* take(addressLimit, hash("sha256", email.toLowerCase(), "base64url"))
      if (waiting >= maxWaiting) return yield* Effect.fail(busyWithLogins)
      waiting++
      const expiresAt = (yield* Clock.currentTimeMillis) + ConsoleSession.limits.login
      const mailed = Effect.gen(function* () {
        const created = yield* sessions.createLogin(email, expiresAt, { isMailed: true })
        if (Option.isNone(created)) return
        const { link, session } = created.value
        if (session.person === null) return
        const path = `${ConsoleSession.pathOf(link)}${page === "" ? "" : `/${encodeURIComponent(page)}`}`
        const error = yield* sendLogin(session.person.email, {
          url: `${origin}${path}`,
          expires: expiryText(session.ends_at)
        })
        // The mail server's answer may name the address, so it is not logged.
        if (error !== null)
          yield* Effect.logWarning("The mail server did not accept a link to log in. See why with doctor.")
      })
      yield* mailed.pipe(
        Effect.catchTag("StorageUnavailable", ErrorMapping.logUnavailable),
        turns.withPermits(1),
        Effect.ensuring(Effect.sync(() => void waiting--)),
        Effect.forkIn(scope)
      )
    })
  }
})
