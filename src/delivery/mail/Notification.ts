/**
 * Which mails a recipient gets about a website. Pure.
 *
 * @module
 */
import type { NotificationId, WebsiteConfigId } from "../../platform/Id.ts"

/** `15m` collects submissions for fifteen minutes, `daily` until the next morning. */
export const digests = ["15m", "daily"] as const

export type Digest = (typeof digests)[number]

export const periods = ["weekly", "monthly"] as const

export type Period = (typeof periods)[number]

/** Submissions as they arrive or in digests, or a report of each period. */
export type Topic =
  | {
      readonly kind: "submissions"
      /** Null for a mail per submission. */
      readonly digest: Digest | null
      /** Whether mails include suspected spam. If not, a quarantined submission is mailed when it is released. */
      readonly includeQuarantined: boolean
    }
  | { readonly kind: "report"; readonly period: Period }

/**
 * Whether two topics are the same, regardless of their options. A recipient has at most one notification of submissions, and one
 * report for each period.
 */
export const isSameTopic = (one: Topic, other: Topic): boolean =>
  one.kind === "report" ? other.kind === "report" && other.period === one.period : other.kind === "submissions"

/** The mails that one recipient gets about one website. */
export interface Notification {
  readonly notificationId: NotificationId
  readonly websiteConfigId: WebsiteConfigId
  /** The address of the recipient. */
  readonly recipient: string
  readonly topic: Topic
  /** True if the operator added the recipient, or the recipient confirmed. Otherwise only a confirmation mail is sent. */
  readonly isConfirmed: boolean
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/**
 * Whether a recipient gets a mail about an event. No submission is mailed twice: an accepted one is mailed when it is stored,
 * and a quarantined one either when it is stored or when it is released.
 */
export const isMailed = (topic: Topic, eventType: string): boolean => {
  if (topic.kind === "report") return false
  switch (eventType) {
    case "submission.accepted":
      return true
    case "submission.quarantined":
      return topic.includeQuarantined
    case "submission.released":
      return !topic.includeQuarantined
    default:
      return false
  }
}
