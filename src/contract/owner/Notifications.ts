/**
 * The recipients of a website's mails.
 *
 * @module
 */
import { Option, Schema } from "effect"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as OpenApi from "effect/http-api/OpenApi"
import * as Address from "../../core/mail/Address.ts"
import { mailStatuses } from "../../core/mail/Mail.ts"
import { digests, periods } from "../../core/mail/Notification.ts"
import * as Wire from "../Wire.ts"
import * as Errors from "./Errors.ts"
import * as Examples from "./Examples.ts"
import * as Fields from "./Fields.ts"
import { siteId } from "./Sites.ts"

const base = "/v1/owner/sites/:site_id/notifications"
const ofNotification = `${base}/:notification_id`

const site = { site_id: siteId }
const params = { ...site, notification_id: Wire.Uuid({ title: "Notification Id" }) }

const exampleNotification = {
  notification_id: Examples.id,
  to: "owner@example.com",
  report: null,
  digest: "15m",
  quarantined: false,
  confirmed: true,
  created_at: Examples.time
} as const

export const Notification = Schema.Struct({
  notification_id: Fields.uuid,
  to: Schema.String,
  report: Schema.NullOr(Schema.Literals(periods)).annotate({ description: "Null for submissions" }),
  digest: Schema.NullOr(Schema.Literals(digests)).annotate({
    description: "Null for a mail per submission, and for a report"
  }),
  quarantined: Schema.Boolean.annotate({ description: "Whether suspected spam is mailed too" }),
  confirmed: Schema.Boolean.annotate({
    description:
      "Whether the recipient confirmed the address with the link in the confirmation mail, or the operator added it. Until then it gets no other mail, and a week after the latest confirmation mail the notification is removed"
  }),
  created_at: Fields.time
}).annotate({ identifier: "Notification", title: "Notification", examples: [exampleNotification] })

/** The state of a mail. */
export const mail = {
  created_at: Fields.time,
  status: Schema.Literals(mailStatuses),
  attempts: Schema.Int,
  error: Schema.NullOr(Schema.String).annotate({ description: "What went wrong in the last attempt" })
}

export const Notifications = Schema.Struct({
  notifications: Schema.Array(
    Schema.Struct({
      ...Notification.fields,
      latest_mail: Schema.NullOr(Schema.Struct(mail)).annotate({ description: "Null before the first" })
    })
  ),
  can_send: Schema.Boolean.annotate({ description: "Whether the service has a mail server" })
}).annotate({
  identifier: "Notifications",
  title: "Notifications",
  examples: [
    {
      notifications: [
        { ...exampleNotification, latest_mail: { created_at: Examples.time, status: "sent", attempts: 1, error: null } }
      ],
      can_send: true
    }
  ]
})

export const NewNotification = Schema.Struct({
  to: Fields.parsed(
    { type: "string", format: "email", description: "The address that gets the mails" },
    (text) => Option.liftPredicate(text.trim(), Address.isAddress),
    "an email address such as owner@example.com is expected"
  ),
  report: Fields.choice(periods, { title: "Report" }),
  digest: Fields.choice(digests, { title: "Digest" }),
  quarantined: Schema.optionalKey(Fields.boolean("Quarantined"))
}).annotate({
  identifier: "NewNotification",
  title: "NewNotification",
  examples: [{ to: "owner@example.com", digest: "15m" }]
})

export const MailTest = Schema.Struct({
  accepted: Schema.Boolean.annotate({ description: "Whether the mail server accepted the mail" }),
  error: Schema.NullOr(Schema.String)
}).annotate({ identifier: "MailTest", title: "MailTest", examples: [{ accepted: true, error: null }] })

export const list = HttpApiEndpoint.get("list", base, {
  params: site,
  success: Notifications,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "list_notifications",
    summary: "List notifications",
    description: "The notifications of a website with their latest mails, oldest first. Scope `read`."
  })
)

export const add = HttpApiEndpoint.post("add", base, {
  params: site,
  payload: NewNotification,
  success: Notification,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "add_notification",
    summary: "Add a notification",
    description:
      "Mails submissions to an address, or with `report` a report of each week or month. If the address gets the same already, its notification gets the new options. An address that the website has not mailed yet gets a confirmation mail, at most one a day, and no other mail until a person opens the link in it and confirms. A website causes at most 20 confirmation mails a day, and gets no address that unsubscribed: only the operator can add it again. Scope `write`."
  })
)

export const remove = HttpApiEndpoint.delete("remove", ofNotification, {
  params,
  success: HttpApiSchema.NoContent,
  error: Errors.NotFound
}).annotateMerge(
  OpenApi.annotations({
    identifier: "remove_notification",
    summary: "Remove a notification",
    description: "The address gets no more mails of this notification, not even those that wait. Scope `write`."
  })
)

export const test = HttpApiEndpoint.post("test", `${ofNotification}/test`, {
  params,
  success: MailTest,
  error: [Errors.NotFound, Errors.GatewayTimeout]
}).annotateMerge(
  OpenApi.annotations({
    identifier: "test_notification",
    summary: "Test a notification",
    description:
      "Mails a test, or the report of the latest period, and returns the outcome. The address must be confirmed. A website can send at most ten tests an hour. Scope `write`."
  })
)

export const resend = HttpApiEndpoint.post("resend", `${ofNotification}/confirmation`, {
  params,
  success: Notification,
  error: [Errors.NotFound, Errors.Conflict]
}).annotateMerge(
  OpenApi.annotations({
    identifier: "resend_confirmation",
    summary: "Send a confirmation mail again",
    description:
      "For an address that is not confirmed. The links of all confirmation mails stay valid until the address is confirmed or removed. A 409 if the address is confirmed or unsubscribed. An address gets at most three confirmation mails a day, ten minutes apart, and a website causes at most 20, including those to new addresses; a 429 says when the next one is possible. Scope `write`."
  })
)

export class NotificationsGroup extends HttpApiGroup.make("notifications")
  .add(list, add, remove, test, resend)
  .annotateMerge(OpenApi.annotations({ title: "Notifications", description: "Mails about a website" })) {}
