/**
 * Stores form submissions in the memory of this process.
 *
 * @module
 */
import { Clock, Context, Effect, Layer, Stream } from "effect"
import { type Attribution, noAttribution } from "../../core/analytics/Lead.ts"
import type * as Event from "../../core/delivery/Event.ts"
import { idempotencyWindowMillis, type Submission, type SubmissionDraft } from "../../core/forms/Submission.ts"
import { IdempotencyConflict, SubmissionRepo } from "../../services/forms/SubmissionRepo.ts"
import { RecordRefused, StorageUnavailable } from "../../services/Storage.ts"
import type { Erased } from "../../services/sites/SiteErasure.ts"
import * as DeliveryTables from "../delivery/DeliveryTables.ts"

export interface Options {
  /** The maximum number of submissions, by default 100,000. Beyond it `submit` fails with `StorageUnavailable`. */
  readonly capacity?: number
  /** Whether a website exists. Submissions to other websites are refused. By default every website exists. */
  readonly isKnownSite?: (websiteConfigId: string) => boolean
}

/** The stored submissions, for other memory layers. */
export class Submissions extends Context.Service<
  Submissions,
  {
    readonly all: () => ReadonlyArray<Submission>
    readonly find: (submissionId: string) => Submission | undefined
    /** Deletes the submissions and idempotency keys of a website, and counts them. Later submissions to it are refused. */
    readonly erase: (websiteConfigId: string) => Pick<Erased, "submissions" | "idempotencyKeys">
    /** The leads of stored submissions, oldest first. */
    readonly leads: () => ReadonlyArray<SubmissionLead>
    /**
     * Removes a lead, and stores `attribution` in its submission unless `attribution` is null. Returns whether the submission is
     * quarantined.
     */
    readonly settle: (submissionId: string, attribution: Attribution | null) => boolean
    /** Whether the capacity is reached. */
    readonly isFull: () => boolean
  }
>()("hydracore/memory/Submissions") {}

/** A stored submission whose visit is not found yet. */
export interface SubmissionLead {
  readonly submissionId: string
  readonly websiteConfigId: string
  readonly sessionId: string
  readonly receivedAt: number
}

/** The use of an idempotency key. */
interface Use {
  readonly fingerprint: string
  readonly submissionId: string
  readonly usedAt: number
}

const oldestFirst = (left: Submission, right: Submission): number =>
  left.receivedAt - right.receivedAt || (left.submissionId < right.submissionId ? -1 : 1)

export const layer = (
  options?: Options
): Layer.Layer<SubmissionRepo | Submissions | Layer.Success<typeof DeliveryTables.layer>> =>
  Layer.effectContext(
    Effect.map(DeliveryTables.DeliveryTables, (tables) => {
      const capacity = options?.capacity ?? 100_000
      const isKnownSite = options?.isKnownSite ?? (() => true)
      const erased = new Set<string>()
      const stored: Array<Submission> = []
      const leads = new Map<string, SubmissionLead>()
      // Never larger than `stored`: a key is deleted with its submission.
      const uses = new Map<string, Use>()

      const isFull = () => stored.length >= capacity

      const writeEvent = ({ submissionId, websiteConfigId }: Submission, type: Event.Type, createdAt: number) =>
        tables.write({ websiteConfigId, type, createdAt, subject: submissionId, data: null })

      const submit = Effect.fnUntraced(function* (draft: SubmissionDraft) {
        if (!isKnownSite(draft.websiteConfigId) || erased.has(draft.websiteConfigId)) {
          return yield* new RecordRefused({ reason: "unknown-site" })
        }
        const { idempotency, sessionId, ...submission } = draft
        const key = idempotency === null ? "" : JSON.stringify([draft.websiteConfigId, idempotency.key])
        const use = uses.get(key)
        if (idempotency !== null && use !== undefined && use.usedAt >= draft.receivedAt - idempotencyWindowMillis) {
          if (use.fingerprint !== idempotency.fingerprint) return yield* new IdempotencyConflict()
          return use.submissionId
        }
        if (isFull()) return yield* new StorageUnavailable({ reason: "overloaded" })
        const added: Submission = { ...submission, attribution: noAttribution }
        stored.push(added)
        writeEvent(added, `submission.${added.status}`, added.receivedAt)
        if (sessionId !== null) {
          const { receivedAt, submissionId, websiteConfigId } = submission
          leads.set(submissionId, { submissionId, websiteConfigId, sessionId, receivedAt })
        }
        if (idempotency !== null) {
          const { submissionId, receivedAt } = submission
          uses.set(key, { fingerprint: idempotency.fingerprint, submissionId, usedAt: receivedAt })
        }
        return submission.submissionId
      })

      /** Removes a submission and its idempotency keys, and returns the number of the keys. */
      const removeAt = (index: number): number => {
        const [removed] = stored.splice(index, 1)
        if (removed !== undefined) leads.delete(removed.submissionId)
        let keys = 0
        for (const [key, use] of uses) if (use.submissionId === removed?.submissionId && uses.delete(key)) keys++
        return keys
      }

      const repo = SubmissionRepo.of({
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
          Effect.map(Clock.currentTimeMillis, (now) => {
            const index = stored.findIndex((submission) => submission.submissionId === submissionId)
            const found = stored[index]
            if (found === undefined) return false
            if (found.status === "accepted") return true
            stored[index] = { ...found, status: "accepted" }
            writeEvent(found, "submission.released", now)
            return true
          }),
        delete: (submissionId) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            const index = stored.findIndex((submission) => submission.submissionId === submissionId)
            const found = stored[index]
            if (found === undefined) return false
            removeAt(index)
            tables.eraseSubject(submissionId)
            const data = JSON.stringify({ submission_id: submissionId })
            const { websiteConfigId } = found
            tables.write({ websiteConfigId, type: "submission.deleted", createdAt: now, subject: submissionId, data })
            return true
          })
      })
      const settle: Submissions["Service"]["settle"] = (submissionId, attribution) => {
        leads.delete(submissionId)
        const index = stored.findIndex((submission) => submission.submissionId === submissionId)
        const found = stored[index]
        if (found !== undefined && attribution !== null) stored[index] = { ...found, attribution }
        return found?.status === "quarantined"
      }
      const erase: Submissions["Service"]["erase"] = (websiteConfigId) => {
        erased.add(websiteConfigId)
        const counts = { submissions: 0, idempotencyKeys: 0 }
        for (let index = stored.length - 1; index >= 0; index--) {
          if (stored[index]?.websiteConfigId !== websiteConfigId) continue
          counts.submissions++
          counts.idempotencyKeys += removeAt(index)
        }
        return counts
      }
      return Context.make(SubmissionRepo, repo).pipe(
        Context.add(Submissions, {
          all: () => stored,
          find: (submissionId) => stored.find((submission) => submission.submissionId === submissionId),
          erase,
          isFull,
          leads: () => [...leads.values()],
          settle
        })
      )
    })
  ).pipe(Layer.provideMerge(DeliveryTables.layer))
