/**
 * A mail from its creation until it is sent. Types and schemas only.
 *
 * @module
 */
import { Schema } from "effect"
import type { Submission } from "../../forms/Submission.ts"
import * as Fields from "../../sites/access/Fields.ts"
import type { Site } from "../../sites/Site.ts"
import type { MailedConversations } from "./ConversationMail.ts"
import type { StoredNotification } from "./Notification.ts"
import type { Problems } from "./ProblemMail.ts"
import type { Range } from "./ReportPeriod.ts"

export const mailStatuses = ["pending", "sent", "failed", "cancelled"] as const

/** What a mail is about. */
export type Subject =
  | {
      readonly kind: "submissions"
      /** The first `SubmissionMail.maxShown` submissions of the mail, oldest first. */
      readonly submissions: ReadonlyArray<Submission>
      /** The number of all submissions of the mail; 0 if they were deleted meanwhile. */
      readonly count: number
      /** The same of its conversations. */
      readonly conversations: MailedConversations
    }
  | { readonly kind: "report"; readonly range: Range }
  | { readonly kind: "webhook-disabled"; readonly webhook: DisabledWebhook }
  | { readonly kind: "problems"; readonly problems: Problems }
  /** Asks whether the recipient wants the website's mails. */
  | { readonly kind: "confirmation" }

/** A webhook that was disabled because it fails. */
export interface DisabledWebhook {
  readonly webhookId: string
  /** The host of its URL; the rest of the URL may be secret. */
  readonly host: string
  /** Whether the receiver answered 410 (Gone); otherwise every attempt failed for five days. */
  readonly isGone: boolean
}

/** The website of a mail. */
export type MailSite = Pick<Site, "websiteConfigId" | "hostedWebsiteId" | "name" | "timeZone">

/** A mail that a process has leased to send it. */
export interface LeasedMail {
  readonly mailId: string
  /** The number of this attempt, from 1. It identifies the lease, since the count of attempts never restarts. */
  readonly attempt: number
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly notification: StoredNotification
  readonly site: MailSite
  readonly subject: Subject
}

/** The latest mail of a notification. */
export const LatestMail = Schema.Struct({
  created_at: Fields.time,
  status: Schema.Literals(mailStatuses),
  attempts: Schema.Int,
  error: Schema.NullOr(Schema.String).annotate({ description: "What went wrong in the last attempt" })
})
