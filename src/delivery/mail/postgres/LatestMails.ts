/**
 * Reads a website's notifications, each with its latest mail, and a submission's recipients, each with the mail about it.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { WebsiteConfigId } from "../../../platform/Id.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { type LatestMail, mailStatuses } from "../Mail.ts"
import * as Rows from "./NotificationRows.ts"

const mailFields = {
  mailedAt: Schema.NullOr(Schema.Date),
  status: Schema.NullOr(Schema.Literals(mailStatuses)),
  attempts: Schema.NullOr(Schema.Int),
  error: Schema.NullOr(Schema.String)
}

const MailRow = Schema.Struct(mailFields)

const Listed = Schema.Array(Schema.Struct({ ...Rows.fields, ...mailFields }))

const OfSubmission = Schema.Array(Schema.Struct({ recipient: Schema.String, itemAt: Schema.Date, ...mailFields }))

const listStatement = `SELECT ${Rows.columns}, latest.created_at AS "mailedAt", status, attempts, error
  FROM notification LEFT JOIN LATERAL (
    SELECT created_at, status, attempts, error FROM mail WHERE mail.notification_id = notification.notification_id
    ORDER BY created_at DESC LIMIT 1
  ) AS latest ON true
  WHERE notification.website_config_id = $1 ORDER BY notification.created_at, notification.notification_id`

const ofSubmissionStatement = `SELECT recipient, mail_item.created_at AS "itemAt", mail.created_at AS "mailedAt", status,
    attempts, error
  FROM notification JOIN mail_item USING (notification_id) LEFT JOIN mail USING (mail_id)
  WHERE notification.website_config_id = $1 AND mail_item.submission_id = $2
  ORDER BY notification.created_at, notification.notification_id`

const toLatest = ({ attempts, error, mailedAt, status }: typeof MailRow.Type): LatestMail | null =>
  mailedAt === null || status === null
    ? null
    : { createdAt: mailedAt.getTime(), status, attempts: attempts ?? 0, error }

const toListed = (row: (typeof Listed.Type)[number]) => ({
  notification: Rows.toNotification(row),
  latest: toLatest(row)
})

/** Implements `Notifications.list`. */
export const list = (sql: PgClient.PgClient, websiteConfigId: WebsiteConfigId) =>
  sql.unsafe(listStatement, [PgTypes.uuid(websiteConfigId)]).pipe(
    decodeRows(Listed),
    Effect.map((rows) => rows.map(toListed))
  )

/** Implements `Notifications.ofSubmission`. */
export const ofSubmission = (sql: PgClient.PgClient, websiteConfigId: WebsiteConfigId, submissionId: string) =>
  sql.unsafe(ofSubmissionStatement, [PgTypes.uuid(websiteConfigId), PgTypes.uuid(submissionId)]).pipe(
    decodeRows(OfSubmission),
    Effect.map((rows) =>
      rows.map((row) => ({ recipient: row.recipient, createdAt: row.itemAt.getTime(), mail: toLatest(row) }))
    )
  )
