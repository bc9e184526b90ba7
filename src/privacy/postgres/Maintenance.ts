/**
 * Periodic maintenance of the tables: creates partitions for the coming months, deletes expired data, completes interrupted
 * erasures of websites, and closes the answers of processes that died.
 *
 * @module
 */
import { Duration, Effect, Exit, Layer, Option, Struct } from "effect"
import { SqlClient } from "effect/sql"
import * as VisitorSalts from "../../analytics/VisitorSalts.ts"
import * as ConversationChanges from "../../chat/postgres/ConversationChanges.ts"
import * as MailItems from "../../delivery/mail/postgres/MailItems.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Outbox from "../../platform/postgres/Outbox.ts"
import * as Partitions from "../../platform/postgres/schema/Partitions.ts"
import * as Times from "../../platform/postgres/Times.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import { dateOf, dayMillis } from "../../platform/text/Calendar.ts"
import * as ConsoleSessions from "../../sites/access/postgres/ConsoleSessions.ts"
import * as CredentialSql from "../../sites/access/postgres/CredentialSql.ts"
import { cutoff } from "../../sites/Retention.ts"
import { deleteRows, expire, kept } from "./KeptRows.ts"
import * as Retention from "./Retention.ts"
import * as SiteErasure from "./SiteErasure.ts"

/** The timeout of one statement. */
const statementTimeout = Duration.minutes(1)

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

/** Whether an item would still be mailed. */
const isUnsentItem = `${MailItems.isMailable} AND (mail_id IS NULL
  OR EXISTS (SELECT FROM mail WHERE mail.mail_id = mail_item.mail_id AND status = 'pending'))`

/** Deletes outbox events, deliveries and mails after 30 days, or when their subject's retention ends, if that is earlier. */
const deleteDeliveries = Effect.fnUntraced(function* (retention: Retention.Options, now: number) {
  const general = now - 30 * dayMillis
  const cutoffOf = Option.match({
    onNone: () => general,
    onSome: (limit: Parameters<typeof cutoff>[0]) => Math.max(general, cutoff(limit, now))
  })
  const submissions = cutoffOf(retention.submissions)
  const conversations = cutoffOf(retention.conversations)
  const times = [general, submissions, conversations]
  const unsent = (table: string, condition: string, times: ReadonlyArray<number>, isPending: string) =>
    Effect.map(
      deleteRows({ table, condition, times, about: `CASE WHEN ${isPending} THEN '' END` }),
      ({ abouts }) => abouts
    )
  const pending = {
    events: yield* unsent("outbox", expiredEvent, times, Outbox.mayFanOut),
    batches: yield* unsent("submission_outbox", "created_at < $1", [submissions], "true"),
    deliveries: yield* unsent("delivery", expiredEvent, times, "status = 'pending'"),
    mailItems: yield* unsent(
      "mail_item",
      "created_at < greatest($1, $2) AND created_at < CASE WHEN conversation_id IS NULL THEN $1 ELSE $2 END",
      [submissions, conversations],
      isUnsentItem
    ),
    mails: yield* unsent(
      "mail",
      "created_at < greatest($1, $2) AND created_at < CASE kind WHEN 'submissions' THEN $2 ELSE $1 END",
      [general, submissions],
      "status = 'pending'"
    )
  }
  if (Object.values(pending).every((count) => count === 0)) return
  yield* Effect.logWarning(
    "Deleted events or mails that were not sent before their retention ended. Check that a process runs with DELIVERY=on and SMTP_URL, and look for failures with webhook list and notify list."
  ).pipe(Effect.annotateLogs(pending))
})

const steps = (retention: Retention.Options) =>
  [
    ["create partitions", ensurePartitions],
    ["delete old visitor salts", deleteSalts],
    ["delete old deliveries", (now: number) => deleteDeliveries(retention, now)],
    ...Struct.keys(kept).map((table) => [`delete ${kept[table].what}`, (now: number) => expire(table, now)] as const),
    ["delete ended console sessions", ConsoleSessions.deleteEnded],
    ["delete keys and sessions of deleted websites", () => CredentialSql.deleteWithoutSites],
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
      Database.mapErrors,
      Effect.catchCause((cause) =>
        Effect.andThen(
          Effect.sync(() => {
            succeeded = false
          }),
          Rounds.logFailure(`Could not ${name}; retrying in the next round, a minute after this one`, cause)
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
