/**
 * Periodic maintenance of the tables: creates partitions for the coming months, deletes expired data, completes interrupted
 * erasures of websites, and closes the answers of processes that died.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Duration, Effect, Exit, Layer, Option, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as VisitorSalts from "../../analytics/VisitorSalts.ts"
import * as ConversationChanges from "../../chat/postgres/ConversationChanges.ts"
import * as WidgetTokens from "../../chat/postgres/WidgetTokens.ts"
import { confirmationMillis } from "../../delivery/mail/MailRecipient.ts"
import * as SpamMarks from "../../forms/postgres/SpamMarks.ts"
import * as SubmissionDeletion from "../../forms/postgres/SubmissionDeletion.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Partitions from "../../platform/postgres/schema/Partitions.ts"
import * as Times from "../../platform/postgres/Times.ts"
import * as FailedItems from "../../platform/rounds/postgres/FailedItems.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { dateOf, dayMillis, hourMillis } from "../../platform/text/Calendar.ts"
import * as ConsoleSessions from "../../sites/access/postgres/ConsoleSessions.ts"
import * as CredentialSql from "../../sites/access/postgres/CredentialSql.ts"
import * as OwnerKeys from "../../sites/access/postgres/OwnerKeys.ts"
import * as Shares from "../../sites/access/postgres/Shares.ts"
import { cutoff } from "../../sites/Retention.ts"
import * as Retention from "./Retention.ts"
import * as SiteErasure from "./SiteErasure.ts"

/** The maximum number of rows deleted per statement: few enough to hold locks only briefly. */
const chunk = 5_000

/** The timeout of one statement. */
const statementTimeout = Duration.minutes(1)

const Deleted = Schema.Tuple([Schema.Struct({ deleted: Schema.Finite, pending: Schema.Finite })])

/** The expired rows of a table. */
interface Expired {
  readonly table: string
  /** An SQL condition with the parameters `$1`, `$2`, …. */
  readonly condition: string
  /** An SQL expression: whether a row is pending. */
  readonly pending: string
  /** The parameters, in milliseconds since 1970. */
  readonly times: ReadonlyArray<number>
}

/** Deletes rows in chunks, and returns how many of them were pending. */
const deleteRows = Effect.fnUntraced(function* ({ condition, pending: isPending, table, times }: Expired) {
  const sql = yield* SqlClient.SqlClient
  let sum = 0
  while (true) {
    const [{ deleted, pending }] = yield* sql
      .unsafe(
        `WITH old AS (
          DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM ${table} WHERE ${condition} LIMIT ${chunk}
          )) AND ${condition} RETURNING ${isPending} AS is_pending
        ) SELECT count(*)::float8 AS deleted, (count(*) FILTER (WHERE is_pending))::float8 AS pending FROM old`,
        times.map((time) => PgTypes.timestamptz(time))
      )
      .pipe(decodeRows(Deleted))
    sum += pending
    if (deleted < chunk) return sum
  }
})

/** Deletes the rows of a table whose `column` is before `before` (milliseconds since 1970). */
const deleteBefore = (table: string, column: string, before: number) =>
  deleteRows({ table, condition: `${column} < $1`, pending: "false", times: [before] })

/** Deletes the salts of the dates that have ended everywhere. */
const deleteSalts = Effect.fnUntraced(function* (now: number) {
  const sql = yield* SqlClient.SqlClient
  const lastDay = dateOf(VisitorSalts.lastEnded(now) * dayMillis)
  yield* sql`DELETE FROM visitor_salt WHERE day <= ${lastDay}::date`
})

const ensurePartitions = (now: number) => Effect.flatMap(Partitions.ensure(now), Partitions.report)

/** Completes interrupted erasures of websites, even after one fails. */
const resumeErasures = Effect.gen(function* () {
  const ids = yield* SiteErasure.unfinished
  yield* Exit.asVoidAll(yield* Effect.forEach(ids, (id) => Effect.exit(SiteErasure.erase(id))))
})

/**
 * The condition of expired events, in the outbox or as deliveries. `$2` is the cutoff of events about submissions, `$3` of
 * events about conversations, and `$1` of the other events. The first line lets PostgreSQL use the index.
 */
const expiredEvent = `created_at < greatest($1, $2, $3)
  AND created_at < CASE WHEN type LIKE 'submission.%' THEN $2 WHEN type LIKE 'conversation.%' THEN $3 ELSE $1 END`

const isOfPendingMail = "EXISTS (SELECT FROM mail WHERE mail.mail_id = mail_item.mail_id AND status = 'pending')"

/** Deletes outbox events, deliveries and mails after 30 days, or when their subject's retention ends, if that is earlier. */
const deleteDeliveries = Effect.fnUntraced(function* (retention: Retention.Options, now: number) {
  const general = now - 30 * 24 * hourMillis
  const cutoffOf = Option.match({
    onNone: () => general,
    onSome: (limit: Parameters<typeof cutoff>[0]) => Math.max(general, cutoff(limit, now))
  })
  const submissions = cutoffOf(retention.submissions)
  const conversations = cutoffOf(retention.conversations)
  const times = [general, submissions, conversations]
  const pending = {
    events: yield* deleteRows({ table: "outbox", condition: expiredEvent, pending: "true", times }),
    batches: yield* deleteRows({
      table: "submission_outbox",
      condition: "created_at < $1",
      pending: "true",
      times: [submissions]
    }),
    deliveries: yield* deleteRows({
      table: "delivery",
      condition: expiredEvent,
      pending: "status = 'pending'",
      times
    }),
    mailItems: yield* deleteRows({
      table: "mail_item",
      condition: "created_at < greatest($1, $2) AND created_at < CASE WHEN conversation_id IS NULL THEN $1 ELSE $2 END",
      pending: `mail_id IS NULL OR ${isOfPendingMail}`,
      times: [submissions, conversations]
    }),
    mails: yield* deleteRows({
      table: "mail",
      condition: "created_at < greatest($1, $2) AND created_at < CASE kind WHEN 'submissions' THEN $2 ELSE $1 END",
      pending: "status = 'pending'",
      times: [general, submissions]
    })
  }
  if (Object.values(pending).every((count) => count === 0)) return
  yield* Effect.logWarning(
    "Deleted events or mails that were not sent before their retention ended. Check that a process runs with DELIVERY=on and SMTP_URL, and look for failures with webhook list and notify list."
  ).pipe(Effect.annotateLogs(pending))
})

/** Deletes the recipients whose mails are too old to count against any limit, except those who unsubscribed. */
const deleteRecipients = (now: number) =>
  deleteRows({
    table: "mail_recipient",
    condition: "unsubscribed_at IS NULL AND used_at < $1",
    pending: "false",
    times: [now - 24 * hourMillis]
  })

/** Whether the recipient of a notification got a confirmation mail since `$1`, for this notification or for another one. */
const isAskedSince = `EXISTS (
    SELECT FROM notification AS other JOIN mail ON mail.notification_id = other.notification_id
    WHERE other.website_config_id = notification.website_config_id AND lower(other.recipient) = lower(notification.recipient)
      AND mail.kind = 'confirmation' AND mail.created_at >= $1)`

/**
 * Deletes the notifications of addresses that did not confirm. Does not update `site.has_subscribers`, so the events of a website
 * that has no subscriber left may still be stored.
 */
const deleteUnconfirmed = (now: number) =>
  deleteRows({
    table: "notification",
    condition: `NOT is_confirmed AND created_at < $1 AND NOT ${isAskedSince}`,
    pending: "false",
    times: [now - confirmationMillis]
  })

const steps = (retention: Retention.Options) =>
  [
    ["create partitions", ensurePartitions],
    ["delete old visitor salts", deleteSalts],
    ["delete old batch ids", (now: number) => deleteBefore("page_view_batch", "stored_at", now - 24 * hourMillis)],
    [
      "delete old counts of refused requests",
      (now: number) => deleteBefore("refusal", "day", now - 30 * 24 * hourMillis)
    ],
    [
      "delete old failures of agents",
      (now: number) => deleteBefore("agent_failure", "last_at", now - 30 * 24 * hourMillis)
    ],
    ["delete old idempotency keys", (now: number) => deleteBefore("idempotency_key", "used_at", now - 24 * hourMillis)],
    [
      "delete old token reservations",
      (now: number) => deleteBefore("token_reservation", "reserved_at", now - 48 * hourMillis)
    ],
    [
      "delete old records of what failed in the background",
      (now: number) => FailedItems.deleteBefore(now - 30 * 24 * hourMillis)
    ],
    ["delete old deliveries", (now: number) => deleteDeliveries(retention, now)],
    ["delete old records of recipients", deleteRecipients],
    [
      "delete old records of automatic replies",
      (now: number) => deleteBefore("auto_reply_recipient", "used_at", now - 24 * hourMillis)
    ],
    ["delete unconfirmed notifications", deleteUnconfirmed],
    ["delete old marks of spam", SpamMarks.deleteExpired],
    ["delete submissions that can no longer be restored", SubmissionDeletion.deleteExpired],
    ["delete ended console sessions", (now: number) => ConsoleSessions.deleteEnded(now)],
    ["delete ended owner keys", (now: number) => OwnerKeys.deleteEnded(now)],
    ["delete keys and sessions of deleted websites", () => CredentialSql.deleteWithoutSites],
    ["delete ended widget tokens", (now: number) => WidgetTokens.deleteEnded(now)],
    ["delete expired shares", (now: number) => Shares.deleteExpired(now)],
    ["delete expired data", () => Retention.deleteExpired(retention)],
    ["complete the deletion of websites", () => resumeErasures],
    ["delete the visits of deleted websites", () => SiteErasure.eraseLeftVisits],
    ["close the answers of processes that died", () => ConversationChanges.closeLapsed]
  ] as const

/**
 * Runs every step once, even after one fails, and returns whether all succeeded. Logs failures. Each step reads the time itself,
 * because an earlier step may take long.
 */
export const round = Effect.fnUntraced(function* (
  retention: Retention.Options
): Effect.fn.Return<boolean, never, SqlClient.SqlClient> {
  let succeeded = true
  for (const [name, step] of steps(retention)) {
    yield* Times.earlierNow.pipe(
      Effect.flatMap(step),
      Database.withTimeout(statementTimeout),
      Effect.catchCause((cause) =>
        Effect.andThen(
          Effect.sync(() => {
            succeeded = false
          }),
          Effect.logWarning(`Could not ${name}; retrying in the next round, a minute after this one`, cause)
        )
      )
    )
  }
  return succeeded
})

/** Runs a round when it is woken, and a minute after a round that failed, until the scope closes. */
export const layer = (retention: Retention.Options): Layer.Layer<never, never, SqlClient.SqlClient> =>
  Layer.effectDiscard(
    Rounds.start({
      kind: "maintenance",
      what: "maintain the tables",
      round: Effect.map(round(retention), (succeeded) => (succeeded ? null : "1 minute")),
      gap: "1 second",
      startsAtOnce: false
    })
  )
