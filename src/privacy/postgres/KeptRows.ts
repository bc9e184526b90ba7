/**
 * The tables whose rows are kept for a time, and the deletion of rows in chunks: few enough to hold locks only briefly. What is kept as
 * long as the operator's settings say is in `Retention`.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { confirmationMillis } from "../../delivery/mail/MailRecipient.ts"
import { markKeptMillis } from "../../forms/Inbox.ts"
import { restorableMillis } from "../../forms/Submission.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { dayMillis } from "../../platform/text/Calendar.ts"
import * as Credential from "../../sites/access/Credential.ts"
import * as CredentialSql from "../../sites/access/postgres/CredentialSql.ts"

interface Kept {
  /** What is deleted, for the log. */
  readonly what: string
  /** An SQL condition: whether a row is no longer kept. `$1` is `millis` before now. */
  readonly ended: string
  readonly millis: number
}

/** Whether the recipient of a notification got a confirmation mail since `$1`, for this notification or for another one. */
const isAskedSince = `EXISTS (
    SELECT FROM notification AS other JOIN mail ON mail.notification_id = other.notification_id
    WHERE other.website_config_id = notification.website_config_id AND lower(other.recipient) = lower(notification.recipient)
      AND mail.kind = 'confirmation' AND mail.created_at >= $1)`

/** In the order in which they are deleted. */
export const kept = {
  page_view_batch: { what: "old batch ids", ended: "stored_at < $1", millis: dayMillis },
  refusal: {
    what: "old counts of refused requests",
    ended: "day < ($1 AT TIME ZONE 'UTC')::date",
    millis: 30 * dayMillis
  },
  agent_failure: { what: "old failures of agents", ended: "last_at < $1", millis: 30 * dayMillis },
  idempotency_key: { what: "old idempotency keys", ended: "used_at < $1", millis: dayMillis },
  token_reservation: { what: "old token reservations", ended: "reserved_at < $1", millis: 2 * dayMillis },
  failed_item: {
    what: "old records of what failed in the background",
    ended: "failed_at < $1",
    millis: 30 * dayMillis
  },
  /** Those who unsubscribed stay. The mails of the others are too old to count against any limit. */
  mail_recipient: {
    what: "old records of recipients",
    ended: "unsubscribed_at IS NULL AND used_at < $1",
    millis: dayMillis
  },
  auto_reply_recipient: { what: "old records of automatic replies", ended: "used_at < $1", millis: dayMillis },
  /** Does not update `site.has_subscribers`, so the events of a website that has no subscriber left may still be stored. */
  notification: {
    what: "unconfirmed notifications",
    ended: `NOT is_confirmed AND created_at < $1 AND NOT ${isAskedSince}`,
    millis: confirmationMillis
  },
  spam_mark: { what: "old marks of spam", ended: "created_at < $1", millis: markKeptMillis },
  deleted_submission: {
    what: "submissions that can no longer be restored",
    ended: "deleted_at < $1",
    millis: restorableMillis
  },
  /** A key stays while a key, session or link that it issued exists: a revocation of its own issuer finds those only through it. */
  owner_key: {
    what: "ended owner keys",
    ended: `least(revoked_at, expires_at) <= $1 AND ${CredentialSql.issuedNothing("owner_key.key_id")}`,
    millis: Credential.keptMillis
  },
  widget_token: {
    what: "ended widget tokens",
    ended: "least(revoked_at, expires_at) <= $1",
    millis: Credential.keptMillis
  },
  share: { what: "expired shares", ended: "expires_at <= $1", millis: 0 }
} as const satisfies Record<string, Kept>

/** Rows of a table. */
export interface Rows {
  readonly table: string
  /** An SQL condition with the parameters `$1`, `$2`, …. */
  readonly condition: string
  /** The parameters, in milliseconds since 1970. */
  readonly times: ReadonlyArray<number>
  /** A query of the `ctid`s of some of the rows, where an index needs another query than the condition alone. */
  readonly places?: string
  /** An SQL expression: a text about a deleted row; null for none, as by default. */
  readonly about?: string
  /** What the transaction that deletes a chunk does with the texts. */
  readonly erase?: (sql: SqlClient.SqlClient, abouts: ReadonlyArray<string>) => Effect.Effect<void, SqlError.SqlError>
  /** The maximum number of rows deleted per statement. */
  readonly chunk?: number
}

const Deleted = Schema.Tuple([Schema.Struct({ deleted: Schema.Finite, abouts: Schema.Array(Schema.String) })])

/**
 * Deletes rows, and returns how many, and how many of them there are texts about. Checks the condition of each row again: a manually
 * partitioned table can have several rows with the same ctid.
 */
export const deleteRows = Effect.fnUntraced(function* ({
  about = "NULL::text",
  chunk = 5_000,
  condition,
  erase,
  places,
  table,
  times
}: Rows) {
  const sql = yield* SqlClient.SqlClient
  const sum = { deleted: 0, abouts: 0 }
  while (true) {
    const [{ abouts, deleted }] = yield* sql
      .unsafe(
        `WITH gone AS (
          DELETE FROM ${table} WHERE ctid = ANY (ARRAY(
            ${places ?? `SELECT ctid FROM ${table} WHERE ${condition}`} LIMIT ${chunk}
          )) AND ${condition} RETURNING ${about} AS about
        )
        SELECT count(*)::float8 AS deleted, coalesce(array_agg(about) FILTER (WHERE about IS NOT NULL), '{}') AS abouts FROM gone`,
        times.map((time) => PgTypes.timestamptz(time))
      )
      .pipe(
        decodeRows(Deleted),
        Effect.tap(([{ abouts }]) => (erase === undefined || abouts.length === 0 ? Effect.void : erase(sql, abouts))),
        sql.withTransaction
      )
    sum.deleted += deleted
    sum.abouts += abouts.length
    if (deleted < chunk) return sum
  }
})

/** Deletes the rows of a table that are no longer kept at `now`, in milliseconds since 1970. */
export const expire = (table: keyof typeof kept, now: number) =>
  deleteRows({ table, condition: kept[table].ended, times: [now - kept[table].millis] })
