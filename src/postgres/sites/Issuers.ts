/**
 * Console sessions and owner keys can issue keys and links. Checks that such an issuer is not revoked, and revokes an issuer with
 * what it has issued.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Option, Schema } from "effect"
import type { SqlError, Statement } from "effect/sql"
import * as Session from "../../core/sites/ConsoleSession.ts"
import * as Core from "../../core/sites/Issuers.ts"
import { decodeRows } from "../../runtime/Rows.ts"

/** An SQL condition: the issuing session or key is not revoked; true for null. Its revocation waits for the commit. */
export const exists = (sql: PgClient.PgClient, id: string | null): Statement.Fragment =>
  id === null
    ? sql.literal("true")
    : sql`(EXISTS (SELECT FROM console_session
          WHERE session_id = ${PgTypes.uuid(id)} AND opened_at IS NOT NULL FOR SHARE)
        OR EXISTS (SELECT FROM owner_key WHERE key_id = ${PgTypes.uuid(id)} AND revoked_at IS NULL FOR SHARE))`

/**
 * Ends a session, or voids its link: a `SET` list, and the condition that these values are not set yet. The row stays until
 * maintenance finds that nothing names it as its issuer, so that a revocation of an earlier issuer finds what was created in the
 * session.
 */
export const end = {
  set: "cookie_sha256 = NULL, opened_at = NULL, last_used_at = NULL, label = NULL, link_expires_at = to_timestamp(0)",
  isNotSet: "link_expires_at > to_timestamp(0)"
} as const

/** An SQL condition: a session has ended, or its link has expired, at the time of the SQL expression `now`. */
export const hasEnded = (now: string): string => `CASE WHEN opened_at IS NULL
    THEN link_expires_at <= ${now}
    ELSE opened_at <= ${now} - interval '${Session.limits.absolute} milliseconds'
      OR last_used_at <= ${now} - interval '${Session.limits.idle} milliseconds' END`

/** An SQL condition: no key, session or link names this id as its issuer. */
export const issuedNothing = (id: string): string =>
  `NOT EXISTS (SELECT FROM owner_key AS issued WHERE issued.issued_by = ${id})
    AND NOT EXISTS (SELECT FROM console_session AS created WHERE created.created_by = ${id})`

/** `Issuers.issuanceTree($1)` in SQL. Without `withOpened`, leaves out sessions and what they issued. */
const issuers = (withOpened: boolean): string => `WITH RECURSIVE issued AS (
    SELECT key_id AS id, issued_by AS issuer FROM owner_key
    ${withOpened ? "UNION ALL SELECT session_id, created_by FROM console_session" : ""}
  ), issuer AS (
    SELECT $1::uuid AS id UNION SELECT issued.id FROM issued JOIN issuer ON issued.issuer = issuer.id
  )`

const Counts = Schema.Array(Schema.Struct({ keys: Schema.Finite, sessions: Schema.Finite }))

/**
 * Revokes a session or a key, with what it issued. None if nothing was revoked and nothing remains. Needs a transaction, whose
 * locks keep the revoked ones from issuing more.
 */
export const revoke = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  id: string,
  now: number,
  { withOpened = false }: Core.RevokeOptions = {}
): Effect.fn.Return<Option.Option<Core.Remaining>, SqlError.SqlError> {
  const parameters = [PgTypes.uuid(id), PgTypes.timestamptz(now)]
  const from = issuers(withOpened)
  const revokeKeys = sql.unsafe(
    `${from} UPDATE owner_key SET revoked_at = $2 WHERE revoked_at IS NULL AND key_id IN (SELECT id FROM issuer) RETURNING 1`,
    parameters
  )
  const endSessions = sql.unsafe(
    `${from} UPDATE console_session SET ${end.set}
      WHERE ${end.isNotSet} AND (session_id IN (SELECT id FROM issuer)
        OR opened_at IS NULL AND created_by IN (SELECT id FROM issuer)) RETURNING 1`,
    [PgTypes.uuid(id)]
  )
  let count = 0
  while (true) {
    const [keys, sessions] = yield* Effect.all([revokeKeys, endSessions])
    // Repeats until nothing is found: a key or a session may have issued another one while a statement waited for it.
    if (keys.length + sessions.length === 0) break
    count += keys.length + sessions.length
  }
  const [remaining = Core.nothingRemains] = yield* sql
    .unsafe(
      `${issuers(true)} SELECT
        (SELECT count(*) FROM owner_key WHERE key_id IN (SELECT id FROM issuer)
          AND revoked_at IS NULL AND coalesce(expires_at > $2, true))::float8 AS keys,
        (SELECT count(*) FROM console_session WHERE session_id IN (SELECT id FROM issuer) AND NOT ${hasEnded("$2")}
          AND (all_sites OR EXISTS (SELECT FROM console_session_site AS reached
            WHERE reached.session_id = console_session.session_id)))::float8 AS sessions`,
      parameters
    )
    .pipe(decodeRows(Counts))
  return count + remaining.keys + remaining.sessions > 0 ? Option.some(remaining) : Option.none()
})
