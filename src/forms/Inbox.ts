/**
 * Reads and changes the submissions of a website for its owner. The interface only; see `forms/postgres/Inbox`. A
 * submission of another website is treated as one that does not exist.
 *
 * @module
 */
import { Context, type Effect, type Option, type Stream } from "effect"
import type { SubmissionId, WebsiteConfigId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { Position } from "../platform/text/Cursor.ts"
import type { Access } from "../sites/access/Access.ts"
import type { Filter, Message, Overview, Page, Summary } from "./InboxMessage.ts"

/** Changes submissions, and returns the ids of those that exist. A change that was made before has no effect. */
type Change<Arguments extends ReadonlyArray<unknown> = []> = (
  websiteConfigId: WebsiteConfigId,
  submissionIds: ReadonlyArray<SubmissionId>,
  ...more: Arguments
) => Effect.Effect<ReadonlyArray<SubmissionId>, StorageUnavailable>

export class Inbox extends Context.Service<
  Inbox,
  {
    /** At most `limit` submissions, latest first: without the deleted ones, unless the filter selects these. Searches at most `windowSize` submissions (`forms/InboxMessage`). */
    readonly list: (query: {
      readonly websiteConfigId: WebsiteConfigId
      readonly filter: Filter
      /** The last submission of the previous page; null for the first page. */
      readonly after: Position | null
      readonly limit: number
    }) => Effect.Effect<Page<Summary>, StorageUnavailable>
    /** The same of several websites in one list. */
    readonly listAll: (query: {
      readonly sites: Access["sites"]
      readonly filter: Filter
      readonly after: Position | null
      readonly limit: number
    }) => Effect.Effect<Page<Summary>, StorageUnavailable>
    /** Also finds deleted submissions. */
    readonly find: (
      websiteConfigId: WebsiteConfigId,
      submissionId: SubmissionId
    ) => Effect.Effect<Option.Option<Message>, StorageUnavailable>
    /** All submissions that match, latest first, in constant memory. */
    readonly stream: (websiteConfigId: WebsiteConfigId, filter: Filter) => Stream.Stream<Message, StorageUnavailable>
    readonly overview: (websiteConfigId: WebsiteConfigId) => Effect.Effect<Overview, StorageUnavailable>
    /** Marks submissions as read, or as unread. */
    readonly mark: Change<[isRead: boolean]>
    /** Accepts quarantined submissions, and takes back the marks of spam that hold them. */
    readonly release: Change
    /** Deletes submissions as `SubmissionRepo.delete` does: they can be restored. */
    readonly delete: Change
    /** Restores deleted submissions. */
    readonly restore: Change
    /** Deletes submissions for good that were deleted before. Does not find the others. */
    readonly purge: Change
  }
>()("hydracore/forms/Inbox") {}
