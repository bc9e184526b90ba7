/**
 * The decision on a page view, an event or a submission, from a closed list. Website owners see it in a response header and,
 * counted, in their statistics. Pure.
 *
 * @module
 */
import type { WebsiteConfigId } from "../Id.ts"

/**
 * Why a request is not counted. The page views of `bot` and `referrer-spam` and the submissions of `quarantined` are stored
 * separately. Nothing is stored of other requests.
 */
export const reasons = [
  /** The user agent is a known bot. */
  "bot",
  /** The referrer is a known referrer spammer. */
  "referrer-spam",
  /** The page's origin is not among the website's origins. */
  "foreign-origin",
  /** The client exceeded its rate limit. */
  "limited",
  /** The submission looks like spam. The owner can release it. */
  "quarantined",
  /** The submission breaks a rule that the website's owner set for its form. */
  "form-rule",
  /** The request does not validate. */
  "invalid",
  /** No website has the id in the request, so no website's counts include the request. */
  "unknown-site",
  /** The store did not confirm the write. The request may be sent again. */
  "unavailable"
] as const

export type Reason = (typeof reasons)[number]

/**
 * Why a request is in the tally of uncounted requests: a reason, or one of a request to an assistant. No statistics show the
 * latter.
 *
 * - `chat-limited`: a message was refused because of a limit.
 * - `chat-foreign-origin`: the page's origin is not among the origins of the instance.
 */
export type TallyReason = Reason | "chat-limited" | "chat-foreign-origin"

/** What a website's owner can change so that such requests are not refused any more. Never a value that a visitor entered. */
export interface Refused {
  /** The origin of the page, or the `page_slug` of the form. Empty if it is not known. */
  readonly subject: string
  /** The field whose rule the submission breaks, or the id of the instance. Else empty. */
  readonly field: string
}

/** Longer subjects and fields are not kept. */
const maxRefused = 200

/** `Refused` with texts of a bounded length. */
export const refused = (subject: string | null, field = ""): Refused => ({
  subject: subject === null || subject.length > maxRefused ? "" : subject,
  field: field.length > maxRefused ? "" : field
})

export const nothingRefused: Refused = { subject: "", field: "" }

/** The maximum number of distinct subjects and fields of a website, a day and a reason. Those beyond count as not known. */
export const maxDistinctRefused = 20

/** `repeated`: an earlier request with the same `Idempotency-Key` stored the submission. */
export const decisions = ["counted", "repeated", ...reasons] as const

export type Decision = (typeof decisions)[number]

/** Requests that were not counted, by reason. Absent means none. */
export type Counts = Readonly<Partial<Record<Reason, number>>>

/** The response header that carries the decision. */
export const header = "x-hydracore-decision"

/** The website for which a decision is counted, named by one of its own ids or by the id of an instance that serves it. */
export type Subject =
  /** A website that exists. */
  | { readonly _tag: "Known"; readonly websiteConfigId: WebsiteConfigId }
  /** An id that a request names and that was not looked up. It may not exist. */
  | {
      readonly _tag: "Claimed"
      readonly by: "tracking-token" | "website-config-id" | "instance-id"
      readonly id: string
    }
