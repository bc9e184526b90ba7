/**
 * Stores form submissions; see `forms/postgres/SubmissionRepo`. `Inbox` reads and changes them.
 *
 * @module
 */
import { Context, Effect, Layer, Schema } from "effect"
import type { SubmissionId, WebsiteConfigId } from "../platform/Id.ts"
import { RecordRefused, type StorageUnavailable } from "../platform/Storage.ts"
import { idempotencyWindowMillis, type SubmissionDraft } from "./Submission.ts"

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

/** The use of an idempotency key. */
interface Use {
  readonly fingerprint: string
  readonly submissionId: SubmissionId
  readonly usedAt: number
}

/**
 * Stores submissions in the memory of this process, in `stored`. Submissions to websites that do not exist are refused; by default every
 * website exists.
 */
export const layerMemory = (options?: {
  readonly isKnownSite?: (websiteConfigId: WebsiteConfigId) => boolean
  readonly stored?: Array<SubmissionDraft>
}): Layer.Layer<SubmissionRepo> =>
  Layer.sync(SubmissionRepo, () => {
    const { isKnownSite = () => true, stored = [] } = options ?? {}
    const uses = new Map<string, Use>()
    return {
      submit: Effect.fnUntraced(function* (draft) {
        const { idempotency, receivedAt, submissionId, websiteConfigId } = draft
        if (!isKnownSite(websiteConfigId)) return yield* new RecordRefused({ reason: "unknown-site" })
        const key = idempotency === null ? "" : JSON.stringify([websiteConfigId, idempotency.key])
        const use = uses.get(key)
        if (idempotency !== null && use !== undefined && use.usedAt >= receivedAt - idempotencyWindowMillis) {
          return use.fingerprint === idempotency.fingerprint ? use.submissionId : yield* new IdempotencyConflict()
        }
        stored.push(draft)
        if (idempotency !== null)
          uses.set(key, { fingerprint: idempotency.fingerprint, submissionId, usedAt: receivedAt })
        return submissionId
      })
    }
  })
