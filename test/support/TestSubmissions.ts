/**
 * Drafts of submissions to a few websites, the submissions that are stored for them, and what their owner does with them.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Effect, Stream } from "effect"
import { noAttribution } from "../../src/analytics/Lead.ts"
import { Inbox } from "../../src/forms/Inbox.ts"
import { fingerprint, type Submission, type SubmissionDraft } from "../../src/forms/Submission.ts"
import { SubmissionId, WebsiteConfigId } from "../../src/platform/Id.ts"

/** Websites that exist in the layer under test. */
export const websites = [
  WebsiteConfigId.make(randomUUID()),
  WebsiteConfigId.make(randomUUID()),
  WebsiteConfigId.make(randomUUID())
] as const

/** A website that does not exist in the layer under test. */
export const unknownWebsite = WebsiteConfigId.make(randomUUID())

export const start = Date.UTC(2026, 10, 1)

export const draft = (fields: Partial<SubmissionDraft> & { readonly key?: string | null }): SubmissionDraft => {
  const { key = null, ...rest } = fields
  const submission: Omit<SubmissionDraft, "idempotency"> = {
    submissionId: SubmissionId.make(randomUUID()),
    websiteConfigId: websites[0],
    receivedAt: start,
    email: null,
    pageSlug: null,
    formData: "{}",
    status: "accepted",
    reasons: [],
    visitorHashes: [],
    ...rest
  }
  return { ...submission, idempotency: key === null ? null : { key, fingerprint: fingerprint(submission) } }
}

/** The submissions of a website since a time, oldest first. */
export const submissionsOf = (websiteConfigId: WebsiteConfigId, since?: number) =>
  Inbox.use((inbox) => Stream.runCollect(inbox.stream(websiteConfigId, { since }))).pipe(
    Effect.map((all) =>
      all
        .toReversed()
        .map(({ answer: _, conversation: __, deletedAt: ___, isRead: ____, ...submission }): Submission => submission)
    )
  )

/** Releases a submission as its owner does. False if the website has no such submission. */
export const release = (websiteConfigId: WebsiteConfigId, submissionId: SubmissionId) =>
  Inbox.use((inbox) => inbox.release(websiteConfigId, [submissionId])).pipe(Effect.map((ids) => ids.length > 0))

/** Deletes a submission as its owner does. False if the website has no such submission, and had none. */
export const remove = (websiteConfigId: WebsiteConfigId, submissionId: SubmissionId) =>
  Inbox.use((inbox) => inbox.delete(websiteConfigId, [submissionId])).pipe(Effect.map((ids) => ids.length > 0))

/** The stored submissions of these drafts. */
export const storedOf = (drafts: ReadonlyArray<SubmissionDraft>) =>
  Effect.gen(function* () {
    const ids = new Set(drafts.map((draft) => draft.submissionId))
    const since = Math.min(...drafts.map((draft) => draft.receivedAt))
    const all = yield* Effect.forEach(new Set(drafts.map((draft) => draft.websiteConfigId)), (website) =>
      submissionsOf(website, since)
    )
    return all.flat().filter((submission) => ids.has(submission.submissionId))
  })

/** The submission that is stored for a draft if its visit is unknown. */
export const asStored = ({ idempotency: _, visitorHashes: __, ...submission }: SubmissionDraft): Submission => ({
  ...submission,
  attribution: noAttribution
})
