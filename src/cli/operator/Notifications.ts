/**
 * Recipients whom the operator adds: they get mails at once, without a confirmation, also after they unsubscribed.
 *
 * @module
 */
import { Effect, Option } from "effect"
import { MailServer } from "../../delivery/mail/Mailer.ts"
import { type NewNotification, Notifications } from "../../delivery/mail/Notification.ts"
import { Notification } from "../../delivery/mail/OwnerNotificationsApi.ts"
import * as NotificationHandlers from "../../delivery/mail/OwnerNotificationsHttp.ts"
import type { WebsiteConfigId } from "../../platform/Id.ts"
import * as Errors from "../../sites/access/Errors.ts"

const noMail = Errors.invalid(
  null,
  "no mail can be sent; set SMTP_URL, MAIL_FROM and PUBLIC_URL, here and where the service runs"
)

export const make = Effect.fnUntraced(function* () {
  const notifications = yield* Notifications
  const canSendMail = Option.isSome(yield* MailServer)
  return {
    /** If the recipient already has a notification of this kind and period, that one gets the new options and is confirmed. */
    add: Effect.fnUntraced(function* (siteId: WebsiteConfigId, given: NewNotification) {
      yield* NotificationHandlers.refuseOptions(given)
      if (!canSendMail) return yield* Effect.fail(noMail)
      const added = yield* notifications.add(siteId, given)
      return Notification.make(yield* Effect.fromOption(added, () => Errors.unknownSite))
    })
  }
})
