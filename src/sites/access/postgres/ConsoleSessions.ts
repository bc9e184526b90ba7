/**
 * Stores the console's links and sessions in PostgreSQL, with the digests of their secrets only. A lookup is cached for less
 * than a second, so that a revocation takes effect within a second. The end of a session is checked on every call.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { SqlClient, type Statement } from "effect/sql"
import { SessionId, WebsiteConfigId } from "../../../platform/Id.ts"
import { array, mapErrors } from "../../../platform/postgres/Database.ts"
import { decodeRows, Time } from "../../../platform/runtime/Rows.ts"
import * as Calendar from "../../../platform/text/Calendar.ts"
import * as Maximums from "../../Maximums.ts"
import * as SiteLock from "../../postgres/SiteLock.ts"
import * as Session from "../ConsoleSession.ts"
import * as Credential from "../Credential.ts"
import type { CredentialQuery } from "../CredentialFields.ts"
import * as CredentialSql from "./CredentialSql.ts"
import * as Issuers from "./Issuers.ts"
import * as SecretLookup from "./SecretLookup.ts"

const { ends_at: _, sites: __, ...fields } = Session.ConsoleSession.fields

const Rows = Schema.Array(
  Schema.Struct({
    ...fields,
    cookieDigest: Schema.NullOr(Schema.Uint8Array),
    all_sites: Schema.Boolean,
    sites: Schema.Array(WebsiteConfigId),
    created_at: Time,
    link_expires_at: Time,
    opened_at: Schema.NullOr(Time),
    last_used_at: Schema.NullOr(Time)
  })
)

const toSession = ({
  all_sites,
  cookieDigest: _,
  last_used_at,
  link_expires_at,
  opened_at,
  sites,
  ...rest
}: (typeof Rows.Type)[number]): Session.ConsoleSession => ({
  ...rest,
  sites: all_sites ? "all" : sites,
  ...(opened_at === null || last_used_at === null
    ? { opened_at: null, last_used_at: null, ends_at: link_expires_at }
    : Session.timesOfUse(Date.parse(opened_at), Date.parse(last_used_at)))
})

const columns = `cookie_sha256 AS "cookieDigest", session_id, role, all_sites, label, created_by,
  ARRAY(SELECT website_config_id::text FROM console_session_site AS reached
    WHERE reached.session_id = console_session.session_id ORDER BY 1) AS sites,
  created_at, link_expires_at, opened_at, last_used_at`

const Created = Schema.Array(Schema.Struct({ session_id: Schema.String }))

/**
 * Ends the sessions and links whose time is over at `now`. Then deletes the ended ones that no key, session or link names as its
 * issuer.
 */
export const deleteEnded = Effect.fnUntraced(function* (now: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(
    `UPDATE console_session SET ${Issuers.end.set} WHERE ${Issuers.end.isNotSet} AND ${Issuers.hasEnded("$1::timestamptz")}`,
    [new Date(now)]
  )
  yield* sql.unsafe(
    `DELETE FROM console_session WHERE NOT ${Issuers.end.isNotSet} AND ${Issuers.issuedNothing("console_session.session_id")}`
  )
})

export const layer: Layer.Layer<Session.ConsoleSessions, never, PgClient.PgClient> = Layer.effect(
  Session.ConsoleSessions,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient
    const whileLocked = yield* SiteLock.make

    const byDigest = yield* SecretLookup.make({
      find: (digest) =>
        sql`SELECT ${sql.literal(columns)} FROM console_session
            WHERE cookie_sha256 = ${digest}`.pipe(decodeRows(Rows))
    })

    const touch = (sessionId: SessionId, now: number) =>
      sql`UPDATE console_session SET last_used_at = ${PgTypes.timestamptz(now)}
          WHERE session_id = ${PgTypes.uuid(sessionId)}
            AND last_used_at <= ${PgTypes.timestamptz(now - Session.limits.touch)}`.pipe(
        mapErrors,
        // On a standby, for example, no use can be stored. The session remains valid as long as its last stored use allows.
        Effect.catchTag("StorageUnavailable", (error) =>
          Effect.annotateLogs(
            Effect.logDebug("The use of a console session could not be stored"),
            "reason",
            error.reason
          )
        )
      )

    const find = Effect.fnUntraced(function* (cookie: string) {
      if (!Session.cookieSyntax.isWellFormed(cookie)) return Option.none()
      const digest = Credential.digest(cookie)
      const row = Option.getOrUndefined(yield* byDigest(digest))
      if (row === undefined || row.cookieDigest === null || !Credential.sameDigest(row.cookieDigest, digest)) {
        return Option.none()
      }
      const session = toSession(row)
      const now = yield* Clock.currentTimeMillis
      return Session.isOpen(session) && Session.isValidAt(session, now) ? Option.some(session) : Option.none()
    })

    /** `ConsoleSession.isValidAt` in SQL, before the condition `where`. */
    const validAt = (now: number, where: Statement.Fragment) =>
      sql`SELECT ${sql.literal(columns)} FROM console_session
          CROSS JOIN (SELECT ${PgTypes.timestamptz(now)}::timestamptz AS now) AS clock
          WHERE ${sql.literal(Issuers.end.isNotSet)} AND NOT ${sql.literal(Issuers.hasEnded("clock.now"))}
            AND ${sql.literal(Issuers.reachesAny)} AND ${where}`

    const list = ({ limit, ...query }: CredentialQuery) =>
      Effect.flatMap(Clock.currentTimeMillis, (now) =>
        CredentialSql.byIndex(
          sql,
          validAt(
            now,
            sql`${CredentialSql.condition(sql, { table: "console_session", id: "session_id" }, query)}
                  ORDER BY created_at, session_id LIMIT ${PgTypes.int8(BigInt(limit))}`
          )
        )
      ).pipe(
        mapErrors,
        decodeRows(Rows),
        Effect.map((rows) => rows.map(toSession))
      )

    return Session.ConsoleSessions.of({
      createLink: Effect.fnUntraced(function* (request) {
        const { callerSites = "all", createdBy = null, label, linkExpiresAt, role, sites } = request
        const ids = sites === "all" ? [] : [...new Set(sites)].sort()
        if (sites !== "all" && ids.length === 0) return Option.none()
        const link = Session.linkSyntax.format(randomBytes(32))
        const sessionId = SessionId.make(randomUUID())
        const createdAt = yield* Clock.currentTimeMillis
        const rows = yield* sql`
            WITH reached AS (
              SELECT website_config_id FROM site
              WHERE website_config_id = ANY (${array(ids, PgTypes.OID.uuid)}) AND deleted_at IS NULL FOR KEY SHARE
            ), created AS (
              INSERT INTO console_session
                (session_id, link_sha256, role, all_sites, label, created_at, link_expires_at, created_by)
              SELECT ${PgTypes.uuid(sessionId)}, ${PgTypes.bytea(Credential.digest(link))}, ${PgTypes.text(role)},
                ${sites === "all"}, ${PgTypes.text(label)}, ${PgTypes.timestamptz(createdAt)},
                ${PgTypes.timestamptz(linkExpiresAt)}, ${PgTypes.uuid(createdBy)}
              WHERE (SELECT count(*) FROM reached) = ${PgTypes.int8(BigInt(ids.length))}
                AND ${Issuers.exists(sql, createdBy)}
              RETURNING session_id
            ), linked AS (
              INSERT INTO console_session_site (session_id, website_config_id)
              SELECT session_id, website_config_id FROM created, reached
            )
            SELECT session_id FROM created`.pipe(
          decodeRows(Created),
          CredentialSql.withinMaximums(whileLocked, callerSites)([{ maximum: Maximums.sessions, list }])
        )
        if (rows.length === 0) return Option.none()
        return Option.some({
          link,
          session: {
            session_id: sessionId,
            role,
            sites: sites === "all" ? sites : ids,
            label,
            created_at: Calendar.iso(createdAt),
            opened_at: null,
            last_used_at: null,
            ends_at: Calendar.iso(linkExpiresAt),
            created_by: createdBy
          }
        })
      }),
      open: Effect.fnUntraced(function* (link) {
        if (!Session.linkSyntax.isWellFormed(link)) return Option.none()
        const cookie = Session.cookieSyntax.format(randomBytes(32))
        const digest = PgTypes.bytea(Credential.digest(cookie))
        const openedAt = yield* Clock.currentTimeMillis
        const now = PgTypes.timestamptz(openedAt)
        const rows = yield* sql`
            UPDATE console_session SET cookie_sha256 = ${digest}, opened_at = ${now}, last_used_at = ${now}
            WHERE link_sha256 = ${PgTypes.bytea(Credential.digest(link))} AND link_expires_at > ${now}
              AND opened_at IS NULL
              AND (all_sites OR EXISTS (
                SELECT FROM console_session_site AS reached WHERE reached.session_id = console_session.session_id))
            RETURNING ${sql.literal(columns)}`.pipe(mapErrors, decodeRows(Rows))
        return Option.map(Option.fromUndefinedOr(rows[0]), (row) => ({
          cookie,
          session: { ...toSession(row), ...Session.timesOfUse(openedAt, openedAt) }
        }))
      }),
      findLink: Effect.fnUntraced(function* (link) {
        if (!Session.linkSyntax.isWellFormed(link)) return Option.none()
        const now = yield* Clock.currentTimeMillis
        const digest = PgTypes.bytea(Credential.digest(link))
        const rows = yield* validAt(now, sql`link_sha256 = ${digest} AND opened_at IS NULL`).pipe(
          mapErrors,
          decodeRows(Rows)
        )
        return Option.map(Option.fromUndefinedOr(rows[0]), toSession)
      }),
      authenticate: Effect.fnUntraced(function* (cookie) {
        const found = yield* find(cookie)
        const now = yield* Clock.currentTimeMillis
        if (Option.isNone(found) || !Session.mustTouch(found.value, now)) return found
        const session = found.value
        yield* touch(session.session_id, now)
        return Option.some(Session.usedAt(session, now))
      }),
      find,
      list,
      end: Effect.fnUntraced(function* (sessionId) {
        const rows = yield* sql`UPDATE console_session SET ${sql.literal(Issuers.end.set)}
            WHERE session_id = ${PgTypes.uuid(sessionId)} AND ${sql.literal(Issuers.end.isNotSet)} RETURNING 1`.pipe(
          mapErrors
        )
        return rows.length > 0
      }),
      revoke: Effect.fnUntraced(function* (sessionId, { callerSites, ...options } = {}) {
        const now = yield* Clock.currentTimeMillis
        return yield* CredentialSql.byIndex(
          sql,
          Effect.gen(function* () {
            if (callerSites !== undefined) {
              const managed = CredentialSql.condition(
                sql,
                { table: "console_session", id: "session_id" },
                { sites: callerSites, reaching: null, after: null }
              )
              // Also of a session that has ended: a second revocation ends what came from its links.
              const rows =
                yield* sql`SELECT 1 FROM console_session WHERE session_id = ${PgTypes.uuid(sessionId)} AND ${managed}`
              if (rows.length === 0) return Option.none()
            }
            return yield* Issuers.revoke(sql, sessionId, now, options)
          })
        ).pipe(mapErrors)
      })
    })
  })
)
