/**
 * Stores form submissions. The interface only; see `forms/memory/SubmissionRepo` and
 * `forms/postgres/SubmissionRepo`.
 *
 * @module
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { RecordRefused, StorageUnavailable } from "../services/Storage.ts"
import type { Status, Submission, SubmissionDraft } from "./Submission.ts"

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
    ) => Effect.Effect<string, StorageUnavailable | RecordRefused | IdempotencyConflict>
    /**
     * The submissions of a website, oldest first, in constant memory. `since` is in milliseconds since 1970, inclusive.
     * Without a `status`, quarantined submissions are included.
     */
    readonly stream: (query: {
      readonly websiteConfigId: string
      readonly since?: number | undefined
      readonly status?: Status | undefined
    }) => Stream.Stream<Submission, StorageUnavailable>
    /** Accepts a submission if it is quarantined. False if there is no submission with this id; true if it is accepted now. */
    readonly release: (submissionId: string) => Effect.Effect<boolean, StorageUnavailable>
    /**
     * Deletes a submission and its idempotency key, whose digests could confirm a guess of the content. The key can then be used
     * again: the next submission with it is stored under a new id, since the old id would acknowledge a submission that no longer
     * exists. False if there is no such submission.
     */
    readonly delete: (submissionId: string) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/services/SubmissionRepo") {}
