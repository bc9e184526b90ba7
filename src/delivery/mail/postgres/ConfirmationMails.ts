/**
 * Stores the mails that ask an address for its confirmation.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect } from "effect"
import * as Database from "../../../platform/postgres/Database.ts"
import type { StoredNotification } from "../Notification.ts"

/**
 * Makes a confirmation mail for the recipient of a notification. Cancels the recipient's earlier ones that are not sent yet, so
 * that only one is sent after the mail server was down. Needs a transaction.
 */
export const make = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  {
    mailId,
    notification: { notification_id, website_config_id },
    now,
    previous
  }: {
    readonly mailId: string
    readonly notification: Pick<StoredNotification, "notification_id" | "website_config_id">
    /** The recipient's notifications that were stored before, with `notification` if it was one of them. */
    readonly previous: ReadonlyArray<Pick<StoredNotification, "notification_id">>
    readonly now: number
  }
) {
  const ids = Database.array(
    previous.map((one) => one.notification_id),
    PgTypes.OID.uuid
  )
  yield* sql`UPDATE mail SET status = 'cancelled', next_attempt_at = NULL
    WHERE notification_id = ANY (${ids}) AND kind = 'confirmation' AND status = 'pending'`
  yield* sql`INSERT INTO mail (mail_id, notification_id, website_config_id, kind, created_at, next_attempt_at)
    VALUES (${PgTypes.uuid(mailId)}, ${PgTypes.uuid(notification_id)}, ${PgTypes.uuid(website_config_id)},
      'confirmation', ${PgTypes.timestamptz(now)}, now())`
})
