/**
 * What is known about the recipients of a website's mails. A transaction that changes the notifications of a recipient locks the
 * website first, then the notifications, then the rows of this module's table.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { dayMillis, hourMillis } from "../../core/text/Calendar.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import * as Database from "../Database.ts"

/** A recipient of a website's mails, by `MailRecipient.digestOf`. */
export interface Key {
  readonly websiteConfigId: string
  readonly digest: Uint8Array
}

const keyParameters = ({ digest, websiteConfigId }: Key) => [PgTypes.uuid(websiteConfigId), PgTypes.bytea(digest)]

const Added = Schema.Array(
  Schema.Struct({ isThis: Schema.Boolean, addedAt: Schema.NullOr(Schema.Date), isUnsubscribed: Schema.Boolean })
)

const addedStatement = `SELECT recipient_hmac = $2 AS "isThis", added_at AS "addedAt",
    unsubscribed_at IS NOT NULL AS "isUnsubscribed"
  FROM mail_recipient WHERE website_config_id = $1 AND (recipient_hmac = $2 OR added_at > $3)`

/** The facts that `MailRecipient.decide` needs, except `isKnown`. */
export const facts = (sql: PgClient.PgClient, key: Key, now: number) =>
  sql.unsafe(addedStatement, [...keyParameters(key), PgTypes.timestamptz(now - dayMillis)]).pipe(
    decodeRows(Added),
    Effect.map((rows) => {
      const own = rows.find(({ isThis }) => isThis)
      return {
        isUnsubscribed: own?.isUnsubscribed ?? false,
        addedAt: own?.addedAt?.getTime() ?? null,
        othersAddedAt: rows.flatMap(({ addedAt, isThis }) => (isThis || addedAt === null ? [] : [addedAt.getTime()]))
      }
    })
  )

const put = (
  sql: PgClient.PgClient,
  key: Key,
  column: "added_at" | "unsubscribed_at",
  now: number
): Effect.Effect<unknown, SqlError.SqlError> =>
  sql.unsafe(
    `INSERT INTO mail_recipient (website_config_id, recipient_hmac, used_at, ${column}) VALUES ($1, $2, $3, $3)
      ON CONFLICT (website_config_id, recipient_hmac) DO UPDATE SET used_at = excluded.used_at, ${column} = excluded.${column}`,
    [...keyParameters(key), PgTypes.timestamptz(now)]
  )

/** Records that the owner API added a new recipient. */
export const added = (sql: PgClient.PgClient, key: Key, now: number) => put(sql, key, "added_at", now)

/** Records that a recipient unsubscribed. */
export const unsubscribed = (sql: PgClient.PgClient, key: Key, now: number) => put(sql, key, "unsubscribed_at", now)

/** Lets the owner API add a recipient that unsubscribed. */
export const resubscribed = (sql: PgClient.PgClient, key: Key): Effect.Effect<unknown, SqlError.SqlError> =>
  sql.unsafe(
    "UPDATE mail_recipient SET unsubscribed_at = NULL WHERE website_config_id = $1 AND recipient_hmac = $2",
    keyParameters(key)
  )

/** An SQL expression: the times of a recipient's latest mails about submissions. `$1` and `$2` are the recipient's key. */
export const mailedAt =
  "coalesce((SELECT mailed_at FROM mail_recipient WHERE website_config_id = $1 AND recipient_hmac = $2), '{}')"

/** Records that mails about submissions were made, and deletes the records of those that were made more than an hour ago. */
export const mailed = (
  sql: PgClient.PgClient,
  key: Key,
  count: number,
  now: number
): Effect.Effect<unknown, SqlError.SqlError> =>
  sql.unsafe(
    `INSERT INTO mail_recipient AS known (website_config_id, recipient_hmac, used_at, mailed_at)
      VALUES ($1, $2, $3, array_fill($3, ARRAY[$4]))
      ON CONFLICT (website_config_id, recipient_hmac) DO UPDATE SET used_at = excluded.used_at,
        mailed_at = ARRAY(SELECT at FROM unnest(known.mailed_at) AS mails (at) WHERE at > $5) || excluded.mailed_at`,
    [...keyParameters(key), PgTypes.timestamptz(now), PgTypes.int4(count), PgTypes.timestamptz(now - hourMillis)]
  )

/** Deletes what is known about recipients. */
export const erase = (sql: PgClient.PgClient, keys: ReadonlyArray<Key>): Effect.Effect<unknown, SqlError.SqlError> =>
  sql.unsafe(
    `DELETE FROM mail_recipient USING unnest($1, $2) AS given (website_config_id, recipient_hmac)
      WHERE mail_recipient.website_config_id = given.website_config_id AND mail_recipient.recipient_hmac = given.recipient_hmac`,
    [
      Database.array(
        keys.map(({ websiteConfigId }) => websiteConfigId),
        PgTypes.OID.uuid
      ),
      Database.array(
        keys.map(({ digest }) => digest),
        PgTypes.OID.bytea
      )
    ]
  )
