/**
 * The recipients of a website's mails. The interface and its shapes only; see `delivery/mail/postgres/Notifications`.
 *
 * @module
 */
import { Context, type Effect, type Option, Schema } from "effect"
import type { NotificationId, SubmissionId, WebsiteConfigId } from "../../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../../platform/Storage.ts"
import type { Access } from "../../sites/access/Access.ts"
import * as Fields from "../../sites/access/Fields.ts"
import { LatestMail, mailStatuses } from "./Mail.ts"
import type { Decision, InvitationDecision, RepeatRefusal } from "./MailRecipient.ts"
import {
  type ConversationChoice,
  type Digest,
  Notification,
  type Period,
  type StoredNotification
} from "./Notification.ts"

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
  /** `SECRETS_KEY`, by which recipients are recognised, is not set. */
  | { readonly _tag: "NoKey" }
  | Exclude<Decision, { readonly _tag: "Accepted" }>

/** The result of sending a confirmation mail again. */
export type ResentConfirmation =
  | { readonly _tag: "Resent"; readonly notification: StoredNotification }
  /** The website has no such notification. */
  | { readonly _tag: "NoNotification" }
  /** `SECRETS_KEY`, by which recipients are recognised, is not set. */
  | { readonly _tag: "NoKey" }
  | RepeatRefusal

/** Whether an address may be invited by mail. */
export type InvitationCount =
  | InvitationDecision
  /** `SECRETS_KEY`, by which recipients are recognised, is not set. */
  | { readonly _tag: "NoKey" }

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
     * The same for the owner API, unless `MailRecipient.decide` refuses the address. If the website has no confirmed notification
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
    ) => Effect.Effect<InvitationCount, StorageUnavailable>
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
