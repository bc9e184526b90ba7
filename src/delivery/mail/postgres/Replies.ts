/**
 * Stores, leases and settles replies in PostgreSQL, and reads them as a column of a query about submissions. Rows that another process
 * works on are skipped.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Layer, Option, Schema } from "effect"
import * as Inbox from "../../../forms/Inbox.ts"
import { WebsiteConfigId } from "../../../platform/Id.ts"
import { leaseMillis } from "../../../platform/outward/Schedule.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import * as Rounds from "../../../platform/rounds/Rounds.ts"
import { Time } from "../../../platform/runtime/Rows.ts"
import * as SiteLock from "../../../sites/postgres/SiteLock.ts"
import { type LeasedReply, Replies, Reply } from "../Reply.ts"
import * as AutoReplies from "./AutoReplies.ts"
import * as Mails from "./Mails.ts"

export const fields = { ...Reply.fields, created_at: Time }

export const columns = `reply_id, created_at, author, reply_to, recipient AS "to", subject, body AS text, status, error`

/** A row's replies, as `repliesColumn` selects them. */
export const RepliesColumn = Schema.NullOr(Schema.fromJsonString(Schema.Array(Reply)))

/** An SQL expression: the replies to a submission (an expression) as a JSON text, oldest first; null for none. */
export const repliesColumn = (submission: string): string => `(SELECT json_agg(json_build_object('reply_id', reply_id,
    'created_at', to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), 'author', author,
    'reply_to', reply_to, 'to', recipient, 'subject', subject, 'text', body, 'status', status, 'error', error
  ) ORDER BY created_at, reply_id)::text FROM reply WHERE reply.submission_id = ${submission})`

const Listed = Schema.Array(Schema.Struct(fields))

/** The maximum number of replies to a submission that are listed. */
const maxListed = 100

const listStatement = `SELECT * FROM (
    SELECT ${columns} FROM reply WHERE website_config_id = $1 AND submission_id = $2
    ORDER BY created_at DESC, reply_id DESC LIMIT ${maxListed}
  ) AS latest ORDER BY created_at, reply_id`

/**
 * Adds a reply. The lock keeps the submission until the commit. If the submission was written in a conversation of the website, its
 * author has opened the conversation, which then waits for nobody.
 */
const addStatement = `WITH found AS (
    SELECT website_config_id, submission_id, instance_id, conversation_id FROM submission
    WHERE website_config_id = $1 AND submission_id = $2 FOR KEY SHARE
  ), opened AS (
    UPDATE conversation SET opened_at = $8, opened_by = $4 FROM found JOIN instance USING (website_config_id, instance_id)
    WHERE conversation.instance_id = found.instance_id AND conversation.conversation_id = found.conversation_id
  )
  INSERT INTO reply 
    (reply_id, website_config_id, submission_id, author, reply_to, recipient, body, created_at, next_attempt_at)
  SELECT $3, website_config_id, submission_id, $4, $5, $6, $7, $8, now() FROM found RETURNING ${columns}`

const Leased = Schema.Array(
  Schema.Struct({
    reply_id: Reply.fields.reply_id,
    author: Reply.fields.author,
    reply_to: Schema.String,
    to: Schema.String,
    subject: Reply.fields.subject,
    text: Schema.String,
    attempt: Schema.Int,
    createdAt: Schema.Date,
    receivedAt: Schema.Date,
    formData: Schema.String,
    websiteConfigId: WebsiteConfigId,
    name: Schema.String,
    timeZone: Schema.String
  })
)

/**
 * A reply that is due. While its submission is deleted and can be restored, the reply waits, and an automatic one also while it is
 * quarantined.
 */
const isDue = `status = 'pending' AND next_attempt_at <= now()
  AND EXISTS (SELECT FROM submission WHERE submission.submission_id = reply.submission_id
    AND (reply.subject IS NULL OR submission.status = 'accepted'))`

/** Leases at most `$1` replies. `next_attempt_at` becomes the end of the lease, so that a reply is due again if the process dies. */
const leaseStatement = `WITH leased AS (
    UPDATE reply SET attempts = attempts + 1, next_attempt_at = now() + interval '${leaseMillis} milliseconds'
    WHERE ctid = ANY (ARRAY(
      SELECT ctid FROM reply WHERE ${isDue} ORDER BY next_attempt_at LIMIT $1
      FOR UPDATE SKIP LOCKED
    )) RETURNING reply_id, submission_id, author, reply_to, recipient, subject, body, created_at, attempts
  )
  SELECT reply_id, author, reply_to, recipient AS "to", subject, body AS text, attempts AS attempt, leased.created_at AS "createdAt",
    received_at AS "receivedAt", left(form_data::text, ${Inbox.maxPreviewSource}) AS "formData",
    submission.website_config_id AS "websiteConfigId", name, time_zone AS "timeZone"
  FROM leased JOIN submission USING (submission_id) JOIN site ON site.website_config_id = submission.website_config_id
  WHERE site.deleted_at IS NULL`

export const layer: Layer.Layer<Replies, never, PgClient.PgClient> = Layer.effect(
  Replies,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const settle = Mails.settleIn(sql, yield* Rounds.Wakeups, "reply")
    return Replies.of({
      ...AutoReplies.make(sql, yield* SiteLock.make),
      add: (websiteConfigId, submissionId, { author, createdAt, reply_to, text, to }) =>
        sql
          .unsafe(addStatement, [
            PgTypes.uuid(websiteConfigId),
            PgTypes.uuid(submissionId),
            PgTypes.uuid(randomUUID()),
            PgTypes.text(author),
            PgTypes.text(reply_to),
            PgTypes.text(to),
            PgTypes.text(text),
            PgTypes.timestamptz(createdAt)
          ])
          .pipe(
            Database.read(Listed),
            Effect.map(([added]) => Option.fromUndefinedOr(added)),
            Rounds.waking("mails")
          ),
      list: (websiteConfigId, submissionId) =>
        sql
          .unsafe(listStatement, [PgTypes.uuid(websiteConfigId), PgTypes.uuid(submissionId)])
          .pipe(Database.read(Listed)),
      lease: (count) =>
        sql.unsafe(leaseStatement, [PgTypes.int4(count)]).pipe(
          Database.read(Leased),
          Effect.map((rows) =>
            rows.map(
              ({ createdAt, formData, name, receivedAt, timeZone, websiteConfigId, ...reply }): LeasedReply => ({
                ...reply,
                createdAt: createdAt.getTime(),
                site: { websiteConfigId, name, timeZone },
                submission: { receivedAt: receivedAt.getTime(), preview: Inbox.preview(formData) }
              })
            )
          )
        ),
      // A reply always has content, so it is never cancelled.
      settle: ({ attempt, reply_id }, { error, next }) =>
        settle(reply_id, attempt, { error, next: next.status === "cancelled" ? { status: "failed" } : next })
    })
  })
)
