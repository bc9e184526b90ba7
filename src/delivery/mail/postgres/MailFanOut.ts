/**
 * Stores which submissions and conversations each recipient gets by mail, and creates the mails about disabled webhooks and about problems.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"
import * as Lead from "../../../analytics/Lead.ts"
import { keyOfSubject } from "../../../chat/conversations/Conversation.ts"
import { isCanonicalUuid, type WebsiteConfigId } from "../../../platform/Id.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeColumn, decodeRows } from "../../../platform/runtime/Rows.ts"
import * as Event from "../../Event.ts"
import { mailing } from "../Notification.ts"
import type { DisabledWebhook, Problems } from "../ProblemMail.ts"
import * as MailItems from "./MailItems.ts"
import * as Rows from "./Notifications.ts"

const Found = Schema.Array(Schema.Struct(Rows.fields))

/** Locks the notifications in the order of their ids, so that two processes cannot deadlock. */
const recipientsStatement = `SELECT ${Rows.columns} FROM notification
  WHERE website_config_id = ANY ($1) AND kind = 'submissions' AND is_confirmed ORDER BY notification_id FOR NO KEY UPDATE`

/** Stores a submission once per recipient, even if its event is fanned out twice. */
const submissionsStatement = `INSERT INTO mail_item (notification_id, submission_id, website_config_id, created_at)
  SELECT notification_id, submission_id, website_config_id, created_at
  FROM unnest($1, $2, $3, $4::timestamptz[]) AS given (notification_id, submission_id, website_config_id, created_at)
  ON CONFLICT DO NOTHING`

/**
 * Stores a conversation once per recipient. If it is left without an answer more than an hour after the item that was mailed, it is
 * mailed again. The lock keeps the conversation until the commit. One that is locked is being deleted.
 */
const conversationsStatement = `INSERT INTO mail_item AS item
    (notification_id, website_config_id, created_at, instance_id, conversation_id)
  SELECT notification_id, website_config_id, at, conversation.instance_id, conversation.conversation_id
  FROM unnest($1, $2, $3::timestamptz[], $4, $5) AS given (notification_id, website_config_id, at, instance_id, conversation_id)
  CROSS JOIN LATERAL (
    SELECT instance_id, conversation_id FROM conversation
    WHERE conversation.instance_id = given.instance_id AND conversation.conversation_id = given.conversation_id
    FOR KEY SHARE SKIP LOCKED
  ) AS conversation
  ON CONFLICT (instance_id, conversation_id, notification_id) WHERE conversation_id IS NOT NULL
  DO UPDATE SET created_at = excluded.created_at, mail_id = NULL
  WHERE item.mail_id IS NOT NULL AND item.created_at < excluded.created_at - interval '1 hour'`

/** Those of the conversations `$1` whose visits may still be found. */
const unmatchedStatement = `SELECT subject FROM unnest($1, $2, $3) AS given (subject, instance_id, conversation_id)
  JOIN conversation USING (instance_id, conversation_id) JOIN pending_lead USING (conversation_key)`

/**
 * Makes the mails of the recipients `$1` due now, but those of `$2` when the search for a visit ends, so that they can name the
 * page on which a conversation began.
 */
const dueStatement = `UPDATE notification SET due_at = CASE WHEN notification_id = ANY ($2)
    THEN least(due_at, now() + interval '${Lead.maxWaitMillis} milliseconds') ELSE to_timestamp(0) END
  WHERE notification_id = ANY ($1)`

const Facts = Schema.Array(
  Schema.Struct({ submission_id: Schema.String, page_slug: Schema.NullOr(Schema.String), is_mailed: Schema.Boolean })
)

/** The forms of submissions, and whether their recipients have them already, by the submissions' ids. */
const factsOf = (sql: PgClient.PgClient, events: ReadonlyArray<Event.OutboxEvent>) =>
  sql
    .unsafe("SELECT submission_id, page_slug, is_mailed FROM submission WHERE submission_id = ANY ($1)", [
      Database.uuids(events.map(({ subject }) => subject))
    ])
    .pipe(
      decodeRows(Facts),
      Effect.map((rows) => new Map(rows.map((row) => [row.submission_id, row])))
    )

/** An item of a recipient's mails. */
interface Item {
  readonly notificationId: string
  readonly websiteConfigId: WebsiteConfigId
  readonly createdAt: number
  /** The subject of the event. */
  readonly subject: string
}

const uuids = (items: ReadonlyArray<Item>, of: (item: Item) => string | undefined) => Database.uuids(items.map(of))

const times = (items: ReadonlyArray<Item>) =>
  Database.texts(items.map(({ createdAt }) => new Date(createdAt).toISOString()))

const storeSubmissions = (sql: PgClient.PgClient, items: ReadonlyArray<Item>) =>
  sql.unsafe(submissionsStatement, [
    uuids(items, ({ notificationId }) => notificationId),
    uuids(items, ({ subject }) => subject),
    uuids(items, ({ websiteConfigId }) => websiteConfigId),
    times(items)
  ])

/** A statement changes a row only once, so of several events of a conversation the first is stored. */
const storeConversations = (sql: PgClient.PgClient, items: ReadonlyArray<Item>) => {
  const firsts = [
    ...new Map(items.toReversed().map((item) => [`${item.notificationId} ${item.subject}`, item])).values()
  ]
  return sql.unsafe(conversationsStatement, [
    uuids(firsts, ({ notificationId }) => notificationId),
    uuids(firsts, ({ websiteConfigId }) => websiteConfigId),
    times(firsts),
    uuids(firsts, ({ subject }) => keyOfSubject(subject)?.instanceId),
    Database.texts(firsts.map(({ subject }) => keyOfSubject(subject)?.conversationId))
  ])
}

/** The subjects of the conversations whose visits may still be found. */
const unmatchedOf = Effect.fnUntraced(function* (sql: PgClient.PgClient, items: ReadonlyArray<Item>) {
  const subjects = [...new Set(items.map(({ subject }) => subject))]
  const keys = subjects.map(keyOfSubject)
  const rows = yield* sql
    .unsafe(unmatchedStatement, [
      Database.texts(subjects),
      Database.uuids(keys.map((key) => key?.instanceId)),
      Database.texts(keys.map((key) => key?.conversationId))
    ])
    .pipe(decodeColumn(Schema.String))
  return new Set(rows)
})

/** Stores which recipients get these events by mail, and mails what waited for a release or a restoration. Needs a transaction. */
export const run = Effect.fnUntraced(function* (sql: PgClient.PgClient, events: ReadonlyArray<Event.OutboxEvent>) {
  const isSubmission = ({ subject }: Pick<Event.OutboxEvent, "subject">) => isCanonicalUuid(subject ?? "")
  const mailed = events.filter(({ subject, type }) =>
    type.startsWith("submission.")
      ? isCanonicalUuid(subject ?? "")
      : type.startsWith("conversation.") && keyOfSubject(subject ?? "") !== undefined
  )
  if (mailed.length === 0) return
  const sites = [...new Set(mailed.map(({ websiteConfigId }) => websiteConfigId))]
  const notifications = yield* sql.unsafe(recipientsStatement, [Database.uuids(sites)]).pipe(decodeRows(Found))
  const returned = Event.returnedOf(mailed)
  if (returned.length > 0 && notifications.length > 0) yield* MailItems.resume(sql, sites, returned)
  const submitted = mailed.filter(isSubmission)
  const needsFacts =
    notifications.some(({ page }) => page !== null) || submitted.some(({ type }) => type === "submission.released")
  const facts = needsFacts ? yield* factsOf(sql, submitted) : new Map<string, (typeof Facts.Type)[number]>()
  const bySite = Map.groupBy(notifications, (notification) => notification.website_config_id)
  const items = mailed.flatMap(({ createdAt, subject, type, websiteConfigId }) => {
    const { is_mailed: isMailed = false, page_slug: page = null } = facts.get(subject ?? "") ?? {}
    if (type === "submission.released" && isMailed) return []
    return mailing(bySite.get(websiteConfigId) ?? [], page, type).map(
      (notification): Item => ({
        notificationId: notification.notification_id,
        websiteConfigId,
        createdAt,
        subject: subject ?? ""
      })
    )
  })
  if (items.length === 0) return
  const submissions = items.filter(isSubmission)
  const conversations = items.filter((item) => !isSubmission(item))
  if (submissions.length > 0) yield* storeSubmissions(sql, submissions)
  if (conversations.length > 0) yield* storeConversations(sql, conversations)
  const unmatched = conversations.length > 0 ? yield* unmatchedOf(sql, conversations) : new Set<string>()
  const recipients = [...new Set(items.map(({ notificationId }) => notificationId))]
  const now = new Set(items.flatMap(({ notificationId, subject }) => (unmatched.has(subject) ? [] : notificationId)))
  yield* sql.unsafe(dueStatement, [Database.uuids(recipients), Database.uuids(recipients.filter((id) => !now.has(id)))])
})

/** Makes one mail of a kind for each confirmed recipient of a website that satisfies an SQL condition. Needs a transaction. */
const toRecipients = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  websiteConfigId: WebsiteConfigId,
  condition: "page IS NULL" | "mails_problems",
  kind: "webhook-disabled" | "problems",
  data: DisabledWebhook | Problems
): Effect.fn.Return<void, SqlError.SqlError> {
  const site = PgTypes.uuid(websiteConfigId)
  const recipients = yield* sql`SELECT DISTINCT ON (recipient) notification_id FROM notification
      WHERE website_config_id = ${site} AND is_confirmed AND ${sql.literal(condition)} ORDER BY recipient, created_at`.pipe(
    decodeColumn(Schema.String)
  )
  if (recipients.length === 0) return
  yield* sql.unsafe(
    `INSERT INTO mail (mail_id, notification_id, website_config_id, kind, data, created_at, next_attempt_at)
        SELECT mail_id, notification_id, $3, $5, $4::json, now(), now()
        FROM unnest($1, $2) AS given (mail_id, notification_id) JOIN notification USING (notification_id)
        FOR KEY SHARE OF notification`,
    [
      Database.uuids(recipients.map(() => randomUUID())),
      Database.uuids(recipients),
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
