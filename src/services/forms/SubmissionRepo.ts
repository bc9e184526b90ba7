/**
 * Stores form submissions and gives them back. The interface alone; see `memory/forms/SubmissionRepo` and
 * `postgres/forms/SubmissionRepo`.
 *
 * @module
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { Status, Submission, SubmissionDraft } from "../../core/forms/Submission.ts"
import type { RecordRefused, StorageUnavailable } from "../Storage.ts"

/** The same `Idempotency-Key` came within 24 hours with another content. Nothing was stored. */
export class IdempotencyConflict extends Schema.TaggedError<IdempotencyConflict>()("IdempotencyConflict", {}) {}

export class SubmissionRepo extends Context.Service<
  SubmissionRepo,
  {
    /**
     * Succeeds after the submission is durable, with its id. A draft whose idempotency key was used for the same website
     * within 24 hours with the same fingerprint is not stored again: the id of the first one comes back.
     */
    readonly submit: (
      draft: SubmissionDraft
    ) => Effect.Effect<string, StorageUnavailable | RecordRefused | IdempotencyConflict>
    /**
     * The submissions of a website, oldest first, in constant memory. `since` is in milliseconds since 1970, inclusive;
     * without a `status` those of the quarantine are among them.
     */
    readonly stream: (query: {
      readonly websiteConfigId: string
      readonly since?: number | undefined
      readonly status?: Status | undefined
    }) => Stream.Stream<Submission, StorageUnavailable>
    /** Takes a submission out of the quarantine. False if there is no such submission; true if it is accepted, now or already. */
    readonly release: (submissionId: string) => Effect.Effect<boolean, StorageUnavailable>
    /**
     * Deletes a submission for good, with everything that was kept of it: also the idempotency key that it came under,
     * whose digests of the key and of the content would tell whoever can guess them what somebody sent. The key is then as
     * if it had never been used: what is sent under it again is a new submission, stored and answered with an id of its
     * own, since an answer with the old id would promise what is no longer so. True if it was there.
     */
    readonly delete: (submissionId: string) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/services/SubmissionRepo") {}
