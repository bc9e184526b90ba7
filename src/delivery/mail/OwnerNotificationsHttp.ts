/**
 * The endpoints at and below `/v1/owner/sites/{site_id}/notifications`.
 *
 * @module
 */
import { Effect } from "effect"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import { OwnerApi } from "../../api/OwnerApi.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import { CallerOperations } from "../../sites/access/CallerOperations.ts"
import * as Failures from "../../sites/access/Failures.ts"
import * as Validation from "../../sites/access/Validation.ts"
import { OwnerSites } from "../../sites/OwnerSites.ts"
import type { Digest, Notification, Period, Topic } from "./Notification.ts"
import type { ListedNotification } from "./Notifications.ts"
import { OwnerNotifications } from "./OwnerNotifications.ts"

const toJson = ({ createdAt, isConfirmed, notificationId, recipient, topic }: Notification) => ({
  notification_id: notificationId,
  to: recipient,
  report: topic.kind === "report" ? topic.period : null,
  digest: topic.kind === "report" ? null : topic.digest,
  quarantined: topic.kind === "submissions" && topic.includeQuarantined,
  confirmed: isConfirmed,
  created_at: Calendar.iso(createdAt)
})

const listedJson = ({ latest, notification }: ListedNotification) => ({
  ...toJson(notification),
  latest_mail:
    latest === null
      ? null
      : {
          created_at: Calendar.iso(latest.createdAt),
          status: latest.status,
          attempts: latest.attempts,
          error: latest.error
        }
})

interface GivenTopic {
  readonly report?: Period
  readonly digest?: Digest
  readonly quarantined?: boolean
}

/** The topic; a 422 for a report with members that only submissions have. */
const topicOf = ({ digest, quarantined = false, report }: GivenTopic) => {
  const unwanted = digest !== undefined ? "digest" : quarantined ? "quarantined" : undefined
  if (report !== undefined && unwanted !== undefined) {
    const msg = `Value error, a report has neither digest nor quarantined; leave ${unwanted} out`
    return Effect.fail(Validation.failed([{ loc: ["body", unwanted], msg, type: "value_error" }]))
  }
  return Effect.succeed<Topic>(
    report === undefined
      ? { kind: "submissions", digest: digest ?? null, includeQuarantined: quarantined }
      : { kind: "report", period: report }
  )
}

export const layer = HttpApiBuilder.group(
  OwnerApi,
  "notifications",
  Effect.fnUntraced(function* (handlers) {
    const ownerSites = yield* OwnerSites
    const operations = yield* CallerOperations
    const notifications = yield* OwnerNotifications
    return handlers
      .handle("list", ({ params }) =>
        ownerSites.authorize(params.site_id, "read").pipe(
          Effect.flatMap(notifications.list),
          Effect.map((listed) => ({ notifications: listed.map(listedJson), can_send: notifications.canSend })),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "add",
        Effect.fnUntraced(function* ({ params, payload: { to, ...given } }) {
          const proof = yield* ownerSites.authorize(params.site_id, "write")
          return toJson(yield* notifications.add(proof, { recipient: to, topic: yield* topicOf(given) }))
        }, Effect.catchTags(Failures.ofCreation))
      )
      .handle("remove", ({ params }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => notifications.remove(proof, params.notification_id)),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle("resend", ({ params }) =>
        ownerSites.authorize(params.site_id, "write").pipe(
          Effect.flatMap((proof) => notifications.resend(proof, params.notification_id)),
          Effect.map(toJson),
          Effect.catchTag("StorageUnavailable", Failures.ofStorage)
        )
      )
      .handle(
        "test",
        Effect.fnUntraced(function* ({ params }) {
          const proof = yield* ownerSites.authorize(params.site_id, "write")
          yield* operations.beginTest
          const outcome = yield* notifications.test(proof, params.notification_id)
          return outcome._tag === "Accepted"
            ? { accepted: true, error: null }
            : { accepted: false, error: outcome.error }
        }, Effect.catchTags(Failures.ofReports))
      )
  })
)
