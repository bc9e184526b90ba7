/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/notifications`.
 *
 * @module
 */
import { Effect, Option } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import type { Reports } from "../../analytics/reports/Reports.ts"
import { OwnerApi } from "../../api/OwnerApi.ts"
import type { NotificationId } from "../../platform/Id.ts"
import { RateLimiter, type RateLimitPolicy } from "../../platform/limits/RateLimit.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import * as Errors from "../../sites/access/Errors.ts"
import { SiteSlots } from "../../sites/access/SiteSlots.ts"
import type { Site } from "../../sites/Site.ts"
import type { SiteDirectory } from "../../sites/SiteDirectory.ts"
import * as TestDeliveries from "../TestDeliveries.ts"
import { MailServer } from "./Mailer.ts"
import * as MailRecipient from "./MailRecipient.ts"
import { type NewNotification, Notifications } from "./Notification.ts"

const notFound = Errors.make(
  "NotFound",
  "This website has no such notification. The notification may have been removed."
)

const noMail = Effect.fail(Errors.noMail)

const unsubscribed = Errors.invalid(
  "to",
  "this address unsubscribed from mails of this website. Only the service's operator can add it again, with `hydracore notify add`, if the person asks for it"
)

const unconfirmed = Errors.invalid(
  null,
  "this address is not confirmed, so it gets no test; ask the person to open the link in the confirmation mail"
)

const tooManyNew = (limit: MailRecipient.TooSoon) =>
  Errors.tooMany(
    `${MailRecipient.refusalText(limit)} Or ask the service's operator to add the address with \`hydracore notify add\`.`,
    limit.waitMillis
  )

const notResent = (refusal: MailRecipient.RepeatRefusal) => {
  const detail = MailRecipient.refusalText(refusal)
  return refusal._tag === "TooSoon" ? Errors.tooMany(detail, refusal.waitMillis) : Errors.make("Conflict", detail)
}

/** The limit of test mails per website, because an owner could send them to people who did not ask for them. */
export const testLimit: RateLimitPolicy = { name: "testmail", limit: 10, windowMillis: Calendar.hourMillis }

const tooManyTests = (resetMillis: number) =>
  Errors.tooMany(
    `A website sends at most ${testLimit.limit} test mails an hour. Wait as many seconds as Retry-After says.`,
    resetMillis
  )

/** A 422 for a report with members that only submissions have, and for conversations of one form. */
export const refuseOptions = ({
  conversations = "off",
  digest,
  page,
  quarantined = false,
  report
}: NewNotification) => {
  if (page !== undefined && report === undefined && conversations !== "off") {
    return Effect.fail(
      Errors.invalid("conversations", "conversations belong to no form; leave conversations out, or page")
    )
  }
  const unwanted =
    digest !== undefined
      ? "digest"
      : quarantined
        ? "quarantined"
        : page !== undefined
          ? "page"
          : conversations !== "off"
            ? "conversations"
            : undefined
  return report !== undefined && unwanted !== undefined
    ? Effect.fail(
        Errors.invalid(
          unwanted,
          `a report has neither page, digest, quarantined nor conversations; leave ${unwanted} out`
        )
      )
    : Effect.void
}

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "notifications",
  Effect.fnUntraced(function* (handlers) {
    const operations = yield* SiteSlots
    const notifications = yield* Notifications
    const mail = yield* MailServer
    const canSendMail = Option.isSome(mail)
    const services = yield* Effect.context<SiteDirectory | Reports>()
    const limiter = yield* RateLimiter

    const find = ({ websiteConfigId }: Site, notificationId: NotificationId) =>
      Effect.flatMap(
        notifications.find(websiteConfigId, notificationId),
        Effect.fromOption(() => notFound)
      )

    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.settings.read.proof
          const own = yield* notifications.list(site.websiteConfigId)
          return { notifications: own, can_send: canSendMail }
        })
      )
      .handle(
        "add",
        Effect.fnUntraced(function* ({ payload }) {
          const { site } = yield* Authorized.settings.change.proof
          yield* refuseOptions(payload)
          if (!canSendMail) return yield* noMail
          const added = yield* notifications.addByOwner(site.websiteConfigId, payload)
          switch (added._tag) {
            case "Added":
              return added.notification
            case "Unsubscribed":
              return yield* Effect.fail(unsubscribed)
            case "TooSoon":
              return yield* Effect.fail(tooManyNew(added))
            // The website was deleted meanwhile.
            case "NoWebsite":
              return yield* Effect.fail(Errors.unknownSite)
          }
        })
      )
      .handle(
        "remove",
        Effect.fnUntraced(function* ({ params }) {
          const { site } = yield* Authorized.settings.change.proof
          const isRemoved = yield* notifications.remove(site.websiteConfigId, params.notification_id)
          if (!isRemoved) return yield* Effect.fail(notFound)
        })
      )
      .handle(
        "resend",
        Effect.fnUntraced(function* ({ params }) {
          const { site } = yield* Authorized.settings.change.proof
          yield* find(site, params.notification_id)
          if (!canSendMail) return yield* noMail
          const resent = yield* notifications.resendConfirmation(site.websiteConfigId, params.notification_id)
          switch (resent._tag) {
            case "Resent":
              return resent.notification
            case "NoNotification":
              return yield* Effect.fail(notFound)
            default:
              return yield* Effect.fail(notResent(resent))
          }
        })
      )
      .handle(
        "test",
        Effect.fnUntraced(function* ({ params }) {
          const { site } = yield* Authorized.settings.change.proof
          yield* operations.beginTest
          const notification = yield* find(site, params.notification_id)
          if (Option.isNone(mail)) return yield* noMail
          if (!notification.confirmed) return yield* Effect.fail(unconfirmed)
          const { accepted, resetMillis } = yield* limiter.take(testLimit, site.websiteConfigId)
          if (!accepted) return yield* Effect.fail(tooManyTests(resetMillis))
          const outcome = yield* TestDeliveries.notification(mail.value, notification).pipe(
            Effect.provide(services),
            Effect.flatMap(Effect.fromOption(() => notFound))
          )
          return outcome._tag === "Accepted"
            ? { accepted: true, error: null }
            : { accepted: false, error: outcome.error }
        })
      )
  })
)
