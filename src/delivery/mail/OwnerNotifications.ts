/**
 * Notifications for the owner API: only of websites that the caller is authorized for.
 *
 * @module
 */
import { Context, Effect, Layer, Option } from "effect"
import type { ReportTimeout } from "../../analytics/reports/Reports.ts"
import { LimitReached } from "../../platform/limits/LimitReached.ts"
import type { RateLimitPolicy } from "../../platform/limits/RateLimit.ts"
import { RateLimiter } from "../../platform/limits/RateLimiter.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import { hourMillis } from "../../platform/text/Calendar.ts"
import type { AuthorizedSite } from "../../sites/access/Access.ts"
import { CreationTurns } from "../../sites/access/CreationTurns.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Validation from "../../sites/access/Validation.ts"
import * as Maximums from "../../sites/Maximums.ts"
import * as OwnerSites from "../../sites/OwnerSites.ts"
import { TestDeliveries } from "../TestDeliveries.ts"
import * as ConfirmationRefusal from "./ConfirmationRefusal.ts"
import type { RepeatRefusal, TooSoon } from "./MailRecipient.ts"
import type { Outcome } from "./MailSchedule.ts"
import { isSameTopic, type Notification, type Topic } from "./Notification.ts"
import { type ListedNotification, Notifications } from "./Notifications.ts"

type Failure = (typeof Errors.NotFound)["Type"] | Errors.ValidationFailed | StorageUnavailable
type TooManyRequests = (typeof Errors.TooManyRequests)["Type"]

export class OwnerNotifications extends Context.Service<
  OwnerNotifications,
  {
    /** Whether mails can be sent. */
    readonly canSend: boolean
    readonly list: (
      proof: AuthorizedSite<"read">
    ) => Effect.Effect<ReadonlyArray<ListedNotification>, StorageUnavailable>
    /** Fails if no mail can be sent, if the address unsubscribed, and over the limits of notifications and confirmation mails. */
    readonly add: (
      proof: AuthorizedSite<"write">,
      notification: { readonly recipient: string; readonly topic: Topic }
    ) => Effect.Effect<Notification, Failure | TooManyRequests | LimitReached>
    /** Fails if no mail can be sent, if the address needs no confirmation, and over the limits of confirmation mails. */
    readonly resend: (
      proof: AuthorizedSite<"write">,
      notificationId: string
    ) => Effect.Effect<Notification, Failure | (typeof Errors.Conflict)["Type"] | TooManyRequests>
    readonly remove: (proof: AuthorizedSite<"write">, notificationId: string) => Effect.Effect<void, Failure>
    readonly test: (
      proof: AuthorizedSite<"write">,
      notificationId: string
    ) => Effect.Effect<Outcome, Failure | TooManyRequests | ReportTimeout>
  }
>()("hydracore/delivery/mail/OwnerNotifications") {}

const notFound = Errors.make(
  "NotFound",
  "This website has no such notification. The notification may have been removed."
)

const fault = (msg: string) =>
  Effect.fail(Validation.failed([{ loc: ["body"], msg: `Value error, ${msg}`, type: "value_error" }]))

const noMail = fault("this service sends no mail until its operator sets SMTP_URL, MAIL_FROM and PUBLIC_URL")

const unsubscribed = Effect.fail(
  Validation.failed([
    {
      loc: ["body", "to"],
      msg: "Value error, this address unsubscribed from mails of this website. Only the service's operator can add it again, with `hydracore notify add`, if the person asks for it",
      type: "value_error"
    }
  ])
)

const unconfirmed = fault(
  "this address is not confirmed, so it gets no test; ask the person to open the link in the confirmation mail"
)

const retryAfter = (millis: number) => ({ "retry-after": Math.max(1, Math.ceil(millis / 1000)) })

const tooManyNew = (limit: TooSoon): TooManyRequests => ({
  _tag: "TooManyRequests",
  detail: `${ConfirmationRefusal.message(limit)} Or ask the service's operator to add the address with \`hydracore notify add\`.`,
  headers: retryAfter(limit.waitMillis)
})

const notResent = (refusal: RepeatRefusal): (typeof Errors.Conflict)["Type"] | TooManyRequests => {
  const detail = ConfirmationRefusal.message(refusal)
  return refusal._tag === "TooSoon"
    ? { _tag: "TooManyRequests", detail, headers: retryAfter(refusal.waitMillis) }
    : Errors.make("Conflict", detail)
}

/** The limit of test mails per website, because an owner could send them to people who did not ask for them. */
export const testLimit: RateLimitPolicy = { name: "testmail", limit: 10, windowMillis: hourMillis }

const tooManyTests = (resetMillis: number): TooManyRequests => ({
  _tag: "TooManyRequests",
  detail: `A website sends at most ${testLimit.limit} test mails an hour. Wait as many seconds as Retry-After says.`,
  headers: retryAfter(resetMillis)
})

export const layer: Layer.Layer<
  OwnerNotifications,
  never,
  Notifications | TestDeliveries | RateLimiter | CreationTurns
> = Layer.effect(
  OwnerNotifications,
  Effect.gen(function* () {
    const notifications = yield* Notifications
    const tests = yield* TestDeliveries
    const limiter = yield* RateLimiter
    const { inTurn } = yield* CreationTurns

    const list = ({ site }: AuthorizedSite<"read">) => notifications.list(site.websiteConfigId)

    const findOwn = (proof: AuthorizedSite<"read">, notificationId: string) =>
      Effect.flatMap(list(proof), (own) => {
        const found = own.find(({ notification }) => notification.notificationId === notificationId)
        return found === undefined ? Effect.fail(notFound) : Effect.succeed(found.notification)
      })

    return {
      canSend: tests.canSendMail,
      list,
      add: Effect.fnUntraced(
        function* (proof, notification) {
          if (!tests.canSendMail) return yield* noMail
          const own = yield* list(proof)
          const isKnown = own.some(
            ({ notification: { recipient, topic } }) =>
              recipient === notification.recipient && isSameTopic(topic, notification.topic)
          )
          if (!isKnown && own.length >= Maximums.notifications.max) {
            return yield* new LimitReached({ maximum: Maximums.notifications })
          }
          const added = yield* notifications.addByOwner({
            ...notification,
            websiteConfigId: proof.site.websiteConfigId
          })
          switch (added._tag) {
            case "Added":
              return added.notification
            case "Unsubscribed":
              return yield* unsubscribed
            case "TooSoon":
              return yield* Effect.fail(tooManyNew(added))
            case "NoKey":
              return yield* noMail
            // The website was deleted meanwhile.
            case "NoWebsite":
              return yield* Effect.fail(OwnerSites.notFound)
          }
        },
        (addition, { site }) => inTurn([site.websiteConfigId])(addition)
      ),
      resend: Effect.fnUntraced(function* (proof, notificationId) {
        yield* findOwn(proof, notificationId)
        if (!tests.canSendMail) return yield* noMail
        const resent = yield* notifications.resendConfirmation(notificationId)
        switch (resent._tag) {
          case "Resent":
            return resent.notification
          case "NoNotification":
            return yield* Effect.fail(notFound)
          case "NoKey":
            return yield* noMail
          default:
            return yield* Effect.fail(notResent(resent))
        }
      }),
      remove: Effect.fnUntraced(function* (proof, notificationId) {
        yield* findOwn(proof, notificationId)
        if (!(yield* notifications.remove(notificationId))) return yield* Effect.fail(notFound)
      }),
      test: Effect.fnUntraced(function* (proof, notificationId) {
        const { isConfirmed } = yield* findOwn(proof, notificationId)
        if (tests.canSendMail && !isConfirmed) return yield* unconfirmed
        const { accepted, resetMillis } = yield* limiter.take(testLimit, proof.site.websiteConfigId)
        if (!accepted) return yield* Effect.fail(tooManyTests(resetMillis))
        const tested = yield* tests.notification(notificationId).pipe(Effect.catchTag("MailNotSetUp", () => noMail))
        if (Option.isNone(tested)) return yield* Effect.fail(notFound)
        return tested.value.outcome
      })
    }
  })
)
