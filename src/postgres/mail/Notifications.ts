/**
 * Stores notifications in PostgreSQL. Keeps `site.has_subscribers` true while the website has a notification or a webhook.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, type Duration, Effect, Layer, Option, Schema } from "effect"
import { type LatestMail, mailStatuses } from "../../core/mail/Mail.ts"
import * as ReportPeriod from "../../core/mail/ReportPeriod.ts"
import { isCanonicalUuid } from "../../core/text/Uuid.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import { Notifications } from "../../services/mail/Notifications.ts"
import * as Database from "../Database.ts"
import { refreshSubscribers } from "../delivery/Webhooks.ts"
import * as Rows from "./NotificationRows.ts"

export interface Options {
  /** The timeout of each statement. */
  readonly timeout: Duration.Input
}

const Found = Schema.Array(Schema.Struct(Rows.fields))
const TimeZones = Schema.Array(Schema.Struct({ timeZone: Schema.String }))

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

export const layer = ({ timeout }: Options): Layer.Layer<Notifications, never, PgClient.PgClient> =>
  Layer.effect(
    Notifications,
    Effect.map(PgClient.PgClient, (sql) => {
      const transaction = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
        effect.pipe(sql.withTransaction, Database.recoverConnectionErrors(), Database.bounded(timeout))

      const add: Notifications["Service"]["add"] = Effect.fnUntraced(function* ({ recipient, topic, websiteConfigId }) {
        if (!isCanonicalUuid(websiteConfigId)) return Option.none()
        const now = yield* Clock.currentTimeMillis
        const site = PgTypes.uuid(websiteConfigId)
        const notificationId = randomUUID()
        const { digest, includeQuarantined, kind, period } = Rows.ofTopic(topic)
        const rows = yield* transaction(
          Effect.gen(function* () {
            const [zone] = yield* sql`UPDATE site SET has_subscribers = true
              WHERE website_config_id = ${site} AND deleted_at IS NULL RETURNING time_zone AS "timeZone"`.pipe(
              decodeRows(TimeZones)
            )
            if (zone === undefined) return []
            const dueAt = period === null ? null : ReportPeriod.nextDue(period, { now, timeZone: zone.timeZone })
            return yield* sql`INSERT INTO notification
                (notification_id, website_config_id, recipient, kind, digest, include_quarantined, period, created_at, due_at)
              VALUES (${PgTypes.uuid(notificationId)}, ${site}, ${PgTypes.text(recipient)}, ${PgTypes.text(kind)},
                ${PgTypes.text(digest)}, ${sql.literal(String(includeQuarantined))}, ${PgTypes.text(period)},
                ${PgTypes.timestamptz(now)}, ${PgTypes.timestamptz(dueAt)})
              ON CONFLICT (website_config_id, recipient, kind, coalesce(period, '')) DO UPDATE SET
                digest = excluded.digest, include_quarantined = excluded.include_quarantined,
                due_at = CASE WHEN notification.due_at IS NULL THEN NULL ELSE coalesce(excluded.due_at, excluded.created_at) END
              RETURNING ${sql.literal(Rows.columns)}`.pipe(decodeRows(Found))
          })
        )
        return Option.map(Option.fromUndefinedOr(rows[0]), Rows.toNotification)
      })

      const find: Notifications["Service"]["find"] = (notificationId) =>
        isCanonicalUuid(notificationId)
          ? sql`SELECT ${sql.literal(Rows.columns)} FROM notification
              WHERE notification_id = ${PgTypes.uuid(notificationId)}`.pipe(
              Database.bounded(timeout),
              decodeRows(Found),
              Effect.map(([row]) => Option.map(Option.fromUndefinedOr(row), Rows.toNotification))
            )
          : Effect.succeedNone

      // Checked first, outside the retry: a retried deletion would find nothing the second time.
      const remove: Notifications["Service"]["remove"] = Effect.fnUntraced(function* (notificationId) {
        const found = yield* find(notificationId)
        if (Option.isNone(found)) return false
        yield* transaction(
          Effect.andThen(
            sql`DELETE FROM notification WHERE notification_id = ${PgTypes.uuid(notificationId)}`,
            refreshSubscribers(sql, found.value.websiteConfigId)
          )
        )
        return true
      })

      return Notifications.of({
        add,
        ofSubmission: (websiteConfigId, submissionId) =>
          isCanonicalUuid(websiteConfigId) && isCanonicalUuid(submissionId)
            ? sql.unsafe(ofSubmissionStatement, [PgTypes.uuid(websiteConfigId), PgTypes.uuid(submissionId)]).pipe(
                Database.bounded(timeout),
                decodeRows(OfSubmission),
                Effect.map((rows) =>
                  rows.map((row) => ({
                    recipient: row.recipient,
                    createdAt: row.itemAt.getTime(),
                    mail: toLatest(row)
                  }))
                )
              )
            : Effect.succeed([]),
        isUsed: sql`SELECT 1 FROM notification LIMIT 1`.pipe(
          Database.bounded(timeout),
          Effect.map((rows) => rows.length > 0)
        ),
        find,
        remove,
        list: (websiteConfigId) =>
          isCanonicalUuid(websiteConfigId)
            ? sql.unsafe(listStatement, [PgTypes.uuid(websiteConfigId)]).pipe(
                Database.bounded(timeout),
                decodeRows(Listed),
                Effect.map((rows) => rows.map(toListed))
              )
            : Effect.succeed([])
      })
    })
  )
