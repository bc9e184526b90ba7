/**
 * Stores form submissions and gives them back. The interface alone; see `memory/SubmissionRepo` and
 * `postgres/SubmissionRepo`.
 *
 * @module
 */
import { Context, type Effect, Schema, type Stream } from "effect"
import type { Status } from "../core/SpamScore.ts"
import type { Submission, SubmissionDraft } from "../core/Submission.ts"
import type { RecordRefused, StorageUnavailable } from "./Storage.ts"

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
  }
>()("hydracore/services/SubmissionRepo") {}
