/**
 * Submissions in the memory of this process: `SubmissionRepo`, and of `Inbox` what tests read.
 *
 * @module
 */
import { Effect, Layer, Stream } from "effect"
import { noAttribution } from "../../src/analytics/Lead.ts"
import { Inbox, type Message } from "../../src/forms/InboxMessage.ts"
import { idempotencyWindowMillis, type SubmissionDraft } from "../../src/forms/Submission.ts"
import { IdempotencyConflict, SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"
import type { SubmissionId, WebsiteConfigId } from "../../src/platform/Id.ts"
import { RecordRefused } from "../../src/platform/Storage.ts"

export interface Options {
  /** Whether a website exists. Submissions to other websites are refused. By default every website exists. */
  readonly isKnownSite?: (websiteConfigId: WebsiteConfigId) => boolean
}

/** The use of an idempotency key. */
interface Use {
  readonly fingerprint: string
  readonly submissionId: SubmissionId
  readonly usedAt: number
}

const latestFirst = (left: Message, right: Message): number =>
  right.receivedAt - left.receivedAt || (left.submissionId < right.submissionId ? 1 : -1)

export const layer = ({ isKnownSite = () => true }: Options = {}): Layer.Layer<SubmissionRepo | Inbox> =>
  Layer.suspend(() => {
    const stored: Array<Message> = []
    const uses = new Map<string, Use>()

    const submit = Effect.fnUntraced(function* (draft: SubmissionDraft) {
      if (!isKnownSite(draft.websiteConfigId)) return yield* new RecordRefused({ reason: "unknown-site" })
      const { conversation = null, idempotency, visitorHashes: _, ...submission } = draft
      const { receivedAt, submissionId } = submission
      const key = idempotency === null ? "" : JSON.stringify([draft.websiteConfigId, idempotency.key])
      const use = uses.get(key)
      if (idempotency !== null && use !== undefined && use.usedAt >= receivedAt - idempotencyWindowMillis) {
        return use.fingerprint === idempotency.fingerprint ? use.submissionId : yield* new IdempotencyConflict()
      }
      const unread = { isRead: false, conversation, answer: null, deletedAt: null }
      stored.push({ ...submission, ...unread, attribution: noAttribution })
      if (idempotency !== null) {
        uses.set(key, { fingerprint: idempotency.fingerprint, submissionId, usedAt: receivedAt })
      }
      return submissionId
    })

    return Layer.merge(
      Layer.succeed(SubmissionRepo, { submit }),
      Layer.mock(Inbox)({
        stream: (websiteConfigId) =>
          Stream.suspend(() =>
            Stream.fromIterable(stored.filter((one) => one.websiteConfigId === websiteConfigId).sort(latestFirst))
          )
      })
    )
  })
