/**
 * Marks of a website's owner: the addresses and texts of submissions that are spam, and the service that stores them. Later
 * submissions with one of them are quarantined (see `SpamScore.isMarked`), until the mark is taken back or is `keptMillis` old.
 * `Inbox.release` takes back the marks that hold the released submissions.
 *
 * The address is stored, because the owner must recognise it in the list. Of the text, only a digest and its beginning are.
 *
 * @module
 */
import { Context, type Effect, Schema } from "effect"
import { SpamMarkId, type SubmissionId, type WebsiteConfigId } from "../platform/Id.ts"
import type { LimitReached, StorageUnavailable } from "../platform/Storage.ts"
import { dayMillis } from "../platform/text/Calendar.ts"
import * as Fields from "../sites/access/Fields.ts"

/** For documents. */
export const examples = [
  {
    mark_id: SpamMarkId.make("6f1f4c1e-9b0b-4a4e-8d5f-0a6f5d2b7c11"),
    email: "sales@spam.example",
    text: "We bring your website to the first page",
    created_at: "2026-11-01T09:00:00.000Z"
  }
] as const

/** A mark, as the owner API and the commands show it. */
export const SpamMark = Schema.Struct({
  mark_id: SpamMarkId,
  email: Schema.NullOr(Schema.String).annotate({ description: "The address, in lower case; null if there was none" }),
  text: Schema.NullOr(Schema.String).annotate({
    description: "The beginning of the text; null if it was too short to recognise, so that only the address is held"
  }),
  created_at: Fields.time
}).annotate({
  identifier: "SpamMark",
  title: "SpamMark",
  examples
})

export type SpamMark = typeof SpamMark.Type

/** How long a mark is kept after it was made for the last time. */
export const keptMillis = 365 * dayMillis

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
