/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/submissions`.
 *
 * @module
 */
import { Effect, Option, Stream } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../api/OwnerApi.ts"
import type { SubmissionMail } from "../delivery/mail/Notifications.ts"
import { OwnerNotifications } from "../delivery/mail/OwnerNotifications.ts"
import type { ShownWebhook } from "../delivery/OperatorsWebhook.ts"
import { OwnerWebhooks } from "../delivery/OwnerWebhooks.ts"
import * as Webhook from "../delivery/Webhook.ts"
import * as Paced from "../platform/runtime/Paced.ts"
import * as Calendar from "../platform/text/Calendar.ts"
import * as Cursor from "../platform/text/Cursor.ts"
import type { AuthorizedSite } from "../sites/access/Access.ts"
import * as Errors from "../sites/access/Errors.ts"
import { Exports } from "../sites/access/Exports.ts"
import * as Failures from "../sites/access/Failures.ts"
import * as Fields from "../sites/access/Fields.ts"
import { OwnerSites } from "../sites/OwnerSites.ts"
import * as Inbox from "./InboxMessage.ts"
import { OwnerInbox } from "./OwnerInbox.ts"
import type { exportFormats } from "./OwnerSubmissionsApi.ts"
import * as SubmissionExport from "./SubmissionExport.ts"
import * as SubmissionTable from "./SubmissionTable.ts"

const notFound = Errors.make("NotFound", "This website has no such submission. The submission may have been deleted.")

const commonOf = (message: Inbox.Message | Inbox.Summary) => ({
  submission_id: message.submissionId,
  received_at: Calendar.iso(message.receivedAt),
  status: message.status,
  reasons: message.reasons,
  read: message.isRead,
  email: message.email,
  page_slug: message.pageSlug
})

const toDetails = (message: Inbox.Message) => ({
  ...commonOf(message),
  fields: Inbox.fieldsOf(message.formData),
  source: message.attribution.source,
  medium: message.attribution.medium,
  campaign: message.attribution.campaign,
  referrer: message.attribution.referrer,
  entry_page: message.attribution.entryPage
})

const deliveryJson = ([delivery, webhook]: readonly [Webhook.Delivery, ShownWebhook]) => ({
  webhook_id: delivery.webhookId,
  host: webhook.url === null ? null : Webhook.hostOf(webhook.url),
  event_id: delivery.eventId,
  type: delivery.type,
  created_at: Calendar.iso(delivery.createdAt),
  status: delivery.status,
  attempts: delivery.attempts
})

const mailJson = ({ createdAt, mail, recipient }: SubmissionMail) => ({
  to: recipient,
  status: mail?.status ?? ("waiting" as const),
  created_at: Calendar.iso(mail?.createdAt ?? createdAt),
  error: mail?.error ?? null
})

/** Which of the selected submissions a change found, and which not; 404 if it found none. */
const changed = (wanted: ReadonlyArray<string>) => (found: ReadonlyArray<string>) => {
  const known = new Set(found)
  return known.size === 0
    ? Effect.fail(notFound)
    : Effect.succeed({
        submission_ids: wanted.filter((id) => known.has(id)),
        not_found: wanted.filter((id) => !known.has(id))
      })
}

/**
 * Maps submissions, and lets other requests run in between: a form may have thousands of values, which take milliseconds to
 * format.
 */
const paced = <A>(toResult: (message: Inbox.Message) => A) => Paced.map(({ formData }) => formData.length, toResult)

const contentTypes = { csv: "text/csv; charset=utf-8", ndjson: "application/x-ndjson" } as const

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "submissions",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const exports = yield* Exports
    const inbox = yield* OwnerInbox
    const webhooks = yield* OwnerWebhooks
    const notifications = yield* OwnerNotifications

    /**
     * The lines of an export. Reads once before it returns, so that an unavailable store gives a 503 and not a truncated
     * response.
     */
    const linesOf = Effect.fnUntraced(function* (
      proof: AuthorizedSite<"read">,
      filter: Inbox.Filter,
      format: (typeof exportFormats)[number]
    ) {
      const messages = inbox.stream(proof, filter)
      if (format === "ndjson") {
        yield* inbox.list(proof, { filter, after: null, limit: 1 })
        return messages.pipe(paced((message) => SubmissionExport.ndjson(message, { withVerdict: true })))
      }
      const columns: SubmissionTable.Columns = new Set()
      yield* messages.pipe(
        paced(({ formData }) => SubmissionTable.addColumns(columns, formData)),
        exports.inTurn,
        Stream.runDrain
      )
      return Stream.concat(
        Stream.succeed(SubmissionTable.header(columns)),
        messages.pipe(paced((message) => SubmissionTable.row(message, columns)))
      )
    })

    return handlers
      .handle(
        "list",
        Effect.fnUntraced(
          function* ({ params, query }) {
            const proof = yield* ownerSites.authorize(params.site_id, "read")
            const { items, next } = yield* inbox.list(proof, {
              filter: Inbox.toFilter(query, proof.site.timeZone),
              after: query.cursor ?? null,
              limit: query.limit ?? Fields.defaultLimit
            })
            return {
              submissions: items.map((summary) => ({ ...commonOf(summary), preview: summary.preview })),
              next: next === null ? null : Cursor.format(next)
            }
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("overview", ({ params }) =>
        ownerSites
          .authorize(params.site_id, "read")
          .pipe(Effect.flatMap(inbox.overview), Effect.catchTag("StorageUnavailable", Failures.ofStorage))
      )
      .handle("details", ({ params }) =>
        ownerSites.authorize(params.site_id, "read").pipe(
          Effect.flatMap((proof) => inbox.find(proof, params.submission_id)),
          Effect.flatMap(
            Option.match({
              onNone: () => Effect.fail(notFound),
              onSome: (message) => Effect.succeed(toDetails(message))
            })
          ),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "deliveries",
        Effect.fnUntraced(
          function* ({ params }) {
            const proof = yield* ownerSites.authorize(params.site_id, "read")
            const found = yield* inbox.find(proof, params.submission_id)
            if (Option.isNone(found)) return yield* Effect.fail(notFound)
            const deliveries = yield* webhooks.ofSubmission(proof, params.submission_id)
            const mails = yield* notifications.ofSubmission(proof, params.submission_id)
            return { webhooks: deliveries.map(deliveryJson), mails: mails.map(mailJson) }
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "export",
        Effect.fnUntraced(
          function* ({ params, query }) {
            const proof = yield* ownerSites.authorize(params.site_id, "read")
            yield* exports.begin(proof)
            const format = query.format ?? "csv"
            const filter = Inbox.toFilter(query, proof.site.timeZone)
            const lines = yield* linesOf(proof, filter, format)
            return exports.file(lines, { name: `submissions.${format}`, contentType: contentTypes[format] })
          },
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("release", ({ params, payload: { submission_ids } }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => inbox.release(proof, submission_ids)),
          Effect.flatMap(changed(submission_ids)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("delete", ({ params, payload: { submission_ids } }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => inbox.delete(proof, submission_ids)),
          Effect.flatMap(changed(submission_ids)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("mark", ({ params, payload: { read, submission_ids } }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => inbox.mark(proof, submission_ids, read)),
          Effect.flatMap(changed(submission_ids)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
  })
)
