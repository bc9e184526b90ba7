/**
 * The recipients of a website's mails.
 *
 * @module
 */
import { Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import { page } from "../../forms/OwnerFormsApi.ts"
import * as Field from "../../platform/contract/Field.ts"
import { NotificationId } from "../../platform/Id.ts"
import * as Authorized from "../../sites/access/Authorized.ts"
import * as Errors from "../../sites/access/Errors.ts"
import * as Fields from "../../sites/access/Fields.ts"
import * as Maximums from "../../sites/Maximums.ts"
import { siteId } from "../../sites/OwnerSitesApi.ts"
import { conversationChoices, digests, Notification as Entity, ListedNotification, periods } from "./Notification.ts"

const base = "/v1/owner/sites/:site_id/notifications"
const ofNotification = `${base}/:notification_id`

const site = { site_id: siteId }
const params = { ...site, notification_id: Field.Id(NotificationId, { title: "Notification Id" }) }

const exampleNotification = {
  notification_id: NotificationId.make(Fields.exampleId),
  to: "owner@example.com",
  report: null,
  page: null,
  digest: "15m",
  quarantined: false,
  conversations: "unanswered",
  problems: false,
  confirmed: true,
  created_at: Fields.exampleTime
} as const

export const Notification = Entity.annotate({
  identifier: "Notification",
  examples: [exampleNotification]
})

export const Notifications = Schema.Struct({
  notifications: Schema.Array(ListedNotification),
  can_send: Schema.Boolean.annotate({ description: "Whether the service has a mail server" })
}).annotate({
  identifier: "Notifications",
  examples: [
    {
      notifications: [
        {
          ...exampleNotification,
          latest_mail: { created_at: Fields.exampleTime, status: "sent", attempts: 1, error: null }
        }
      ],
      can_send: true
    }
  ]
})

export const NewNotification = Schema.Struct({
  to: Fields.email("The address that gets the mails"),
  report: Fields.choice(periods, { title: "Report" }),
  page: Schema.optionalKey(page),
  digest: Fields.choice(digests, { title: "Digest" }),
  quarantined: Schema.optionalKey(Fields.boolean("Quarantined")),
  conversations: Fields.choice(conversationChoices, {
    title: "Conversations",
    description:
      "About which conversations a mail is sent. By default `unanswered`; `off` for a report and for the submissions of one form, which can have nothing else"
  }),
  problems: Schema.optionalKey(Fields.boolean("Problems"))
}).annotate({
  identifier: "NewNotification",
  examples: [{ to: "owner@example.com", digest: "15m" }]
})

export const MailTest = Schema.Struct({
  accepted: Schema.Boolean.annotate({ description: "Whether the mail server accepted the mail" }),
  error: Schema.NullOr(Schema.String)
}).annotate({ identifier: "MailTest", examples: [{ accepted: true, error: null }] })

export const list = HttpApiEndpoint.get("list", base, {
  params: site,
  success: Notifications
})
  .middleware(Authorized.settings.read)
  .annotateMerge(
    Authorized.operation({
      identifier: "list_notifications",
      summary: "List notifications",
      description: "The notifications of a website, oldest first, each with its latest mail."
    })
  )

export const add = HttpApiEndpoint.post("add", base, {
  params: site,
  payload: NewNotification,
  success: Notification
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "add_notification",
      summary: "Add a notification",
      description:
        "Mails submissions and conversations to an address; if `report` is given, mails a weekly or monthly report instead. If the address already has a notification of this kind and period, its options are replaced. A new address gets a confirmation mail, and no other mail until a person opens the link in it and confirms. A website can add at most 20 new addresses a day, and an address that was invited to the console only ten minutes after that. An address that unsubscribed can be added again only by the operator.",
      maximums: [Maximums.notifications]
    })
  )

export const remove = HttpApiEndpoint.delete("remove", ofNotification, {
  params,
  success: HttpApiSchema.NoContent
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "remove_notification",
      summary: "Remove a notification",
      description: "No more mails of this notification are sent, not even those that are already queued."
    })
  )

export const test = HttpApiEndpoint.post("test", `${ofNotification}/test`, {
  params,
  success: MailTest,
  error: Errors.GatewayTimeout
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "test_notification",
      summary: "Test a notification",
      description:
        "Sends a test mail, or the report of the latest period if the notification is a report, and returns the outcome. The address must be confirmed. A website can send at most ten tests an hour."
    })
  )

export const resend = HttpApiEndpoint.post("resend", `${ofNotification}/confirmation`, {
  params,
  success: Notification,
  error: Errors.Conflict
})
  .middleware(Authorized.settings.change)
  .annotateMerge(
    Authorized.operation({
      identifier: "resend_confirmation",
      summary: "Send a confirmation mail again",
      description:
        "Sends another confirmation mail to an address that is not confirmed. The links in earlier confirmation mails stay valid until the address is confirmed or removed. 409 if the address is confirmed or unsubscribed. An address that is not confirmed gets at most three confirmation mails and invitations to the console a day, at least ten minutes apart, and a website sends at most 20 of them a day, including those to new addresses; a 429 says when the next one is possible."
    })
  )

export class NotificationsGroup extends HttpApiGroup.make("notifications")
  .add(list, add, remove, test, resend)
  .annotateMerge(OpenApi.annotations({ title: "Notifications", description: "Mails about a website" })) {}
