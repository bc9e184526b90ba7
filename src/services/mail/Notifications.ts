/**
 * The recipients of a website's mails. The interface only; see `memory/mail/Notifications` and `postgres/mail/Notifications`.
 *
 * @module
 */
import { Context, type Effect, type Option } from "effect"
import type { LatestMail } from "../../core/mail/Mail.ts"
import type { Notification, Topic } from "../../core/mail/Notification.ts"
import type { StorageUnavailable } from "../Storage.ts"

/** A notification with its latest mail. */
export interface ListedNotification {
  readonly notification: Notification
  /** Null before the first mail. */
  readonly latest: LatestMail | null
}

/** A submission that a recipient gets by mail. */
export interface SubmissionMail {
  readonly recipient: string
  /** When the submission was assigned to the recipient, in milliseconds since 1970. */
  readonly createdAt: number
  /** Null while the submission waits for its mail. */
  readonly mail: LatestMail | null
}

export class Notifications extends Context.Service<
  Notifications,
  {
    /**
     * Adds a notification; none if there is no such website. If the recipient already has a notification of this kind and, for
     * reports, of this period, that notification gets the new options instead.
     */
    readonly add: (notification: {
      readonly websiteConfigId: string
      readonly recipient: string
      readonly topic: Topic
    }) => Effect.Effect<Option.Option<Notification>, StorageUnavailable>
    /** The notifications of a website, oldest first. */
    readonly list: (websiteConfigId: string) => Effect.Effect<ReadonlyArray<ListedNotification>, StorageUnavailable>
    /** The recipients who get a submission of a website by mail, each with the mail, in the order of their notifications. */
    readonly ofSubmission: (
      websiteConfigId: string,
      submissionId: string
    ) => Effect.Effect<ReadonlyArray<SubmissionMail>, StorageUnavailable>
    /** Whether any website has a notification. */
    readonly isUsed: Effect.Effect<boolean, StorageUnavailable>
    readonly find: (notificationId: string) => Effect.Effect<Option.Option<Notification>, StorageUnavailable>
    /**
     * Removes a notification with its mails; mails that are not sent yet are not sent. False if there is no such
     * notification.
     */
    readonly remove: (notificationId: string) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/services/Notifications") {}
