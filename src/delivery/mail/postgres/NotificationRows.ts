/**
 * The columns of a notification.
 *
 * @module
 */
import { Schema } from "effect"
import { NotificationId, WebsiteConfigId } from "../../../platform/Id.ts"
import { digests, type Notification, periods, type Topic } from "../Notification.ts"

export const fields = {
  notificationId: NotificationId,
  websiteConfigId: WebsiteConfigId,
  recipient: Schema.String,
  digest: Schema.NullOr(Schema.Literals(digests)),
  includeQuarantined: Schema.Boolean,
  /** Null for submissions. */
  period: Schema.NullOr(Schema.Literals(periods)),
  isConfirmed: Schema.Boolean,
  createdAt: Schema.Date
}

const Row = Schema.Struct(fields)

export const columns = `notification.notification_id AS "notificationId",
  notification.website_config_id AS "websiteConfigId", recipient, digest, include_quarantined AS "includeQuarantined", period,
  is_confirmed AS "isConfirmed", notification.created_at AS "createdAt"`

export const toNotification = (row: typeof Row.Type): Notification => ({
  notificationId: row.notificationId,
  websiteConfigId: row.websiteConfigId,
  recipient: row.recipient,
  topic:
    row.period === null
      ? { kind: "submissions", digest: row.digest, includeQuarantined: row.includeQuarantined }
      : { kind: "report", period: row.period },
  isConfirmed: row.isConfirmed,
  createdAt: row.createdAt.getTime()
})

/** A topic's columns. */
export const ofTopic = (topic: Topic) =>
  topic.kind === "report"
    ? { kind: topic.kind, digest: null, includeQuarantined: false, period: topic.period }
    : { ...topic, period: null }
