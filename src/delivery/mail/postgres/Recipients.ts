/**
 * What is known about the recipients of a website's mails. A transaction that changes the notifications of a recipient locks the
 * website first, then the notifications, then the rows of this module's table.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlError } from "effect/sql"
import { WebsiteConfigId } from "../../../platform/Id.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { dayMillis, hourMillis } from "../../../platform/text/Calendar.ts"
import type { Facts } from "../MailRecipient.ts"

/** A recipient of a website's mails, by `MailRecipient.digestOf`. */
export interface Key {
  readonly websiteConfigId: WebsiteConfigId
  readonly digest: Uint8Array
}

const keyParameters = ({ digest, websiteConfigId }: Key) => [PgTypes.uuid(websiteConfigId), PgTypes.bytea(digest)]

const keysParameters = (keys: ReadonlyArray<Key>) => [
  Database.uuids(keys.map(({ websiteConfigId }) => websiteConfigId)),
  Database.byteas(keys.map(({ digest }) => digest))
]

const Known = Schema.Array(
  Schema.Struct({
    websiteConfigId: WebsiteConfigId,
    isThis: Schema.Boolean,
    addedAt: Schema.NullOr(Schema.Date),
    resentAt: Schema.Array(Schema.Date),
    invitedAt: Schema.Array(Schema.Date),
    isUnsubscribed: Schema.Boolean
  })
)

const millis = (time: Date): number => time.getTime()

const confirmationsAt = ({ addedAt, resentAt }: (typeof Known)["Type"][number]): ReadonlyArray<number> =>
  [...(addedAt === null ? [] : [addedAt]), ...resentAt].map(millis)

const knownStatement = `SELECT website_config_id AS "websiteConfigId", recipient_hmac = given.digest AS "isThis",
    added_at AS "addedAt", resent_at AS "resentAt", invited_at AS "invitedAt", unsubscribed_at IS NOT NULL AS "isUnsubscribed"
  FROM unnest($1, $2) AS given (website_config_id, digest) JOIN mail_recipient USING (website_config_id)
  WHERE recipient_hmac = given.digest OR added_at > $3 OR (resent_at <> '{}' OR invited_at <> '{}') AND used_at > $3`

/** Reads the `Facts` of `MailRecipient` for an address and each of some websites, in their order. */
export const factsOfAll = (sql: PgClient.PgClient, keys: ReadonlyArray<Key>, now: number) =>
  sql.unsafe(knownStatement, [...keysParameters(keys), PgTypes.timestamptz(now - dayMillis)]).pipe(
    decodeRows(Known),
    Effect.map((all) => {
      const bySite = Map.groupBy(all, ({ websiteConfigId }) => websiteConfigId)
      return keys.map(({ websiteConfigId }): Facts => {
        const rows = bySite.get(websiteConfigId) ?? []
        const [own, others] = [rows.filter(({ isThis }) => isThis), rows.filter(({ isThis }) => !isThis)]
        return {
          isUnsubscribed: own.some(({ isUnsubscribed }) => isUnsubscribed),
          mailsAt: own.flatMap(confirmationsAt),
          invitedAt: own.flatMap(({ invitedAt }) => invitedAt.map(millis)),
          othersMailsAt: others.flatMap((row) => [...confirmationsAt(row), ...row.invitedAt.map(millis)])
        }
      })
    })
  )

/** `factsOfAll` for one website. */
export const facts = (sql: PgClient.PgClient, key: Key, now: number) =>
  Effect.map(factsOfAll(sql, [key], now), ([found]) => found!)

const setTime = (
  sql: PgClient.PgClient,
  keys: ReadonlyArray<Key>,
  column: "added_at" | "unsubscribed_at",
  now: number
): Effect.Effect<unknown, SqlError.SqlError> =>
  sql.unsafe(
    `INSERT INTO mail_recipient (website_config_id, recipient_hmac, used_at, ${column})
      SELECT website_config_id, digest, $3, $3 FROM unnest($1, $2) AS given (website_config_id, digest)
      ON CONFLICT (website_config_id, recipient_hmac) DO UPDATE SET used_at = excluded.used_at, ${column} = excluded.${column}`,
    [...keysParameters(keys), PgTypes.timestamptz(now)]
  )

/** Adds the time of `count` mails to a column of times, and deletes the times in it that no limit counts any more. */
const addTimes = (
  sql: PgClient.PgClient,
  keys: ReadonlyArray<Key>,
  column: "mailed_at" | "resent_at" | "invited_at",
  { count, keptMillis, now }: { readonly count: number; readonly now: number; readonly keptMillis: number }
): Effect.Effect<unknown, SqlError.SqlError> =>
  sql.unsafe(
    `INSERT INTO mail_recipient AS known (website_config_id, recipient_hmac, used_at, ${column})
      SELECT website_config_id, digest, $3, array_fill($3::timestamptz, ARRAY[$4::integer])
      FROM unnest($1, $2) AS given (website_config_id, digest)
      ON CONFLICT (website_config_id, recipient_hmac) DO UPDATE SET used_at = excluded.used_at,
        ${column} = ARRAY(SELECT at FROM unnest(known.${column}) AS mails (at) WHERE at > $5) || excluded.${column}`,
    [...keysParameters(keys), PgTypes.timestamptz(now), PgTypes.int4(count), PgTypes.timestamptz(now - keptMillis)]
  )

/** Records that the owner API added a new recipient. */
export const recordAdded = (sql: PgClient.PgClient, key: Key, now: number) => setTime(sql, [key], "added_at", now)

/** Records that a recipient got its confirmation mail again, and deletes such records that are more than a day old. */
export const recordResent = (
  sql: PgClient.PgClient,
  key: Key,
  now: number
): Effect.Effect<unknown, SqlError.SqlError> =>
  addTimes(sql, [key], "resent_at", { count: 1, now, keptMillis: dayMillis })

/** Records that a recipient was invited to the console of websites, and deletes such records that are more than a day old. */
export const recordInvited = (
  sql: PgClient.PgClient,
  keys: ReadonlyArray<Key>,
  now: number
): Effect.Effect<unknown, SqlError.SqlError> =>
  addTimes(sql, keys, "invited_at", { count: 1, now, keptMillis: dayMillis })

/** Records that a recipient unsubscribed from mails of websites. */
export const recordUnsubscribed = (sql: PgClient.PgClient, keys: ReadonlyArray<Key>, now: number) =>
  setTime(sql, keys, "unsubscribed_at", now)

/** Deletes the record that a recipient unsubscribed, so that the owner API can add it. */
export const deleteUnsubscribed = (sql: PgClient.PgClient, key: Key): Effect.Effect<unknown, SqlError.SqlError> =>
  sql.unsafe(
    "UPDATE mail_recipient SET unsubscribed_at = NULL WHERE website_config_id = $1 AND recipient_hmac = $2",
    keyParameters(key)
  )

/** An SQL expression: the times of a recipient's latest mails about submissions. `$1` and `$2` are the recipient's key. */
export const mailedAt =
  "coalesce((SELECT mailed_at FROM mail_recipient WHERE website_config_id = $1 AND recipient_hmac = $2), '{}')"

/** Records that mails about submissions were made, and deletes such records that are more than an hour old. */
export const recordMailed = (
  sql: PgClient.PgClient,
  key: Key,
  count: number,
  now: number
): Effect.Effect<unknown, SqlError.SqlError> =>
  addTimes(sql, [key], "mailed_at", { count, now, keptMillis: hourMillis })

/** Deletes what is known about recipients. */
export const erase = (sql: PgClient.PgClient, keys: ReadonlyArray<Key>): Effect.Effect<unknown, SqlError.SqlError> =>
  sql.unsafe(
    `DELETE FROM mail_recipient USING unnest($1, $2) AS given (website_config_id, recipient_hmac)
      WHERE mail_recipient.website_config_id = given.website_config_id AND mail_recipient.recipient_hmac = given.recipient_hmac`,
    keysParameters(keys)
  )
