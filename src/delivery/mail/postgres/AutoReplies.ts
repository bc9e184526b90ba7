/**
 * Stores the automatic replies of forms in PostgreSQL. Keeps `site.has_subscribers` true while the website has one, because
 * they are made from the events of submissions.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeRows, Time } from "../../../platform/runtime/Rows.ts"
import { LimitReached } from "../../../platform/Storage.ts"
import * as Calendar from "../../../platform/text/Calendar.ts"
import * as Maximums from "../../../sites/Maximums.ts"
import * as SiteLock from "../../../sites/postgres/SiteLock.ts"
import { refreshSubscribers } from "../../postgres/Webhooks.ts"
import { AutoReplies } from "../AutoReplies.ts"
import { AutoReply } from "../AutoReply.ts"

const Listed = Schema.Array(Schema.Struct({ ...AutoReply.fields, created_at: Time, updated_at: Time }))

const Put = Schema.Tuple([Schema.Struct({ known: Schema.Boolean, createdAt: Schema.NullOr(Schema.Date) })])

const putStatement = `WITH website AS (
    SELECT website_config_id FROM site WHERE website_config_id = $1 AND deleted_at IS NULL
  ), put AS (
    INSERT INTO auto_reply (website_config_id, page, subject, body, reply_to, created_at, updated_at)
    SELECT website_config_id, $2, $3, $4, $5, $6, $6 FROM website
    WHERE (SELECT count(*) FROM auto_reply WHERE website_config_id = $1 AND page <> $2) < ${Maximums.autoReplies.max}
    ON CONFLICT (website_config_id, page) DO UPDATE SET
      subject = excluded.subject, body = excluded.body, reply_to = excluded.reply_to, updated_at = excluded.updated_at
    RETURNING created_at
  ), subscribed AS (
    UPDATE site SET has_subscribers = true WHERE website_config_id = $1 AND EXISTS (SELECT FROM put)
  )
  SELECT EXISTS (SELECT FROM website) AS known, (SELECT created_at FROM put) AS "createdAt"`

export const layer: Layer.Layer<AutoReplies, never, PgClient.PgClient> = Layer.effect(
  AutoReplies,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const whileLocked = yield* SiteLock.make
    return AutoReplies.of({
      put: Effect.fnUntraced(function* (websiteConfigId, reply) {
        const now = yield* Clock.currentTimeMillis
        const [{ createdAt, known }] = yield* sql
          .unsafe(putStatement, [
            PgTypes.uuid(websiteConfigId),
            ...[reply.page, reply.subject, reply.text, reply.reply_to].map(PgTypes.text),
            PgTypes.timestamptz(now)
          ])
          .pipe(whileLocked(websiteConfigId), decodeRows(Put))
        if (!known) return Option.none()
        if (createdAt === null) return yield* new LimitReached({ maximum: Maximums.autoReplies })
        return Option.some({ ...reply, created_at: Calendar.iso(createdAt.getTime()), updated_at: Calendar.iso(now) })
      }),
      list: (websiteConfigId) =>
        sql`SELECT page, subject, body AS text, reply_to, created_at, updated_at FROM auto_reply
          WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} ORDER BY page`.pipe(
          Database.mapErrors,
          decodeRows(Listed)
        ),
      delete: (websiteConfigId, page) =>
        Effect.gen(function* () {
          const deleted = yield* sql`DELETE FROM auto_reply
            WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} AND page = ${PgTypes.text(page)} RETURNING 1`
          if (deleted.length > 0) yield* refreshSubscribers(sql, websiteConfigId)
          return deleted.length > 0
        }).pipe(whileLocked(websiteConfigId))
    })
  })
)
