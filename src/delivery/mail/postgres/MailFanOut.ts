/**
 * Stores which submissions each recipient gets by mail, and creates the mails about disabled webhooks and about problems.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"
import type { WebsiteConfigId } from "../../../platform/Id.ts"
import { isCanonicalUuid } from "../../../platform/Id.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import type { OutboxEvent } from "../../FanOut.ts"
import type { DisabledWebhook } from "../Mail.ts"
import { mailing } from "../Notification.ts"
import type { Problems } from "../ProblemMail.ts"
import * as Rows from "./NotificationRows.ts"

const Found = Schema.Array(Schema.Struct(Rows.fields))

/** Locks the notifications in the order of their ids, so that two processes cannot deadlock. */
const recipientsStatement = `SELECT ${Rows.columns} FROM notification
  WHERE website_config_id = ANY ($1) AND kind = 'submissions' AND is_confirmed ORDER BY notification_id FOR NO KEY UPDATE`

/** Stores a submission once per recipient, even if its event is fanned out twice. */
const itemsStatement = `INSERT INTO mail_item (notification_id, submission_id, website_config_id, created_at)
  SELECT notification_id, submission_id, website_config_id, created_at
  FROM unnest($1, $2, $3, $4::timestamptz[]) AS given (notification_id, submission_id, website_config_id, created_at)
  ON CONFLICT DO NOTHING`

const { OID } = PgTypes

const Pages = Schema.Array(Schema.Struct({ submission_id: Schema.String, page_slug: Schema.NullOr(Schema.String) }))

/** The forms of submissions, by the submissions' ids. */
const pagesOf = (sql: PgClient.PgClient, events: ReadonlyArray<OutboxEvent>) =>
  sql
    .unsafe("SELECT submission_id, page_slug FROM submission WHERE submission_id = ANY ($1)", [
      Database.array(
        events.map(({ subject }) => subject),
        OID.uuid
      )
    ])
    .pipe(
      decodeRows(Pages),
      Effect.map((rows) => new Map(rows.map((row) => [row.submission_id, row.page_slug])))
    )

/** Stores which recipients get these events by mail. Needs a transaction. */
export const run = Effect.fnUntraced(function* (sql: PgClient.PgClient, events: ReadonlyArray<OutboxEvent>) {
  const mailed = events.filter(({ subject, type }) => type.startsWith("submission.") && isCanonicalUuid(subject ?? ""))
  if (mailed.length === 0) return
  const sites = Database.array([...new Set(mailed.map(({ websiteConfigId }) => websiteConfigId))], OID.uuid)
  const notifications = yield* sql.unsafe(recipientsStatement, [sites]).pipe(decodeRows(Found))
  const pages = notifications.some(({ page }) => page !== null) ? yield* pagesOf(sql, mailed) : new Map<string, null>()
  const bySite = Map.groupBy(notifications, (notification) => notification.website_config_id)
  const items = mailed.flatMap(({ createdAt, subject, type, websiteConfigId }) =>
    mailing(bySite.get(websiteConfigId) ?? [], pages.get(subject ?? "") ?? null, type).map((notification) => ({
      notificationId: notification.notification_id,
      submissionId: subject,
      websiteConfigId,
      createdAt
    }))
  )
  if (items.length === 0) return
  const ids = (of: (item: (typeof items)[number]) => unknown) => Database.array(items.map(of), OID.uuid)
  yield* sql.unsafe(itemsStatement, [
    ids(({ notificationId }) => notificationId),
    ids(({ submissionId }) => submissionId),
    ids(({ websiteConfigId }) => websiteConfigId),
    Database.array(
      items.map(({ createdAt }) => new Date(createdAt).toISOString()),
      OID.text
    )
  ])
  yield* sql.unsafe("UPDATE notification SET due_at = to_timestamp(0) WHERE notification_id = ANY ($1)", [
    Database.array([...new Set(items.map(({ notificationId }) => notificationId))], OID.uuid)
  ])
})

const Recipients = Schema.Array(Schema.Struct({ id: Schema.String }))

/** Makes one mail of a kind for each confirmed recipient of a website that satisfies an SQL condition. Needs a transaction. */
const toRecipients = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  websiteConfigId: WebsiteConfigId,
  condition: "page IS NULL" | "mails_problems",
  kind: "webhook-disabled" | "problems",
  data: DisabledWebhook | Problems
): Effect.fn.Return<void, SqlError.SqlError> {
  const site = PgTypes.uuid(websiteConfigId)
  const recipients = yield* sql`SELECT DISTINCT ON (recipient) notification_id AS id FROM notification
      WHERE website_config_id = ${site} AND is_confirmed AND ${sql.literal(condition)} ORDER BY recipient, created_at`.pipe(
    decodeRows(Recipients)
  )
  if (recipients.length === 0) return
  yield* sql.unsafe(
    `INSERT INTO mail (mail_id, notification_id, website_config_id, kind, data, created_at, next_attempt_at)
        SELECT mail_id, notification_id, $3, $5, $4::json, now(), now()
        FROM unnest($1, $2) AS given (mail_id, notification_id) JOIN notification USING (notification_id)
        FOR KEY SHARE OF notification`,
    [
      Database.array(
        recipients.map(() => randomUUID()),
        OID.uuid
      ),
      Database.array(
        recipients.map(({ id }) => id),
        OID.uuid
      ),
      site,
      PgTypes.text(JSON.stringify(data)),
      PgTypes.text(kind)
    ]
  )
})

/** Makes one mail about a disabled webhook for each recipient of its website, except those of single forms. Needs a transaction. */
export const webhookDisabled = (sql: PgClient.PgClient, websiteConfigId: WebsiteConfigId, webhook: DisabledWebhook) =>
  toRecipients(sql, websiteConfigId, "page IS NULL", "webhook-disabled", webhook)

/** Makes one mail about problems for each recipient of a website who wants them. Needs a transaction. */
export const problems = (sql: PgClient.PgClient, websiteConfigId: WebsiteConfigId, mailed: Problems) =>
  toRecipients(sql, websiteConfigId, "mails_problems", "problems", mailed)
