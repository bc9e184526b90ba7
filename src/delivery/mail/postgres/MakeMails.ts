/**
 * Creates the mails about waiting submissions and conversations, and the mails with due reports.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import * as Database from "../../../platform/postgres/Database.ts"
import * as FailedItems from "../../../platform/rounds/postgres/FailedItems.ts"
import { decodeColumn, decodeRows } from "../../../platform/runtime/Rows.ts"
import * as MailRecipient from "../MailRecipient.ts"
import * as MailTimes from "../MailTimes.ts"
import type { Period, StoredNotification } from "../Notification.ts"
import * as MailItems from "./MailItems.ts"
import * as Rows from "./Notifications.ts"
import * as Recipients from "./Recipients.ts"

/** The maximum number of notifications for which one transaction makes mails. */
const size = 20

const Due = Schema.Array(
  Schema.Struct({ ...Rows.fields, timeZone: Schema.String, reportedUntil: Schema.NullOr(Schema.String) })
)

/** Notifications that are due at `$1`; with `$2`, only this one. */
const due = (columns: string) => `SELECT ${columns} FROM notification JOIN site USING (website_config_id)
  WHERE due_at <= $1 AND is_confirmed AND deleted_at IS NULL AND ($2::uuid IS NULL OR notification_id = $2)
    AND ${FailedItems.mayTry("notification", "notification_id")}
  ORDER BY due_at LIMIT ${size}`

/** The lock prevents other processes from making mails about the same submissions, and from adding submissions meanwhile. */
const dueStatement = `${due(`${Rows.columns}, time_zone AS "timeZone", reported_until::text AS "reportedUntil"`)}
  FOR NO KEY UPDATE OF notification SKIP LOCKED`

/** The ids of the notifications that are due. */
export const dueIds = (sql: PgClient.PgClient, now: number) =>
  sql.unsafe(due("notification_id"), [PgTypes.timestamptz(now), PgTypes.uuid(null)]).pipe(decodeColumn(Schema.String))

const Waiting = Schema.Tuple([
  Schema.Struct({
    count: Schema.Int,
    oldestAt: Schema.NullOr(Schema.Date),
    mailedAt: Schema.Array(Schema.Date)
  })
])

const waitingStatement = `SELECT count(*)::int AS count, min(created_at) AS "oldestAt",
    ${Recipients.mailedAt} AS "mailedAt"
  FROM (
    SELECT created_at FROM mail_item WHERE notification_id = $3 AND mail_id IS NULL AND ${MailItems.isMailable}
    ORDER BY created_at LIMIT ${MailTimes.maxItems + 1}
  ) AS waiting`

/** Creates mails, each with the given number of waiting items, oldest first. The lock of the notification keeps the items in place. */
const makeStatement = `WITH planned AS (
    SELECT mail_id, sum(items) OVER (ORDER BY place) AS upto, sum(items) OVER (ORDER BY place) - items AS after
    FROM unnest($3, $4) WITH ORDINALITY AS given (mail_id, items, place)
  ), waiting AS (
    SELECT item_id, row_number() OVER () AS place FROM (
      SELECT ctid AS item_id FROM mail_item WHERE notification_id = $1 AND mail_id IS NULL AND ${MailItems.isMailable}
      ORDER BY created_at, submission_id, conversation_id LIMIT $5
    ) AS oldest
  ), made AS (
    INSERT INTO mail (mail_id, notification_id, website_config_id, kind, created_at, next_attempt_at)
    SELECT mail_id, $1, $2, 'submissions', $6, now() FROM planned
  )
  UPDATE mail_item SET mail_id = planned.mail_id FROM waiting JOIN planned ON place > after AND place <= upto
  WHERE notification_id = $1 AND mail_item.ctid = waiting.item_id`

/** Creates the mails about submissions and conversations, and returns when to check again. */
const mailSubmissions = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  secretsKey: Uint8Array,
  { digest, notification_id, to, website_config_id: websiteConfigId }: StoredNotification,
  timeZone: string,
  now: number
) {
  const id = PgTypes.uuid(notification_id)
  const key = { websiteConfigId, digest: MailRecipient.digestOf(secretsKey, websiteConfigId, to) }
  const [{ count, mailedAt, oldestAt }] = yield* sql
    .unsafe(waitingStatement, [PgTypes.uuid(websiteConfigId), PgTypes.bytea(key.digest), id])
    .pipe(decodeRows(Waiting))
  const { mails, nextAt } = MailTimes.planDigest(
    {
      digest,
      timeZone,
      count,
      oldestAt: oldestAt?.getTime() ?? now,
      mailedAt: mailedAt.map((time) => time.getTime())
    },
    now
  )
  if (mails.length > 0) {
    yield* sql.unsafe(makeStatement, [
      id,
      PgTypes.uuid(websiteConfigId),
      Database.uuids(mails.map(() => randomUUID())),
      Database.int4s(mails),
      PgTypes.int4(mails.reduce((sum, items) => sum + items, 0)),
      PgTypes.timestamptz(now)
    ])
    yield* Recipients.recordMailed(sql, key, mails.length, now)
  }
  return { nextAt, reportedUntil: null }
})

/** Creates the mail with the report of the latest period, unless there is one, and returns when the next is due. */
const mailReport = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  { notification_id, website_config_id }: StoredNotification,
  period: Period,
  facts: { readonly timeZone: string; readonly now: number; readonly reportedUntil: string | null }
) {
  const range = MailTimes.latest(period, facts)
  if (facts.reportedUntil === null || facts.reportedUntil < range.last) {
    const at = PgTypes.timestamptz(facts.now)
    yield* sql`INSERT INTO mail (mail_id, notification_id, website_config_id, kind, data, created_at, next_attempt_at)
      VALUES (${PgTypes.uuid(randomUUID())}, ${PgTypes.uuid(notification_id)}, ${PgTypes.uuid(website_config_id)}, 'report',
        ${PgTypes.text(JSON.stringify(range))}::json, ${at}, now())`
  }
  return { nextAt: MailTimes.nextDue(period, facts), reportedUntil: range.last }
})

/** Implements `Mails.make`, or makes the mails of one notification. Needs a transaction. */
export const run = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  secretsKey: Uint8Array,
  now: number,
  only: string | null = null
) {
  const rows = yield* sql.unsafe(dueStatement, [PgTypes.timestamptz(now), PgTypes.uuid(only)]).pipe(decodeRows(Due))
  for (const row of rows) {
    const { nextAt, reportedUntil } =
      row.report === null
        ? yield* mailSubmissions(sql, secretsKey, row, row.timeZone, now)
        : yield* mailReport(sql, row, row.report, { ...row, now })
    yield* sql`WITH made AS (
        UPDATE notification SET due_at = ${PgTypes.timestamptz(nextAt)},
          reported_until = greatest(reported_until, ${PgTypes.text(reportedUntil)}::date)
        WHERE notification_id = ${PgTypes.uuid(row.notification_id)} RETURNING notification_id
      ) ${sql.literal(FailedItems.recovered("notification", "made", "notification_id"))}`
  }
  return rows.length
})
