/**
 * Keeps form submissions in this process; they are gone when it ends.
 *
 * @module
 */
import { Effect, Layer, Stream } from "effect"
import { idempotencyWindowMillis, type Submission, type SubmissionDraft } from "../core/Submission.ts"
import { RecordRefused, StorageUnavailable } from "../services/Storage.ts"
import { IdempotencyConflict, SubmissionRepo } from "../services/SubmissionRepo.ts"

export interface Options {
  /** The most submissions that are kept, 100,000 unless told; beyond it `StorageUnavailable`: none is forgotten. */
  readonly capacity?: number
  /** Whether there is such a website; a submission to another is refused. Unless told, every website is known. */
  readonly knows?: (websiteConfigId: string) => boolean
}

interface Use {
  readonly fingerprint: string
  readonly submissionId: string
  readonly usedAt: number
}

const oldestFirst = (left: Submission, right: Submission): number =>
  left.receivedAt - right.receivedAt || (left.submissionId < right.submissionId ? -1 : 1)

export const layer = (options?: Options): Layer.Layer<SubmissionRepo> =>
  Layer.sync(SubmissionRepo, () => {
    const capacity = options?.capacity ?? 100_000
    const knows = options?.knows ?? (() => true)
    const kept: Array<Submission> = []
    // No larger than `kept`: a key is only remembered with the submission that it stands for.
    const uses = new Map<string, Use>()

    const submit = Effect.fnUntraced(function* (draft: SubmissionDraft) {
      if (!knows(draft.websiteConfigId)) return yield* new RecordRefused({})
      const { idempotency, ...submission } = draft
      const key = idempotency === null ? "" : JSON.stringify([draft.websiteConfigId, idempotency.key])
      const use = uses.get(key)
      if (idempotency !== null && use !== undefined && use.usedAt >= draft.receivedAt - idempotencyWindowMillis) {
        if (use.fingerprint !== idempotency.fingerprint) return yield* new IdempotencyConflict()
        return use.submissionId
      }
      if (kept.length >= capacity) return yield* new StorageUnavailable({ reason: "overloaded" })
      kept.push(submission)
      if (idempotency !== null) {
        const { submissionId, receivedAt } = submission
        uses.set(key, { fingerprint: idempotency.fingerprint, submissionId, usedAt: receivedAt })
      }
      return submission.submissionId
    })

    return {
      submit,
      stream: ({ since = Number.NEGATIVE_INFINITY, status, websiteConfigId }) =>
        Stream.suspend(() =>
          Stream.fromIterable(
            kept
              .filter((submission) => submission.websiteConfigId === websiteConfigId && submission.receivedAt >= since)
              .filter((submission) => status === undefined || submission.status === status)
              .sort(oldestFirst)
          )
        ),
      release: (submissionId) =>
        Effect.sync(() => {
          const index = kept.findIndex((submission) => submission.submissionId === submissionId)
          const found = kept[index]
          if (found !== undefined) kept[index] = { ...found, status: "accepted" }
          return found !== undefined
        }),
      delete: (submissionId) =>
        Effect.sync(() => {
          const index = kept.findIndex((submission) => submission.submissionId === submissionId)
          if (index === -1) return false
          kept.splice(index, 1)
          for (const [key, use] of uses) if (use.submissionId === submissionId) uses.delete(key)
          return true
        })
    }
  })
