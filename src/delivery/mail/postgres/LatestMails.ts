/**
 * Reads a website's notifications, each with its latest mail, and a submission's recipients, each with the mail about it.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { WebsiteConfigId } from "../../../platform/Id.ts"
import { decodeRows, Time } from "../../../platform/runtime/Rows.ts"
import { LatestMail } from "../Mail.ts"
import { SubmissionMail } from "../Notifications.ts"
import * as Rows from "./NotificationRows.ts"

const mailFields = {
  mailedAt: Schema.NullOr(Time),
  status: Schema.NullOr(LatestMail.fields.status),
  attempts: Schema.NullOr(Schema.Int),
  error: Schema.NullOr(Schema.String)
}

const Listed = Schema.Array(Schema.Struct({ ...Rows.fields, ...mailFields }))

const OfSubmission = Schema.Array(Schema.Struct({ ...SubmissionMail.fields, created_at: Time }))

const listStatement = `SELECT ${Rows.columns}, latest.created_at AS "mailedAt", status, attempts, error
  FROM notification LEFT JOIN LATERAL (
    SELECT created_at, status, attempts, error FROM mail WHERE mail.notification_id = notification.notification_id
    ORDER BY created_at DESC LIMIT 1
  ) AS latest ON true
  WHERE notification.website_config_id = $1 ORDER BY notification.created_at, notification.notification_id`

const ofSubmissionStatement = `SELECT recipient AS "to", coalesce(status, 'waiting') AS status,
    coalesce(mail.created_at, mail_item.created_at) AS created_at, error
  FROM notification JOIN mail_item USING (notification_id) LEFT JOIN mail USING (mail_id)
  WHERE notification.website_config_id = $1 AND mail_item.submission_id = $2
  ORDER BY notification.created_at, notification.notification_id`

const toListed = ({ attempts, error, mailedAt, status, ...notification }: (typeof Listed.Type)[number]) => ({
  ...notification,
  latest_mail:
    mailedAt === null || status === null || attempts === null ? null : { created_at: mailedAt, status, attempts, error }
})

/** Implements `Notifications.list`. */
export const list = (sql: PgClient.PgClient, websiteConfigId: WebsiteConfigId) =>
  sql.unsafe(listStatement, [PgTypes.uuid(websiteConfigId)]).pipe(
    decodeRows(Listed),
    Effect.map((rows) => rows.map(toListed))
  )

/** Implements `Notifications.ofSubmission`. */
export const ofSubmission = (sql: PgClient.PgClient, websiteConfigId: WebsiteConfigId, submissionId: string) =>
  sql
    .unsafe(ofSubmissionStatement, [PgTypes.uuid(websiteConfigId), PgTypes.uuid(submissionId)])
    .pipe(decodeRows(OfSubmission))
