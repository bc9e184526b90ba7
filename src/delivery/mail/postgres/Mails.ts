/**
 * Makes, leases and settles mails in PostgreSQL. Each of the three is one transaction and leaves no state in its session, so
 * that they work through PgBouncer in transaction mode. Rows that another process works on are skipped (SKIP LOCKED).
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Layer, Redacted, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as AnswerParts from "../../../chat/conversations/AnswerParts.ts"
import * as ConversationRows from "../../../chat/postgres/ConversationRows.ts"
import * as SubmissionRows from "../../../forms/postgres/SubmissionRows.ts"
import { HostedWebsiteId, InstanceId, MessageId } from "../../../platform/Id.ts"
import { leaseMillis } from "../../../platform/outward/Schedule.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import * as Times from "../../../platform/postgres/Times.ts"
import * as FailedItems from "../../../platform/rounds/postgres/FailedItems.ts"
import * as Rounds from "../../../platform/rounds/Rounds.ts"
import { decodeColumn, decodeRows } from "../../../platform/runtime/Rows.ts"
import { type LeasedMail, type MailSettlement, Mails, type Subject } from "../Mail.ts"
import { Problems } from "../ProblemMail.ts"
import { maxShown } from "../SubmissionMail.ts"
import * as MailItems from "./MailItems.ts"
import * as MakeMails from "./MakeMails.ts"
import * as Rows from "./Notifications.ts"

export interface Options {
  /** The key of `MailRecipient.digestOf`, which identifies recipients. */
  readonly secretsKey: Redacted.Redacted<Uint8Array>
}

const Data = Schema.Union([
  Schema.Struct({ kind: Schema.Literals(["submissions", "confirmation"]), data: Schema.Null }),
  Schema.Struct({ kind: Schema.Literal("report"), data: Schema.Struct({ first: Schema.String, last: Schema.String }) }),
  Schema.Struct({ kind: Schema.Literal("problems"), data: Problems }),
  Schema.Struct({
    kind: Schema.Literal("webhook-disabled"),
    data: Schema.Struct({ webhookId: Schema.String, host: Schema.String, isGone: Schema.Boolean })
  })
])

const LeasedRows = Schema.Array(
  Schema.Struct({
    ...Rows.fields,
    mailId: Schema.String,
    attempt: Schema.Int,
    mailCreatedAt: Schema.Date,
    about: Data,
    hostedWebsiteId: HostedWebsiteId,
    name: Schema.String,
    timeZone: Schema.String
  })
)

/** At most `$1` mails that are due; with `$2`, only this one. */
const due = (column: string) => `SELECT ${column} FROM mail
  WHERE status = 'pending' AND next_attempt_at <= now() AND ($2::uuid IS NULL OR mail_id = $2)
    AND ${FailedItems.mayTry("mail", "mail_id")}
  ORDER BY next_attempt_at LIMIT $1`

/** Leases due mails. `next_attempt_at` becomes the end of the lease, so that a mail is due again if the process dies. */
const leaseStatement = `WITH leased AS (
    UPDATE mail SET attempts = attempts + 1, next_attempt_at = now() + interval '${leaseMillis} milliseconds'
    WHERE ctid = ANY (ARRAY(${due("ctid")} FOR UPDATE SKIP LOCKED))
    RETURNING mail_id, notification_id, kind, data, created_at, attempts
  ), recovered AS (${FailedItems.recovered("mail", "leased", "mail_id")})
  SELECT ${Rows.columns}, mail_id AS "mailId", attempts AS attempt, leased.created_at AS "mailCreatedAt",
    json_build_object('kind', leased.kind, 'data', data) AS about, hosted_website_id AS "hostedWebsiteId", name,
    time_zone AS "timeZone"
  FROM leased JOIN notification USING (notification_id) JOIN site USING (website_config_id) WHERE deleted_at IS NULL`

const Counts = Schema.Array(Schema.Struct({ mailId: Schema.String, count: Schema.Int }))

const countStatement = `SELECT mail_id AS "mailId", count(*)::int AS count
  FROM mail_item JOIN submission USING (submission_id) WHERE mail_id = ANY ($1) GROUP BY mail_id`

const Shown = Schema.Array(Schema.Struct({ mail_id: Schema.String, ...SubmissionRows.fields }))

const shownStatement = `SELECT mail_id, shown.* FROM unnest($1::uuid[]) AS given (mail_id) CROSS JOIN LATERAL (
    SELECT ${SubmissionRows.columns} FROM submission
    WHERE submission_id IN (SELECT submission_id FROM mail_item WHERE mail_item.mail_id = given.mail_id)
    ORDER BY received_at, submission_id LIMIT ${maxShown}
  ) AS shown`

const ShownConversations = Schema.Array(
  Schema.Struct({
    mailId: Schema.String,
    count: Schema.Int,
    instanceId: InstanceId,
    messageId: MessageId,
    assistant: Schema.String,
    parts: ConversationRows.Parts,
    startedAt: Schema.Finite,
    page: Schema.NullOr(Schema.String),
    isUnanswered: Schema.Boolean
  })
)

/** The conversations of mails with their first messages, and how many each mail has. */
const conversationsStatement = `SELECT mail_id AS "mailId", shown.* FROM unnest($1::uuid[]) AS given (mail_id) CROSS JOIN LATERAL (
    SELECT (count(*) OVER ())::int AS count, instance_id AS "instanceId", message_id AS "messageId",
      instance.name AS assistant, parts::text AS parts, ${Times.millis("first.created_at")} AS "startedAt",
      conversation.page, unanswered_at IS NOT NULL AS "isUnanswered"
    FROM mail_item JOIN conversation USING (instance_id, conversation_id) JOIN instance USING (instance_id)
    CROSS JOIN LATERAL (
      SELECT message_id, parts, created_at FROM conversation_message
      WHERE conversation_key = conversation.conversation_key AND role = 'user' ORDER BY position LIMIT 1
    ) AS first
    WHERE mail_item.mail_id = given.mail_id ORDER BY first.created_at, conversation_id LIMIT ${maxShown}
  ) AS shown`

/** Records an attempt to send a row of a table, as `Mails.settle` does. */
export const settleIn =
  (sql: PgClient.PgClient, { wakeAt }: Rounds.Wakeups, table: "mail" | "reply") =>
  (id: string, attempt: number, { error, next }: MailSettlement) =>
    sql
      .unsafe(
        `UPDATE ${table} SET status = $3, next_attempt_at = $4, error = $5
          WHERE ${table}_id = $1 AND attempts = $2 AND status = 'pending'`,
        [
          PgTypes.uuid(id),
          PgTypes.int4(attempt),
          PgTypes.text(next.status),
          PgTypes.timestamptz(next.status === "pending" ? next.nextAttemptAt : null),
          PgTypes.text(error)
        ]
      )
      .pipe(
        Database.mapErrors,
        Effect.andThen(Effect.sync(() => (next.status === "pending" ? wakeAt("mails", next.nextAttemptAt) : undefined)))
      )

export const layer = ({ secretsKey }: Options): Layer.Layer<Mails, never, PgClient.PgClient> =>
  Layer.effect(
    Mails,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const settle = settleIn(sql, yield* Rounds.Wakeups, "mail")
      const transaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        effect.pipe(sql.withTransaction, Database.mapErrors)

      /** The submissions and conversations that mails are about, by the mails' ids. */
      const itemsOf = Effect.fnUntraced(function* (mailIds: ReadonlyArray<string>) {
        const ids = [Database.uuids(mailIds)]
        const [counts, shown, conversations] =
          mailIds.length === 0
            ? [[], [], []]
            : [
                yield* sql.unsafe(countStatement, ids).pipe(decodeRows(Counts)),
                yield* sql.unsafe(shownStatement, ids).pipe(decodeRows(Shown)),
                yield* sql.unsafe(conversationsStatement, ids).pipe(decodeRows(ShownConversations))
              ]
        const countOf = new Map(counts.map(({ count, mailId }) => [mailId, count]))
        const shownOf = Map.groupBy(shown, (row) => row.mail_id)
        const conversationsOf = Map.groupBy(conversations, (row) => row.mailId)
        return (mailId: string): Subject => {
          const ofMail = conversationsOf.get(mailId) ?? []
          return {
            kind: "submissions",
            submissions: (shownOf.get(mailId) ?? []).map(SubmissionRows.fromRow),
            count: countOf.get(mailId) ?? 0,
            conversations: {
              shown: ofMail.map(({ count: _, mailId: __, parts, ...conversation }) => ({
                ...conversation,
                question: AnswerParts.textOf(parts)
              })),
              count: ofMail[0]?.count ?? 0
            }
          }
        }
      })

      const subjectOf = (
        { about, mailId }: Pick<(typeof LeasedRows.Type)[number], "about" | "mailId">,
        items: (mailId: string) => Subject
      ): Subject => {
        switch (about.kind) {
          case "submissions":
            return items(mailId)
          case "confirmation":
            return { kind: "confirmation" }
          case "report":
            return { kind: "report", range: about.data }
          case "problems":
            return { kind: "problems", problems: about.data }
          case "webhook-disabled":
            return { kind: "webhook-disabled", webhook: about.data }
        }
      }

      const lease = (count: number, only: string | null) =>
        transaction(
          Effect.gen(function* () {
            const rows = yield* sql
              .unsafe(leaseStatement, [PgTypes.int4(count), PgTypes.uuid(only)])
              .pipe(decodeRows(LeasedRows))
            const ids = rows.flatMap(({ about, mailId }) => (about.kind === "submissions" ? [mailId] : []))
            if (ids.length > 0) yield* MailItems.leave(sql, ids)
            const items = yield* itemsOf(ids)
            return rows.map(
              ({
                about,
                attempt,
                hostedWebsiteId,
                mailCreatedAt,
                mailId,
                name,
                timeZone,
                ...notification
              }): LeasedMail => ({
                mailId,
                attempt,
                createdAt: mailCreatedAt.getTime(),
                notification,
                site: { websiteConfigId: notification.website_config_id, hostedWebsiteId, name, timeZone },
                subject: subjectOf({ about, mailId }, items)
              })
            )
          })
        )

      const dueIds = (count: number) =>
        sql.unsafe(due("mail_id"), [PgTypes.int4(count), PgTypes.uuid(null)]).pipe(decodeColumn(Schema.String))
      const key = Redacted.value(secretsKey)

      return Mails.of({
        make: (now) =>
          FailedItems.isolating({
            kind: "notification",
            all: transaction(MakeMails.run(sql, key, now)),
            ids: MakeMails.dueIds(sql, now).pipe(Database.mapErrors),
            one: (id) => transaction(MakeMails.run(sql, key, now, id))
          }).pipe(
            Effect.provideService(SqlClient.SqlClient, sql),
            Database.mapErrors,
            Effect.map((counts) => counts.reduce((sum, count) => sum + count, 0))
          ),
        lease: (count) =>
          FailedItems.isolating({
            kind: "mail",
            all: lease(count, null),
            ids: dueIds(count).pipe(Database.mapErrors),
            one: (id) => lease(1, id)
          }).pipe(
            Effect.provideService(SqlClient.SqlClient, sql),
            Database.mapErrors,
            Effect.map((leased) => leased.flat())
          ),
        settle: ({ attempt, mailId }, settlement) => settle(mailId, attempt, settlement)
      })
    })
  )
