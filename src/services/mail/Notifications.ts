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
  /** Null before the first. */
  readonly latest: LatestMail | null
}

/** A submission that a recipient gets by mail. */
export interface SubmissionMail {
  readonly recipient: string
  /** When the submission was assigned to the recipient, in milliseconds since 1970. */
  readonly createdAt: number
  /** Null while the submission waits for its digest. */
  readonly mail: LatestMail | null
}

export class Notifications extends Context.Service<
  Notifications,
  {
    /** None if there is no such website. A recipient who has the same topic already keeps one notification, with the new options. */
    readonly add: (notification: {
      readonly websiteConfigId: string
      readonly recipient: string
      readonly topic: Topic
    }) => Effect.Effect<Option.Option<Notification>, StorageUnavailable>
    /** The notifications of a website, oldest first. */
    readonly list: (websiteConfigId: string) => Effect.Effect<ReadonlyArray<ListedNotification>, StorageUnavailable>
    /** The notifications of a website that include a submission, oldest first, with its mail. */
    readonly ofSubmission: (
      websiteConfigId: string,
      submissionId: string
    ) => Effect.Effect<ReadonlyArray<SubmissionMail>, StorageUnavailable>
    /** Whether any website has a notification. */
    readonly isUsed: Effect.Effect<boolean, StorageUnavailable>
    readonly find: (notificationId: string) => Effect.Effect<Option.Option<Notification>, StorageUnavailable>
    /** Removes a notification with its mails, also those that are not sent yet. False if there is no such notification. */
    readonly remove: (notificationId: string) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/services/Notifications") {}
