/**
 * Recipients whom the operator adds: they get mails at once, without a confirmation, also after they unsubscribed.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import { Notifications } from "../../delivery/mail/Notification.ts"
import * as OwnerNotifications from "../../delivery/mail/OwnerNotificationsApi.ts"
import * as NotificationHandlers from "../../delivery/mail/OwnerNotificationsHttp.ts"
import { TestDeliveries } from "../../delivery/TestDeliveries.ts"
import * as Errors from "../../sites/access/Errors.ts"
import { siteId } from "../../sites/OwnerSitesApi.ts"
import * as Operations from "./Operations.ts"

/**
 * If the recipient already has a notification of this kind and period, that notification gets the new options and is confirmed.
 */
const add = HttpApiEndpoint.post("add", "/operator/sites/:site_id/notifications", {
  params: { site_id: siteId },
  payload: OwnerNotifications.NewNotification,
  success: OwnerNotifications.Notification,
  error: Operations.failures
})

export const Api = Operations.api(HttpApiGroup.make("notifications").add(add))

const noMail = Errors.invalid(
  null,
  "no mail can be sent; set SMTP_URL, MAIL_FROM and PUBLIC_URL, here and where the service runs"
)

export const layer = HttpApiBuilder.group(
  Api,
  "notifications",
  Effect.fnUntraced(function* (handlers) {
    const notifications = yield* Notifications
    const tests = yield* TestDeliveries
    return handlers.handle(
      "add",
      Effect.fnUntraced(function* ({ params, payload }) {
        yield* NotificationHandlers.refuseOptions(payload)
        if (!tests.canSendMail) return yield* Effect.fail(noMail)
        const added = yield* notifications.add(params.site_id, payload)
        return yield* Effect.fromOption(added, () => Operations.noSite)
      })
    )
  })
)
