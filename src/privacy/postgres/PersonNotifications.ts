/**
 * Finds the notifications whose mails go to a person, and deletes them with their mails. A single statement searches all of
 * them: they are few, because visitors cannot add any.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema, Stream } from "effect"
import * as NotificationRows from "../../delivery/mail/postgres/NotificationRows.ts"
import { refreshSubscribers } from "../../delivery/postgres/Webhooks.ts"
import * as Database from "../../platform/postgres/Database.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import * as Person from "../Person.ts"
import * as Store from "./Store.ts"

const Rows = Schema.Array(Schema.Struct(NotificationRows.fields))

/** `$2` is a website, or null for all. */
const statement = `SELECT ${NotificationRows.columns} FROM notification
  WHERE ${Store.mayContain("recipient", "$1")} AND ($2::uuid IS NULL OR website_config_id = $2)
  ORDER BY created_at, notification_id`

export const make = (sql: PgClient.PgClient): Store.Store => ({
  search: (query) =>
    Stream.fromEffect(
      sql.unsafe(statement, [Store.needle(query), PgTypes.uuid(query.websiteConfigId)]).pipe(
        Database.mapErrors,
        decodeRows(Rows),
        Effect.map((rows) =>
          rows
            .filter((notification) => Person.isRecipient(notification, query.address))
            .map(
              (notification): Store.FoundRecord => ({
                record: { kind: "notification", notification },
                subject: notification.notification_id
              })
            )
        )
      )
    ),
  erase: Effect.fnUntraced(function* (found) {
    const notifications = found.flatMap(({ record }) => (record.kind === "notification" ? [record.notification] : []))
    for (const [websiteConfigId, ofWebsite] of Map.groupBy(notifications, (one) => one.website_config_id)) {
      const ids = ofWebsite.map(({ notification_id }) => notification_id)
      // As in every change of a website's notifications, the website is locked first (see `Recipients`).
      yield* sql`SELECT 1 FROM site WHERE website_config_id = ${PgTypes.uuid(websiteConfigId)} FOR NO KEY UPDATE`.pipe(
        Effect.andThen(
          sql`DELETE FROM notification WHERE notification_id = ANY (${Database.array(ids, PgTypes.OID.uuid)})`
        ),
        Effect.andThen(refreshSubscribers(sql, websiteConfigId)),
        sql.withTransaction,
        Database.mapErrors
      )
    }
    return notifications.length
  })
})
