/**
 * Stores form submissions; see `forms/postgres/SubmissionRepo`. `Inbox` reads and changes them.
 *
 * @module
 */
import { Context, type Effect, Schema } from "effect"
import type { SubmissionId } from "../platform/Id.ts"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import type { SubmissionDraft } from "./Submission.ts"

/** The `Idempotency-Key` was used within 24 hours with different content. Nothing was stored. */
export class IdempotencyConflict extends Schema.TaggedError<IdempotencyConflict>()("IdempotencyConflict", {}) {}

export class SubmissionRepo extends Context.Service<
  SubmissionRepo,
  {
    /**
     * Returns the submission's id after the submission is durable. If the same idempotency key and fingerprint were used for
     * the website within 24 hours, nothing is stored and the id is that of the first submission.
     */
    readonly submit: (
      draft: SubmissionDraft
    ) => Effect.Effect<SubmissionId, StorageUnavailable | RecordRefused | IdempotencyConflict>
  }
>()("hydracore/forms/SubmissionRepo") {}
