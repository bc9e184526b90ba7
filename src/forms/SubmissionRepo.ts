/**
 * Stores form submissions: the service, and its layer in the memory of this process. `forms/postgres/SubmissionRepo` has the
 * other layer.
 *
 * @module
 */
import { Context, Effect, Layer, Schema, Stream } from "effect"
import { noAttribution } from "../analytics/Lead.ts"
import type { SubmissionId, WebsiteConfigId } from "../platform/Id.ts"
import { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import { idempotencyWindowMillis, type Status, type Submission, type SubmissionDraft } from "./Submission.ts"

/** The `Idempotency-Key` was used within 24 hours with different content. Nothing was stored. */
export class IdempotencyConflict extends Schema.TaggedError<IdempotencyConflict>()("IdempotencyConflict", {}) {}

export interface MemoryOptions {
  /** The maximum number of submissions, by default 100,000. Beyond it `submit` fails with `StorageUnavailable`. */
  readonly capacity?: number
  /** Whether a website exists. Submissions to other websites are refused. By default every website exists. */
  readonly isKnownSite?: (websiteConfigId: WebsiteConfigId) => boolean
}

/** The use of an idempotency key. */
interface Use {
  readonly fingerprint: string
  readonly submissionId: SubmissionId
  readonly usedAt: number
}

const oldestFirst = (left: Submission, right: Submission): number =>
  left.receivedAt - right.receivedAt || (left.submissionId < right.submissionId ? -1 : 1)

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
    /**
     * The submissions of a website, oldest first, in constant memory. `since` is in milliseconds since 1970, inclusive.
     * Without a `status`, quarantined submissions are included.
     */
    readonly stream: (query: {
      readonly websiteConfigId: WebsiteConfigId
      readonly since?: number | undefined
      readonly status?: Status | undefined
    }) => Stream.Stream<Submission, StorageUnavailable>
    /** Accepts a submission if it is quarantined. False if there is no submission with this id; true if it is accepted now. */
    readonly release: (submissionId: SubmissionId) => Effect.Effect<boolean, StorageUnavailable>
    /**
     * Deletes a submission, which `Inbox` can restore for `restorableMillis`, and its idempotency key, whose digests could confirm a guess of the content. The key can then be used
     * again: the next submission with it is stored under a new id, since the old id would acknowledge a submission that no longer
     * exists. False if there is no such submission.
     */
    readonly delete: (submissionId: SubmissionId) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/forms/SubmissionRepo") {
  static readonly layerMemory = (options?: MemoryOptions): Layer.Layer<SubmissionRepo> =>
    Layer.sync(SubmissionRepo, () => {
      const capacity = options?.capacity ?? 100_000
      const isKnownSite = options?.isKnownSite ?? (() => true)
      const stored: Array<Submission> = []
      // Never larger than `stored`: a key is deleted with its submission.
      const uses = new Map<string, Use>()

      const submit = Effect.fnUntraced(function* (draft: SubmissionDraft) {
        if (!isKnownSite(draft.websiteConfigId)) {
          return yield* new RecordRefused({ reason: "unknown-site" })
        }
        const { idempotency, visitorHashes: _, ...submission } = draft
        const key = idempotency === null ? "" : JSON.stringify([draft.websiteConfigId, idempotency.key])
        const use = uses.get(key)
        if (idempotency !== null && use !== undefined && use.usedAt >= draft.receivedAt - idempotencyWindowMillis) {
          if (use.fingerprint !== idempotency.fingerprint) return yield* new IdempotencyConflict()
          return use.submissionId
        }
        if (stored.length >= capacity) return yield* new StorageUnavailable({ reason: "overloaded" })
        stored.push({ ...submission, attribution: noAttribution })
        if (idempotency !== null) {
          const { submissionId, receivedAt } = submission
          uses.set(key, { fingerprint: idempotency.fingerprint, submissionId, usedAt: receivedAt })
        }
        return submission.submissionId
      })

      return SubmissionRepo.of({
        submit,
        stream: ({ since = Number.NEGATIVE_INFINITY, status, websiteConfigId }) =>
          Stream.suspend(() =>
            Stream.fromIterable(
              stored
                .filter(
                  (submission) => submission.websiteConfigId === websiteConfigId && submission.receivedAt >= since
                )
                .filter((submission) => status === undefined || submission.status === status)
                .sort(oldestFirst)
            )
          ),
        release: (submissionId) =>
          Effect.sync(() => {
            const index = stored.findIndex((submission) => submission.submissionId === submissionId)
            const found = stored[index]
            if (found === undefined) return false
            stored[index] = { ...found, status: "accepted" }
            return true
          }),
        delete: (submissionId) =>
          Effect.sync(() => {
            const index = stored.findIndex((submission) => submission.submissionId === submissionId)
            if (index === -1) return false
            stored.splice(index, 1)
            for (const [key, use] of uses) if (use.submissionId === submissionId) uses.delete(key)
            return true
          })
      })
    })
}
