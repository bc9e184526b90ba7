/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/submissions`, and those of the marks of spam.
 *
 * @module
 */
import { type Array, Effect, Layer, Stream } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import type { SubmissionId } from "../platform/Id.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Cursor from "../platform/text/Cursor.ts"
import * as Authorized from "../sites/access/Authorized.ts"
import * as Errors from "../sites/access/Errors.ts"
import * as Fields from "../sites/access/Fields.ts"
import { SiteSlots } from "../sites/access/SiteSlots.ts"
import type { Site } from "../sites/Site.ts"
import * as Inbox from "./Inbox.ts"
import type { exportFormats, Selection } from "./OwnerSubmissionsApi.ts"
import * as SubmissionExport from "./SubmissionExport.ts"

export const unknownSubmission = Errors.make(
  "NotFound",
  "This website has no such submission. The submission may have been deleted."
)

const commonOf = (message: Inbox.Message | Inbox.Summary) => ({
  submission_id: message.submissionId,
  received_at: Calendar.iso(message.receivedAt),
  status: message.status,
  reasons: message.reasons,
  read: message.isRead,
  name: "name" in message ? message.name : Inbox.senderOf(message.formData),
  email: message.email,
  page_slug: message.pageSlug,
  answered_at: Calendar.isoOrNull(message.answer?.at ?? null),
  answered_by: message.answer?.by ?? null,
  deleted_at: Calendar.isoOrNull(message.deletedAt)
})

/** A submission in a list. */
export const toSummary = (summary: Inbox.Summary) => ({ ...commonOf(summary), preview: summary.preview })

const toDetails = (message: Inbox.Message) => ({
  ...commonOf(message),
  fields: Inbox.fieldsOf(message.formData),
  conversation:
    message.conversation === null
      ? null
      : { instance_id: message.conversation.instanceId, conversation_id: message.conversation.conversationId },
  ...SubmissionExport.attributionOf(message)
})

/** Which of the selected submissions a change found, and which not; 404 if it found none. */
const changed = (wanted: ReadonlyArray<string>, found: ReadonlyArray<string>) => {
  const known = new Set(found)
  return known.size === 0
    ? Effect.fail(unknownSubmission)
    : Effect.succeed({
        submission_ids: wanted.filter((id) => known.has(id)),
        not_found: wanted.filter((id) => !known.has(id))
      })
}

/** The total size of the elements, commonly in characters, that are mapped before other fibers run. */
export const burst = 16_384

/**
 * Maps the elements. Within an array, yields to other fibers when the elements since the last yield have a total size of `burst`
 * or more.
 */
export const mapPaced =
  <A, B>(sizeOf: (element: A) => number, toResult: (element: A) => B) =>
  <E, R>(elements: Stream.Stream<A, E, R>): Stream.Stream<B, E, R> =>
    Stream.mapArrayEffect(
      elements,
      Effect.fnUntraced(function* ([first, ...more]: Array.NonEmptyReadonlyArray<A>) {
        const results: Array.NonEmptyArray<B> = [toResult(first)]
        let size = sizeOf(first)
        for (const element of more) {
          if (size >= burst) {
            yield* Effect.yieldNow
            size = 0
          }
          results.push(toResult(element))
          size += sizeOf(element)
        }
        return results
      })
    )

/**
 * Maps submissions, and lets other requests run in between: a form may have thousands of values, which take milliseconds to
 * format.
 */
const paced = <A>(toResult: (message: Inbox.Message) => A) => mapPaced(({ formData }) => formData.length, toResult)

const contentTypes = { csv: "text/csv; charset=utf-8", ndjson: "application/x-ndjson" } as const

const submissions = HttpApiBuilder.group(
  OwnerApi,
  "submissions",
  Effect.fnUntraced(function* (handlers) {
    const inbox = yield* Inbox.Inbox
    const { exports, lists } = yield* SiteSlots

    /**
     * The lines of an export. Reads once before it returns, so that an unavailable store gives a 503 and not a truncated
     * response.
     */
    const linesOf = Effect.fnUntraced(function* (
      { timeZone, websiteConfigId }: Site,
      filter: Inbox.Filter,
      format: (typeof exportFormats)[number]
    ) {
      const messages = inbox.stream(websiteConfigId, filter)
      if (format === "ndjson") {
        yield* lists.run(websiteConfigId, inbox.list({ sites: [websiteConfigId], filter, after: null, limit: 1 }))
        return messages.pipe(paced((message) => SubmissionExport.ndjson(message)))
      }
      const columns: SubmissionExport.Columns = new Set()
      yield* messages.pipe(
        paced(({ formData }) => SubmissionExport.addColumns(columns, formData)),
        exports.inTurn,
        Stream.runDrain
      )
      return Stream.concat(
        Stream.succeed(SubmissionExport.csvHeader(columns, timeZone)),
        messages.pipe(paced((message) => SubmissionExport.csv(message, columns, timeZone)))
      )
    })

    const find = ({ websiteConfigId }: Site, submissionId: SubmissionId) =>
      Effect.flatMap(
        lists.run(websiteConfigId, inbox.find(websiteConfigId, submissionId)),
        Effect.fromOption(() => unknownSubmission)
      )

    const change = (run: (typeof inbox)["release"]) =>
      Effect.fnUntraced(function* ({ payload: { submission_ids } }: { readonly payload: typeof Selection.Type }) {
        const { websiteConfigId } = (yield* Authorized.inbox.change.proof).site
        return yield* changed(submission_ids, yield* lists.run(websiteConfigId, run(websiteConfigId, submission_ids)))
      })

    return handlers
      .handle(
        "list",
        Effect.fnUntraced(function* ({ query }) {
          const { site } = yield* Authorized.inbox.read.proof
          const { websiteConfigId } = site
          const { items, next } = yield* lists.run(
            websiteConfigId,
            inbox.list({
              sites: [websiteConfigId],
              filter: Inbox.toFilter(query, site.timeZone),
              after: query.cursor ?? null,
              limit: query.limit ?? Fields.defaultLimit
            })
          )
          return {
            submissions: items.map(toSummary),
            next: next === null ? null : Cursor.format(next)
          }
        })
      )
      .handle(
        "overview",
        Effect.fnUntraced(function* () {
          const { websiteConfigId } = (yield* Authorized.inbox.read.proof).site
          return yield* lists.run(websiteConfigId, inbox.overview(websiteConfigId))
        })
      )
      .handle(
        "details",
        Effect.fnUntraced(function* ({ params }) {
          const { site } = yield* Authorized.inbox.read.proof
          return toDetails(yield* find(site, params.submission_id))
        })
      )
      .handle(
        "export",
        Effect.fnUntraced(function* ({ query }) {
          const proof = yield* Authorized.inbox.read.proof
          yield* exports.begin(proof)
          const format = query.format ?? "csv"
          const { site } = proof
          const filter = Inbox.toFilter(query, site.timeZone)
          const lines = yield* linesOf(site, filter, format)
          return exports.file(lines, { site, name: `submissions.${format}`, contentType: contentTypes[format] })
        })
      )
      .handle("release", change(inbox.release))
      .handle("delete", change(inbox.delete))
      .handle("restore", change(inbox.restore))
      .handle("purge", change(inbox.purge))
      .handle(
        "mark",
        Effect.fnUntraced(function* ({ payload: { read, submission_ids } }) {
          const { websiteConfigId } = (yield* Authorized.inbox.change.proof).site
          return yield* changed(submission_ids, yield* inbox.mark(websiteConfigId, submission_ids, read))
        })
      )
  })
)

const noMark = Errors.make("NotFound", "This website has no such mark. The mark may have been taken back.")

const spam = HttpApiBuilder.group(
  OwnerApi,
  "spam",
  Effect.fnUntraced(function* (handlers) {
    const inbox = yield* Inbox.Inbox
    return handlers
      .handle(
        "mark",
        Effect.fnUntraced(function* ({ payload: { submission_ids } }) {
          const { site } = yield* Authorized.inbox.change.proof
          return yield* changed(submission_ids, yield* inbox.markSpam(site.websiteConfigId, submission_ids))
        })
      )
      .handle(
        "list",
        Effect.fnUntraced(function* () {
          const { site } = yield* Authorized.inbox.read.proof
          return { marks: yield* inbox.spamMarks(site.websiteConfigId) }
        })
      )
      .handle(
        "delete",
        Effect.fnUntraced(function* ({ params }) {
          const { site } = yield* Authorized.inbox.change.proof
          if (!(yield* inbox.removeSpamMark(site.websiteConfigId, params.mark_id))) return yield* Effect.fail(noMark)
        })
      )
  })
)

export const layer = Layer.mergeAll(submissions, spam)
