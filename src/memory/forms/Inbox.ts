/**
 * Reads and changes submissions in the memory of this process, for the owner of their website.
 *
 * @module
 */
import { Effect, Layer, Option, Stream } from "effect"
import * as Inboxes from "../../core/forms/Inbox.ts"
import type { Submission } from "../../core/forms/Submission.ts"
import { latestFirst } from "../../core/text/Cursor.ts"
import { Inbox } from "../../services/forms/Inbox.ts"
import { SubmissionRepo } from "../../services/forms/SubmissionRepo.ts"
import { Submissions } from "./SubmissionRepo.ts"

export const layer: Layer.Layer<Inbox, never, Submissions | SubmissionRepo> = Layer.effect(
  Inbox,
  Effect.gen(function* () {
    const submissions = yield* Submissions
    const repo = yield* SubmissionRepo
    const readIds = new Set<string>()

    const toMessage = (submission: Submission): Inboxes.Message => ({
      ...submission,
      isRead: readIds.has(submission.submissionId)
    })

    const all = (websiteConfigId: string) =>
      submissions
        .all()
        .filter((submission) => submission.websiteConfigId === websiteConfigId)
        .map(toMessage)
        .sort((left, right) => latestFirst(Inboxes.positionOf(left), Inboxes.positionOf(right)))

    const matching = (websiteConfigId: string, filter: Inboxes.Filter) =>
      all(websiteConfigId).filter((message) => Inboxes.matches(message, filter))

    const ofWebsite = (websiteConfigId: string, ids: ReadonlyArray<string>) =>
      ids.filter((id) => submissions.find(id)?.websiteConfigId === websiteConfigId)

    return Inbox.of({
      list: ({ after, filter, limit, websiteConfigId }) =>
        Effect.sync(() => {
          const rest = matching(websiteConfigId, filter).filter(
            (message) => after === null || latestFirst(after, Inboxes.positionOf(message)) < 0
          )
          const items = rest.slice(0, limit)
          const last = items.at(-1)
          const next = rest.length > limit && last !== undefined ? Inboxes.positionOf(last) : null
          return { items: items.map(Inboxes.toSummary), next }
        }),
      find: (websiteConfigId, id) =>
        Effect.sync(() => {
          const submission = submissions.find(id)
          return submission?.websiteConfigId === websiteConfigId ? Option.some(toMessage(submission)) : Option.none()
        }),
      stream: (websiteConfigId, filter) => Stream.suspend(() => Stream.fromIterable(matching(websiteConfigId, filter))),
      overview: (websiteConfigId) =>
        Effect.sync(() => {
          const messages = all(websiteConfigId)
          const latest = messages.slice(0, Inboxes.maxCount)
          const quarantined = messages.filter(({ status }) => status === "quarantined").length
          return {
            unread: latest.filter(({ isRead, status }) => !isRead && status === "accepted").length,
            quarantined: Math.min(quarantined, Inboxes.maxCount),
            pages: [...new Set(latest.flatMap(({ pageSlug }) => (pageSlug === null ? [] : [pageSlug])))].sort()
          }
        }),
      mark: (websiteConfigId, ids, isRead) =>
        Effect.sync(() => {
          const marked = ofWebsite(websiteConfigId, ids)
          for (const id of marked) {
            if (isRead) readIds.add(id)
            else readIds.delete(id)
          }
          return marked
        }),
      release: (websiteConfigId, ids) => Effect.filter(ofWebsite(websiteConfigId, ids), repo.release),
      delete: (websiteConfigId, ids) => Effect.filter(ofWebsite(websiteConfigId, ids), repo.delete)
    })
  })
)
