/**
 * Submissions in the memory of this process: `SubmissionRepo`, and of `Inbox` what tests read.
 *
 * @module
 */
import { Layer, Stream } from "effect"
import { noAttribution } from "../../src/analytics/Lead.ts"
import { Inbox, type Message } from "../../src/forms/Inbox.ts"
import type { SubmissionDraft } from "../../src/forms/Submission.ts"
import { layerMemory, type SubmissionRepo } from "../../src/forms/SubmissionRepo.ts"

/** The submission as the inbox shows it, unread. */
const messageOf = ({
  conversation = null,
  idempotency: _,
  visitorHashes: __,
  ...submission
}: SubmissionDraft): Message => ({
  ...submission,
  conversation,
  isRead: false,
  answer: null,
  deletedAt: null,
  attribution: noAttribution
})

const latestFirst = (left: Message, right: Message): number =>
  right.receivedAt - left.receivedAt || (left.submissionId < right.submissionId ? 1 : -1)

export const layer = ({
  isKnownSite
}: Pick<NonNullable<Parameters<typeof layerMemory>[0]>, "isKnownSite"> = {}): Layer.Layer<SubmissionRepo | Inbox> =>
  Layer.suspend(() => {
    const stored: Array<SubmissionDraft> = []
    return Layer.merge(
      layerMemory({ stored, ...(isKnownSite && { isKnownSite }) }),
      Layer.mock(Inbox)({
        stream: (websiteConfigId) =>
          Stream.suspend(() =>
            Stream.fromIterable(
              stored
                .filter((draft) => draft.websiteConfigId === websiteConfigId)
                .map(messageOf)
                .sort(latestFirst)
            )
          )
      })
    )
  })
