/**
 * Keeps form submissions in this process; they are gone when it ends.
 *
 * @module
 */
import { Context, Effect, Layer, Stream } from "effect"
import { idempotencyWindowMillis, type Submission, type SubmissionDraft } from "../../core/forms/Submission.ts"
import { IdempotencyConflict, SubmissionRepo } from "../../services/forms/SubmissionRepo.ts"
import { RecordRefused, StorageUnavailable } from "../../services/Storage.ts"
import type { Erased } from "../../services/sites/SiteErasure.ts"

export interface Options {
  /** The most submissions that are kept, 100,000 unless told; beyond it `StorageUnavailable`: none is forgotten. */
  readonly capacity?: number
  /** Whether there is such a website; a submission to another is refused. Unless told, every website is known. */
  readonly isKnownSite?: (websiteConfigId: string) => boolean
}

/** The submissions that this process holds, for the memory `SiteErasure` and `Readiness`. */
export class Submissions extends Context.Service<
  Submissions,
  {
    /** Erases what is kept of a website, and says how much that was. From then on its submissions are refused. */
    readonly erase: (websiteConfigId: string) => Pick<Erased, "submissions" | "idempotencyKeys">
    /** Whether no further one is kept. */
    readonly isFull: () => boolean
  }
>()("hydracore/memory/Submissions") {}

interface Use {
  readonly fingerprint: string
  readonly submissionId: string
  readonly usedAt: number
}

const oldestFirst = (left: Submission, right: Submission): number =>
  left.receivedAt - right.receivedAt || (left.submissionId < right.submissionId ? -1 : 1)

export const layer = (options?: Options): Layer.Layer<SubmissionRepo | Submissions> =>
  Layer.syncContext(() => {
    const capacity = options?.capacity ?? 100_000
    const knows = options?.isKnownSite ?? (() => true)
    const erased = new Set<string>()
    const kept: Array<Submission> = []
    // No larger than `kept`: a key is only remembered with the submission that it stands for.
    const uses = new Map<string, Use>()

    const isFull = () => kept.length >= capacity

    const submit = Effect.fnUntraced(function* (draft: SubmissionDraft) {
      if (!knows(draft.websiteConfigId) || erased.has(draft.websiteConfigId)) {
        return yield* new RecordRefused({ reason: "unknown-site" })
      }
      const { idempotency, ...submission } = draft
      const key = idempotency === null ? "" : JSON.stringify([draft.websiteConfigId, idempotency.key])
      const use = uses.get(key)
      if (idempotency !== null && use !== undefined && use.usedAt >= draft.receivedAt - idempotencyWindowMillis) {
        if (use.fingerprint !== idempotency.fingerprint) return yield* new IdempotencyConflict()
        return use.submissionId
      }
      if (isFull()) return yield* new StorageUnavailable({ reason: "overloaded" })
      kept.push(submission)
      if (idempotency !== null) {
        const { submissionId, receivedAt } = submission
        uses.set(key, { fingerprint: idempotency.fingerprint, submissionId, usedAt: receivedAt })
      }
      return submission.submissionId
    })

    const take = (index: number): number => {
      const [taken] = kept.splice(index, 1)
      let keys = 0
      for (const [key, use] of uses) if (use.submissionId === taken?.submissionId && uses.delete(key)) keys++
      return keys
    }

    const repo = SubmissionRepo.of({
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
          take(index)
          return true
        })
    })
    const erase: Submissions["Service"]["erase"] = (websiteConfigId) => {
      erased.add(websiteConfigId)
      const counts = { submissions: 0, idempotencyKeys: 0 }
      for (let index = kept.length - 1; index >= 0; index--) {
        if (kept[index]?.websiteConfigId !== websiteConfigId) continue
        counts.submissions++
        counts.idempotencyKeys += take(index)
      }
      return counts
    }
    return Context.make(SubmissionRepo, repo).pipe(Context.add(Submissions, { erase, isFull }))
  })
