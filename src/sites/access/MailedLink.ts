/**
 * Creates links to the console, and mails them.
 *
 * @module
 */
import { Effect, Option } from "effect"
import * as ConfirmationRefusal from "../../delivery/mail/ConfirmationRefusal.ts"
import { Invitations } from "../../delivery/mail/Invitations.ts"
import type { TooSoon } from "../../delivery/mail/MailRecipient.ts"
import { Notifications } from "../../delivery/mail/Notifications.ts"
import type { RateLimitPolicy } from "../../platform/limits/RateLimit.ts"
import { RateLimiter } from "../../platform/limits/RateLimit.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import { SiteDirectory } from "../SiteDirectory.ts"
import type * as Access from "./Access.ts"
import * as ConsoleSession from "./ConsoleSession.ts"
import * as Errors from "./Errors.ts"

type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]

/** The limit of mailed invitations per website, because an owner could send them to people who did not ask for them. */
export const mailLimit: RateLimitPolicy = { name: "invitation", limit: 10, windowMillis: Calendar.hourMillis }

const tooMany = (waitMillis: number, detail: string): TooManyRequests => ({
  _tag: "TooManyRequests",
  detail,
  headers: { "retry-after": Math.max(1, Math.ceil(waitMillis / 1000)) }
})

const tooManyMails = (resetMillis: number) =>
  tooMany(
    resetMillis,
    `A website sends at most ${mailLimit.limit} invitations an hour. Wait as many seconds as Retry-After says.`
  )

const tooManyToStranger = (refusal: TooSoon) => tooMany(refusal.waitMillis, ConfirmationRefusal.ofInvitation(refusal))

const notMailed = (error: string) =>
  Errors.invalid("email", `the mail server did not accept the mail, and no link was created: ${error}`)

const unsubscribed = Errors.invalid(
  "email",
  "this address unsubscribed from mails of this website; create the link without an email address, and send it to the person yourself"
)

const withoutKey = Errors.invalid("email", "this service sends no mail until its operator sets SECRETS_KEY")

/** When the link expires, in a mail. */
const expiryText = (time: string): string => `${time.slice(0, 16).replace("T", " ")} UTC`

export const make = Effect.gen(function* () {
  const { mail } = yield* Invitations
  const notifications = yield* Notifications
  const limiter = yield* RateLimiter
  const directory = yield* SiteDirectory
  const sessions = yield* ConsoleSession.ConsoleSessions

  /**
   * Counts an invitation against the limits of its websites, and of an address that has not confirmed. Fails over a limit, and if
   * the address unsubscribed.
   */
  const count = Effect.fnUntraced(function* (sites: Access.Access["sites"], address: string) {
    for (const site of sites === "all" ? ["all"] : sites) {
      const { accepted, resetMillis } = yield* limiter.take(mailLimit, site)
      if (!accepted) return yield* Effect.fail(tooManyMails(resetMillis))
    }
    const decision = yield* notifications.countInvitation(sites, address)
    switch (decision._tag) {
      case "Accepted":
        return
      case "Unsubscribed":
        return yield* Effect.fail(unsubscribed)
      case "TooSoon":
        return yield* Effect.fail(tooManyToStranger(decision))
      case "NoKey":
        return yield* Effect.fail(withoutKey)
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
    /** Whether links can be mailed. */
    canMail: Option.isSome(mail),
    /**
     * Creates a link, and mails it if `email` is not null and mails can be sent. If the mail is refused, or the request ends
     * while the mail is sent, no link remains.
     */
    create: Effect.fnUntraced(function* (
      request: Parameters<ConsoleSession.ConsoleSessions["Service"]["createLink"]>[0],
      email: string | null
    ) {
      // Before the mail is counted, so that a link for which there is no room does not count as an invitation.
      const created = yield* sessions.createLink(request)
      const { link, session } = yield* Effect.fromOption(created, () => Errors.unmanaged)
      if (email === null || Option.isNone(mail)) return { link, session, isMailed: false }
      const { role, sites } = request
      const { origin, send } = mail.value
      yield* Effect.gen(function* () {
        yield* count(sites, email)
        const outcome = yield* send(
          { address: email, sites },
          {
            websites: yield* namesOf(sites),
            role,
            url: `${origin}${ConsoleSession.pathOf(link)}`,
            expires: expiryText(session.ends_at)
          }
        )
        if (outcome._tag !== "Accepted") return yield* Effect.fail(notMailed(outcome.error))
      }).pipe(Effect.onError(() => Effect.ignore(sessions.revoke(session.session_id))))
      return { link, session, isMailed: true }
    })
  }
})
