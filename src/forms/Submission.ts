/**
 * A form submission and its idempotency. Pure: times and ids are arguments.
 *
 * @module
 */
import { hash } from "node:crypto"
import type { Attribution } from "../analytics/Lead.ts"
import type { SubmissionId, WebsiteConfigId } from "../platform/Id.ts"
import { dayMillis } from "../platform/text/Calendar.ts"

export const statuses = ["accepted", "quarantined"] as const

/** Exports and mails leave quarantined submissions out unless they are requested. */
export type Status = (typeof statuses)[number]

/** A stored submission. */
export interface Submission {
  readonly submissionId: SubmissionId
  readonly websiteConfigId: WebsiteConfigId
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  readonly email: string | null
  readonly pageSlug: string | null
  /**
   * The `form_data` object as JSON text, without reserved fields. Its JSON tokens are as they were sent, without white space
   * between them. Large numbers, NUL characters, lone surrogates and `__proto__` keys are thus preserved.
   */
  readonly formData: string
  readonly status: Status
  /** The `SpamReason`s of its score. A release does not clear them. */
  readonly reasons: ReadonlyArray<string>
  /** Where its visit came from; `Lead.noAttribution` until the visit is found. */
  readonly attribution: Attribution
}

/** A submission to be stored. */
export interface SubmissionDraft extends Omit<Submission, "attribution"> {
  /** The hashes of its sender, if it is a lead; else none. Not stored with the submission: see `Leads`. */
  readonly visitorHashes: ReadonlyArray<string>
  /** The client's `Idempotency-Key` and the submission's `fingerprint`; null if the client sent no key. */
  readonly idempotency: { readonly key: string; readonly fingerprint: string } | null
}

/** How long a deleted submission can be restored. */
export const restorableMillis = 30 * dayMillis

/** How long an `Idempotency-Key` is valid. */
export const idempotencyWindowMillis = dayMillis

/**
 * The SHA-256 (hexadecimal) of a submission's content. It distinguishes a retry from a different submission with the same key.
 */
export const fingerprint = (
  submission: Pick<Submission, "websiteConfigId" | "email" | "pageSlug" | "formData">
): string =>
  hash(
    "sha256",
    JSON.stringify([submission.websiteConfigId, submission.email, submission.pageSlug, submission.formData])
  )
