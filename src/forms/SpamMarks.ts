/**
 * Marks submissions as spam, and lists what is held because of that. The interface only; see `forms/postgres/SpamMarks`.
 * `Inbox.release` takes back the marks that hold the released submissions.
 *
 * @module
 */
import { Context, type Effect } from "effect"
import type { SpamMarkId, SubmissionId, WebsiteConfigId } from "../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../platform/Storage.ts"
import type { SpamMark } from "./SpamMark.ts"

export class SpamMarks extends Context.Service<
  SpamMarks,
  {
    /**
     * Quarantines submissions, and those with the same address or the same text from now on. Every process sees a mark within a
     * second. Returns the ids of those that exist. Fails beyond `Maximums.spamMarks`, and then changes nothing.
     */
    readonly mark: (
      websiteConfigId: WebsiteConfigId,
      submissionIds: ReadonlyArray<SubmissionId>
    ) => Effect.Effect<ReadonlyArray<SubmissionId>, StorageUnavailable | LimitReached>
    /** The marks of a website, latest first. */
    readonly list: (websiteConfigId: WebsiteConfigId) => Effect.Effect<ReadonlyArray<SpamMark>, StorageUnavailable>
    /** Takes a mark back. The submissions that it held stay in the quarantine. False if the website has no such mark. */
    readonly remove: (
      websiteConfigId: WebsiteConfigId,
      markId: SpamMarkId
    ) => Effect.Effect<boolean, StorageUnavailable>
  }
>()("hydracore/forms/SpamMarks") {}
