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

/** `unanswered`: those whose visitor got no answer; `all`: also those that begin. */
export const conversationChoices = ["off", "unanswered", "all"] as const

export type ConversationChoice = (typeof conversationChoices)[number]

/** The mails that one recipient gets about one website: its submissions and conversations, or a report of each period. */
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
  conversations: Schema.Literals(conversationChoices).annotate({
    description:
      "About which conversations of the website's chats a mail is sent, as for submissions: about those whose visitor got no answer, about all that begin, or about none. Always `off` for a report and for the submissions of one form"
  }),
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

/** About which conversations a recipient gets mails who was added without a choice. */
export const defaultConversations = ({
  page = null,
  report = null
}: {
  readonly page?: string | null
  readonly report?: Period | null
}): ConversationChoice => (page === null && report === null ? "unanswered" : "off")

/**
 * The notifications that mail a submission or a conversation of their website because of an event. If a recipient has one for the
 * submission's form, it takes the place of the one for all forms, so that no address gets a submission twice.
 */
export const mailing = <A extends Pick<Notification, "conversations" | "page" | "quarantined" | "report" | "to">>(
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
 * and a quarantined one either when it is stored or when it is released. A conversation has one item of the recipient's mails, so
 * it is mailed when it begins or when it gets no answer.
 */
export const isMailed = (
  { conversations, quarantined, report }: Pick<Notification, "conversations" | "quarantined" | "report">,
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
    case "conversation.started":
      return conversations === "all"
    case "conversation.unanswered":
      return conversations !== "off"
    default:
      return false
  }
}
