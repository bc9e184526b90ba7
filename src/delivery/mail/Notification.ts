/**
 * Which mails a recipient gets about a website, and the service that stores the recipients; see `delivery/mail/postgres/Notifications`.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import { NotificationId, type SubmissionId, type WebsiteConfigId } from "../../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../../platform/Storage.ts"
import type { Access } from "../../sites/access/Access.ts"
import * as Fields from "../../sites/access/Fields.ts"
import type { Decision, InvitationDecision, RepeatRefusal } from "./MailRecipient.ts"

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

export const mailStatuses = ["pending", "sent", "failed", "cancelled"] as const

/** The latest mail of a notification. */
export const LatestMail = Schema.Struct({
  created_at: Fields.time,
  status: Schema.Literals(mailStatuses),
  attempts: Schema.Int,
  error: Schema.NullOr(Schema.String).annotate({ description: "What went wrong in the last attempt" })
})

/** A notification with its latest mail. */
export const ListedNotification = Schema.Struct({
  ...Notification.fields,
  latest_mail: Schema.NullOr(LatestMail).annotate({ description: "Null before the first" })
})

export type ListedNotification = typeof ListedNotification.Type

/** A recipient of a submission, with the state of the mail that contains it. */
export const SubmissionMail = Schema.Struct({
  to: Schema.String,
  status: Schema.Literals(["waiting", ...mailStatuses]).annotate({
    description: "`waiting`: the submission will be mailed with others"
  }),
  created_at: Fields.time,
  error: Schema.NullOr(Schema.String)
})

export type SubmissionMail = typeof SubmissionMail.Type

/** What a notification is created from. A report has neither `page`, `digest`, `quarantined` nor `conversations`. */
export interface NewNotification {
  readonly to: string
  readonly report?: Period
  readonly digest?: Digest
  readonly quarantined?: boolean
  /** Not with `page`. Default: `defaultConversations`. */
  readonly conversations?: ConversationChoice
  readonly problems?: boolean
  /** The `page_slug` of a form; without it, the submissions of all forms are mailed. */
  readonly page?: string
}

/** The result of adding a notification over the owner API. */
export type AddedByOwner =
  | { readonly _tag: "Added"; readonly notification: StoredNotification }
  /** There is no such website. */
  | { readonly _tag: "NoWebsite" }
  | Exclude<Decision, { readonly _tag: "Accepted" }>

/** The result of sending a confirmation mail again. */
export type ResentConfirmation =
  | { readonly _tag: "Resent"; readonly notification: StoredNotification }
  /** The website has no such notification. */
  | { readonly _tag: "NoNotification" }
  | RepeatRefusal

export class Notifications extends Context.Service<
  Notifications,
  {
    /**
     * Adds a notification on behalf of the operator, even if the address has unsubscribed; none if there is no such website. If
     * the recipient already has a notification of this kind and form and, for reports, of this period, that notification gets the new
     * options instead.
     */
    readonly add: (
      websiteConfigId: WebsiteConfigId,
      notification: NewNotification
    ) => Effect.Effect<Option.Option<StoredNotification>, StorageUnavailable>
    /**
     * The same for the owner API of a process that sends mails, unless `MailRecipient.decide` refuses the address. If the website has no confirmed notification
     * of the address, and no person of the website has confirmed it (`ListedPerson.confirmed`), the new one is not confirmed, and an
     * address that is new to the website gets a confirmation mail. Fails
     * beyond `Maximums.notifications`.
     */
    readonly addByOwner: (
      websiteConfigId: WebsiteConfigId,
      notification: NewNotification
    ) => Effect.Effect<AddedByOwner, StorageUnavailable | LimitReached>
    /**
     * Makes another confirmation mail for the recipient of a notification, unless `MailRecipient.decideRepeat` refuses it. The
     * new mail replaces those to the same address that are not sent yet. The links in those already sent stay valid.
     */
    readonly resendConfirmation: (
      websiteConfigId: WebsiteConfigId,
      notificationId: NotificationId
    ) => Effect.Effect<ResentConfirmation, StorageUnavailable>
    /** The notifications of a website, oldest first. */
    readonly list: (
      websiteConfigId: WebsiteConfigId
    ) => Effect.Effect<ReadonlyArray<ListedNotification>, StorageUnavailable>
    /** The recipients who get a submission of a website by mail, each with the mail, in the order of their notifications. */
    readonly ofSubmission: (
      websiteConfigId: WebsiteConfigId,
      submissionId: SubmissionId
    ) => Effect.Effect<ReadonlyArray<SubmissionMail>, StorageUnavailable>
    /** Whether any website has a notification. */
    readonly isUsed: Effect.Effect<boolean, StorageUnavailable>
    /** None if the website has no such notification. */
    readonly find: (
      websiteConfigId: WebsiteConfigId,
      notificationId: NotificationId
    ) => Effect.Effect<Option.Option<StoredNotification>, StorageUnavailable>
    /**
     * Removes a notification with its mails; mails that still wait are never sent. False if the website has no such notification.
     */
    readonly remove: (
      websiteConfigId: WebsiteConfigId,
      notificationId: NotificationId
    ) => Effect.Effect<boolean, StorageUnavailable>
    /** Confirms a website's notifications of an address. False if it has none. */
    readonly confirm: (
      websiteConfigId: WebsiteConfigId,
      isRecipient: (address: string) => boolean
    ) => Effect.Effect<boolean, StorageUnavailable>
    /**
     * Records that an address is invited to the console of some websites by mail, unless `MailRecipient.decideInvitation` refuses
     * it. A website that the address has confirmed has no such limits.
     */
    readonly countInvitation: (
      sites: Access["sites"],
      address: string
    ) => Effect.Effect<InvitationDecision, StorageUnavailable>
    /** Refuses mails of websites on behalf of an address that was invited. The address's notifications stay as they are. */
    readonly refuseInvitations: (sites: Access["sites"], address: string) => Effect.Effect<void, StorageUnavailable>
    /** Removes a notification at its recipient's request. From then on `addByOwner` refuses the address until `add` adds it. */
    readonly unsubscribe: (notificationId: NotificationId) => Effect.Effect<void, StorageUnavailable>
    /** Deletes what one website, or all if `websiteConfigId` is null, knows about an address, except its notifications. */
    readonly eraseRecipient: (
      address: string,
      websiteConfigId: WebsiteConfigId | null
    ) => Effect.Effect<void, StorageUnavailable>
  }
>()("hydracore/delivery/mail/Notifications") {}
