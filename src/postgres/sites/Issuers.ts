/**
 * Checks that the console session or key that issues a key or link is not revoked, and revokes what it has issued.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Schema } from "effect"
import type { SqlError, Statement } from "effect/sql"
import { decodeRows } from "../../runtime/Rows.ts"

/** An SQL condition: the issuing session or key is not revoked; true for null. Its revocation waits for the commit. */
export const exists = (sql: PgClient.PgClient, id: string | null): Statement.Fragment =>
  id === null
    ? sql.literal("true")
    : sql`(EXISTS (SELECT FROM console_session WHERE session_id = ${PgTypes.uuid(id)} FOR KEY SHARE)
        OR EXISTS (SELECT FROM owner_key WHERE key_id = ${PgTypes.uuid(id)} AND revoked_at IS NULL FOR SHARE))`

/** `OwnerKey.issuersFrom($1)` in SQL. */
const issuers = `WITH RECURSIVE issuer AS (
    SELECT $1::uuid AS id UNION SELECT key_id FROM owner_key JOIN issuer ON issued_by = issuer.id
  )`

const Revoked = Schema.Array(Schema.Struct({ wasValid: Schema.Boolean }))

/**
 * Revokes the keys that a session or a key issued directly or indirectly; returns how many were valid. Revoke the session or
 * the key before, in the same transaction: otherwise it may issue more keys meanwhile.
 */
export const revokeKeys = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  id: string,
  now: number
): Effect.fn.Return<number, SqlError.SqlError> {
  let count = 0
  while (true) {
    const rows = yield* sql
      .unsafe(
        `${issuers} UPDATE owner_key SET revoked_at = $2
            WHERE revoked_at IS NULL AND key_id <> $1 AND key_id IN (SELECT id FROM issuer)
            RETURNING coalesce(expires_at > $2, true) AS "wasValid"`,
        [PgTypes.uuid(id), PgTypes.timestamptz(now)]
      )
      .pipe(decodeRows(Revoked))
    // The statement may have waited for a transaction in which one of the keys issued another: look again.
    if (rows.length === 0) return count
    count += rows.filter(({ wasValid }) => wasValid).length
  }
})

/** Deletes the unopened links created by a session or a key, or by keys that it issued (indirectly too); returns their number. */
export const revokeLinks = (sql: PgClient.PgClient, id: string): Effect.Effect<number, SqlError.SqlError> =>
  Effect.map(
    sql.unsafe(
      `${issuers} DELETE FROM console_session WHERE opened_at IS NULL AND created_by IN (SELECT id FROM issuer) RETURNING 1`,
      [PgTypes.uuid(id)]
    ),
    ({ length }) => length
  )
