/**
 * A form submission, and the rules of its idempotency. Pure: nothing here reads a clock or makes an id.
 *
 * @module
 */
import { hash } from "node:crypto"

export const statuses = ["accepted", "quarantined"] as const

/** Website owners get a quarantined submission only when they ask for the quarantine. */
export type Status = (typeof statuses)[number]

/** A submission as it is stored and given back. */
export interface Submission {
  readonly submissionId: string
  readonly websiteConfigId: string
  /** Milliseconds since 1970. */
  readonly receivedAt: number
  readonly email: string | null
  readonly pageSlug: string | null
  /**
   * The `form_data` object as JSON text, without white space between its tokens and otherwise token for token as it was
   * sent, so that large numbers, NUL characters, lone surrogates and `__proto__` keys come back as they came.
   */
  readonly formData: string
  /** Whether its owner gets it with the others, or finds it in the quarantine. */
  readonly status: Status
  /** What spoke against it when it came, in words of `SpamScore.Mark`; it stays when the submission is released. */
  readonly reasons: ReadonlyArray<string>
}

/** A submission that asks to be stored. */
export interface SubmissionDraft extends Submission {
  /** The client's `Idempotency-Key` and what it stands for, or null if it sent none. */
  readonly idempotency: { readonly key: string; readonly fingerprint: string } | null
}

/** How long an `Idempotency-Key` is remembered. */
export const idempotencyWindowMillis = 24 * 60 * 60 * 1000

/** A digest (hex, SHA-256) of all that a submission says, to tell a repetition from another submission under the same key. */
export const fingerprint = (
  submission: Pick<Submission, "websiteConfigId" | "email" | "pageSlug" | "formData">
): string =>
  hash(
    "sha256",
    JSON.stringify([submission.websiteConfigId, submission.email, submission.pageSlug, submission.formData])
  )
