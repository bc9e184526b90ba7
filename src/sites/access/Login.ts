/**
 * Log-in by mail: mails a link to the person with an address. The answer, and its time, do not reveal whether there is one: the
 * person is looked up after the answer.
 *
 * @module
 */
import { hash } from "node:crypto"
import { Clock, Effect, Option, Semaphore } from "effect"
import { HttpServerRequest } from "effect/http"
import * as Incoming from "../../platform/http/Incoming.ts"
import { clientKey } from "../../platform/limits/ClientAddress.ts"
import { RateLimiter, type RateLimitPolicy } from "../../platform/limits/RateLimit.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as ErrorMapping from "../ErrorMapping.ts"
import * as ConsoleSession from "./ConsoleSession.ts"
import * as Errors from "./Errors.ts"
import { expiryText, Invitations } from "./MailedLink.ts"

/** The requests of an IP address. */
export const clientLimit: RateLimitPolicy = { name: "login-client", limit: 20, windowMillis: Calendar.hourMillis }

/** The requests for an email address, so that nobody is sent many mails. All of the mails have a link, so that nobody is locked out. */
export const addressLimit: RateLimitPolicy = { name: "login-address", limit: 5, windowMillis: Calendar.hourMillis }

/** The maximum number of requests of this process whose mails are not sent yet. */
const maxWaiting = 200

/** The maximum number of mails that this process sends at once. */
const maxSending = 4

const tooMany = (resetMillis: number): (typeof Errors.TooManyRequests)["Type"] => ({
  _tag: "TooManyRequests",
  detail: "Too many links were requested. Use the link in a mail that you already have, or wait Retry-After seconds.",
  headers: { "retry-after": Math.max(1, Math.ceil(resetMillis / 1000)) }
})

const busy: Errors.ServiceUnavailable = {
  _tag: "ServiceUnavailable",
  detail: "Too many links were requested at once. Send the request again after Retry-After seconds.",
  headers: { "retry-after": 5 }
}

const withoutMail = Errors.make(
  "NotFound",
  "This service sends no mail. `hydracore console link` on its server prints a link to the console."
)

export const make = Effect.gen(function* () {
  const { mail } = yield* Invitations
  const limiter = yield* RateLimiter
  const sessions = yield* ConsoleSession.ConsoleSessions
  const scope = yield* Effect.scope
  const turns = yield* Semaphore.make(maxSending)
  let waiting = 0

  const take = Effect.fnUntraced(function* (policy: RateLimitPolicy, key: string) {
    const { accepted, resetMillis } = yield* limiter.take(policy, key)
    if (!accepted) return yield* Effect.fail(tooMany(resetMillis))
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
      if (waiting >= maxWaiting) return yield* Effect.fail(busy)
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
