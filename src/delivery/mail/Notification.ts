/**
 * Which mails a recipient gets about a website. Pure.
 *
 * @module
 */
import { Schema } from "effect"
import { NotificationId, type WebsiteConfigId } from "../../platform/Id.ts"
import * as Fields from "../../sites/access/Fields.ts"

/** `15m` collects submissions for fifteen minutes, `daily` until the next morning. */
export const digests = ["15m", "daily"] as const

export type Digest = (typeof digests)[number]

export const periods = ["weekly", "monthly"] as const

export type Period = (typeof periods)[number]

/** The mails that one recipient gets about one website: its submissions, or a report of each period. */
export const Notification = Schema.Struct({
  notification_id: NotificationId,
  to: Schema.String,
  report: Schema.NullOr(Schema.Literals(periods)).annotate({
    description: "The period of a report; null if submissions are mailed"
  }),
  page: Schema.NullOr(Schema.String).annotate({
    description: "The `page_slug` of the form whose submissions are mailed; null for all forms, and always for a report"
  }),
  digest: Schema.NullOr(Schema.Literals(digests)).annotate({
    description: "How submissions are collected in a mail; null if each is mailed at once, and always null for a report"
  }),
  quarantined: Schema.Boolean.annotate({ description: "Whether suspected spam is mailed too" }),
  problems: Schema.Boolean.annotate({
    description: "Whether a mail says when a problem of the website begins and when it ends"
  }),
  confirmed: Schema.Boolean.annotate({
    description:
      "True if the recipient confirmed the address with the link in a confirmation mail, or if the operator added it. An address that is not confirmed gets no other mail, and its notification is removed a week after its latest confirmation mail"
  }),
  created_at: Fields.time
})

export type Notification = typeof Notification.Type

/** A notification as it is stored, with its website. */
export interface StoredNotification extends Notification {
  readonly website_config_id: WebsiteConfigId
}

/**
 * The notifications that mail a submission of their website because of an event. If a recipient has one for the submission's form,
 * it takes the place of the one for all forms, so that no address gets a submission twice.
 */
export const mailing = <A extends Pick<Notification, "page" | "quarantined" | "report" | "to">>(
  notifications: ReadonlyArray<A>,
  pageSlug: string | null,
  eventType: string
): ReadonlyArray<A> => {
  const submissions = notifications.filter(({ report }) => report === null)
  const ofForm = submissions.filter(({ page }) => page !== null && page === pageSlug)
  const recipients = new Set(ofForm.map(({ to }) => to.toLowerCase()))
  const others = submissions.filter(({ page, to }) => page === null && !recipients.has(to.toLowerCase()))
  return [...ofForm, ...others].filter((notification) => isMailed(notification, eventType))
}

/**
 * Whether a recipient gets a mail about an event. No submission is mailed twice: an accepted one is mailed when it is stored,
 * and a quarantined one either when it is stored or when it is released.
 */
export const isMailed = (
  { quarantined, report }: Pick<Notification, "quarantined" | "report">,
  eventType: string
): boolean => {
  if (report !== null) return false
  switch (eventType) {
    case "submission.accepted":
      return true
    case "submission.quarantined":
      return quarantined
    case "submission.released":
      return !quarantined
    default:
      return false
  }
}
