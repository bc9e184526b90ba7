/**
 * Stores the automatic replies of forms in PostgreSQL, and makes those to submissions that were accepted or released. Those beyond a
 * limit are stored as failed, so that their submission shows why the visitor got none. Keeps `site.has_subscribers` true while the
 * website has an automatic reply, because they are made from the events of submissions.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Option, Schema } from "effect"
import * as Inbox from "../../../forms/Inbox.ts"
import { isCanonicalUuid, WebsiteConfigId } from "../../../platform/Id.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeRows, Time } from "../../../platform/runtime/Rows.ts"
import * as Calendar from "../../../platform/text/Calendar.ts"
import * as Maximums from "../../../sites/Maximums.ts"
import * as SiteLock from "../../../sites/postgres/SiteLock.ts"
import type { OutboxEvent } from "../../Event.ts"
import { refreshSubscribers } from "../../postgres/Webhooks.ts"
import * as AutoReply from "../AutoReply.ts"
import type { Replies } from "../Reply.ts"

const Listed = Schema.Array(Schema.Struct({ ...AutoReply.AutoReply.fields, created_at: Time, updated_at: Time }))

const Put = Schema.Array(Schema.Struct({ created_at: Time }))

/** What `Replies` does with the automatic replies of forms. */
export const make = (sql: PgClient.PgClient, whileLocked: Effect.Success<typeof SiteLock.make>) => {
  const putAutomatic: Replies["Service"]["putAutomatic"] = Effect.fnUntraced(function* (websiteConfigId, reply) {
    const now = yield* Clock.currentTimeMillis
    const [site, page] = [PgTypes.uuid(websiteConfigId), PgTypes.text(reply.page)]
    const at = PgTypes.timestamptz(now)
    const [put] = yield* Effect.gen(function* () {
      const others = sql`page <> ${page}`
      yield* SiteLock.requireRoom(sql, websiteConfigId, "auto_reply", Maximums.autoReplies, others)
      yield* sql`UPDATE site SET has_subscribers = true WHERE website_config_id = ${site} AND deleted_at IS NULL`
      return yield* sql`INSERT INTO auto_reply (website_config_id, page, subject, body, reply_to, created_at, updated_at)
        SELECT website_config_id, ${page}, ${PgTypes.text(reply.subject)}, ${PgTypes.text(reply.text)},
          ${PgTypes.text(reply.reply_to)}, ${at}, ${at}
        FROM site WHERE website_config_id = ${site} AND deleted_at IS NULL
        ON CONFLICT (website_config_id, page) DO UPDATE SET
          subject = excluded.subject, body = excluded.body, reply_to = excluded.reply_to, updated_at = excluded.updated_at
        RETURNING created_at`.pipe(decodeRows(Put))
    }).pipe(whileLocked(websiteConfigId))
    return put === undefined
      ? Option.none()
      : Option.some({ ...reply, created_at: put.created_at, updated_at: Calendar.iso(now) })
  })

  const listAutomatic: Replies["Service"]["listAutomatic"] = (websiteConfigId) =>
    sql`SELECT page, subject, body AS text, reply_to, created_at, updated_at FROM auto_reply
      WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} ORDER BY page`.pipe(Database.read(Listed))

  const deleteAutomatic: Replies["Service"]["deleteAutomatic"] = (websiteConfigId, page) =>
    Effect.gen(function* () {
      const deleted = yield* sql`DELETE FROM auto_reply
        WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} AND page = ${PgTypes.text(page)} RETURNING 1`
      if (deleted.length > 0) yield* refreshSubscribers(sql, websiteConfigId)
      return deleted.length > 0
    }).pipe(whileLocked(websiteConfigId))

  return { putAutomatic, listAutomatic, deleteAutomatic }
}

const { OID } = PgTypes

const Wanted = Schema.Array(
  Schema.Struct({
    submissionId: Schema.String,
    websiteConfigId: WebsiteConfigId,
    email: Schema.String,
    formData: Schema.String,
    subject: Schema.String,
    text: Schema.String,
    replyTo: Schema.String
  })
)

/** The submissions whose form has a reply, and that got none. Locks them against deletion until the commit. */
const wantedStatement = `SELECT submission_id AS "submissionId", submission.website_config_id AS "websiteConfigId", email,
    left(form_data::text, ${Inbox.maxPreviewSource}) AS "formData", subject, body AS text, reply_to AS "replyTo"
  FROM submission JOIN auto_reply
    ON auto_reply.website_config_id = submission.website_config_id AND auto_reply.page = submission.page_slug
  WHERE submission_id = ANY ($1) AND submission.status = 'accepted' AND email IS NOT NULL AND NOT EXISTS (
    SELECT FROM reply WHERE reply.submission_id = submission.submission_id AND reply.subject IS NOT NULL
  )
  ORDER BY submission_id FOR KEY SHARE OF submission`

const Known = Schema.Array(Schema.Struct({ digest: Schema.Uint8Array, sentAt: Schema.Array(Schema.Date) }))

/** Locks what is known about the addresses in the order of their digests, so that two processes cannot deadlock. */
const knownStatement = `INSERT INTO auto_reply_recipient AS known (recipient_hmac, used_at)
  SELECT digest, $2 FROM unnest($1) AS given (digest) ORDER BY digest
  ON CONFLICT (recipient_hmac) DO UPDATE SET used_at = greatest(known.used_at, excluded.used_at)
  RETURNING recipient_hmac AS digest, sent_at AS "sentAt"`

/** Adds the times of new replies, and deletes those that no limit counts any more. */
const recordStatement = `UPDATE auto_reply_recipient AS known SET sent_at =
    ARRAY(SELECT at FROM unnest(known.sent_at) AS sent (at) WHERE at > $4) || array_fill($3::timestamptz, ARRAY[count])
  FROM unnest($1, $2) AS given (digest, count) WHERE recipient_hmac = digest`

/** An arbitrary key. */
const advisoryLock = 721_593

/** Makes the fan-outs count the replies of a website one after another, until the commit. */
const lockStatement = `SELECT pg_advisory_xact_lock(${advisoryLock}, place) FROM (
    SELECT DISTINCT hashtext(id::text) AS place FROM unnest($1::uuid[]) AS given (id) ORDER BY 1
  ) AS sorted`

const Made = Schema.Array(Schema.Struct({ websiteConfigId: Schema.String, createdAt: Schema.Date }))

/**
 * The replies to submissions from a time on that websites sent, will send, or tried to send. Those beyond a limit had no attempt, and
 * are not in the index. Exported for tests.
 */
export const madeStatement = `SELECT website_config_id AS "websiteConfigId", created_at AS "createdAt" FROM reply
  WHERE website_config_id = ANY ($1) AND subject IS NOT NULL AND (status <> 'failed' OR attempts > 0) AND created_at > $2`

/** A reply with an error has failed. */
const insertStatement = `INSERT INTO reply
    (reply_id, website_config_id, submission_id, reply_to, recipient, subject, body, created_at, status, error,
      next_attempt_at)
  SELECT reply_id, website_config_id, submission_id, reply_to, recipient, subject, body, created_at::timestamptz,
    CASE WHEN error IS NULL THEN 'pending' ELSE 'failed' END, error, CASE WHEN error IS NULL THEN now() END
  FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9)
    AS given (reply_id, website_config_id, submission_id, reply_to, recipient, subject, body, created_at, error)
  ON CONFLICT DO NOTHING`

/** Makes the replies of these events. Needs a transaction. */
export const fanOut = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  secretsKey: Uint8Array,
  events: ReadonlyArray<OutboxEvent>
) {
  const accepted = events.flatMap(({ createdAt, subject, type }) =>
    (type === "submission.accepted" || type === "submission.released") && isCanonicalUuid(subject ?? "")
      ? [[subject ?? "", createdAt] as const]
      : []
  )
  if (accepted.length === 0) return
  const wanted = yield* sql
    .unsafe(wantedStatement, [Database.uuids(accepted.map(([id]) => id))])
    .pipe(decodeRows(Wanted))
  const times = new Map(accepted)
  const now = yield* Clock.currentTimeMillis
  const addressed = wanted.flatMap((reply) => {
    const to = AutoReply.recipientOf(reply.email)
    if (to === null) return []
    const digest = AutoReply.digestOf(secretsKey, to)
    const createdAt = times.get(reply.submissionId) ?? now
    return [{ ...reply, to, digest, recipient: Buffer.from(digest).toString("hex"), createdAt }]
  })
  if (addressed.length === 0) return
  const sites = Database.uuids([...new Set(addressed.map(({ websiteConfigId }) => websiteConfigId))])
  yield* sql.unsafe(lockStatement, [sites])
  const made = yield* sql
    .unsafe(madeStatement, [
      sites,
      PgTypes.timestamptz(Math.min(...addressed.map(({ createdAt }) => createdAt)) - Calendar.hourMillis)
    ])
    .pipe(decodeRows(Made))
  const digests = new Map(addressed.map(({ digest, recipient }) => [recipient, digest]))
  const known = yield* sql
    .unsafe(knownStatement, [Database.byteas([...digests.values()]), PgTypes.timestamptz(now)])
    .pipe(decodeRows(Known))
  const decisions = AutoReply.decide(
    addressed,
    {
      toAddresses: new Map(
        known.map(({ digest, sentAt }) => [Buffer.from(digest).toString("hex"), sentAt.map((time) => time.getTime())])
      ),
      ofWebsites: new Map(
        [...Map.groupBy(made, ({ websiteConfigId }) => websiteConfigId)].map(([id, all]) => [
          id,
          all.map(({ createdAt }) => createdAt.getTime())
        ])
      )
    },
    now
  )
  const replies = addressed.map((reply, index) => ({
    ...reply,
    name: AutoReply.nameIn(reply.formData),
    refusal: decisions[index] ?? null
  }))
  const sent = Map.groupBy(
    replies.filter(({ refusal }) => refusal === null),
    ({ recipient }) => recipient
  )
  yield* sql.unsafe(recordStatement, [
    Database.byteas([...sent.keys()].map((recipient) => digests.get(recipient))),
    Database.int4s([...sent.values()].map(({ length }) => length)),
    PgTypes.timestamptz(now),
    PgTypes.timestamptz(now - Calendar.dayMillis)
  ])
  const column = (oid: number, of: (reply: (typeof replies)[number]) => unknown) => Database.array(replies.map(of), oid)
  yield* sql.unsafe(insertStatement, [
    column(OID.uuid, () => randomUUID()),
    column(OID.uuid, ({ websiteConfigId }) => websiteConfigId),
    column(OID.uuid, ({ submissionId }) => submissionId),
    column(OID.text, ({ replyTo }) => replyTo),
    column(OID.text, ({ to }) => to),
    column(OID.text, ({ name, subject }) => AutoReply.fill(subject, name)),
    column(OID.text, ({ name, text }) => AutoReply.fill(text, name)),
    column(OID.text, ({ createdAt }) => new Date(createdAt).toISOString()),
    column(OID.text, ({ refusal }) => (refusal === null ? null : AutoReply.refusals[refusal]))
  ])
})
