/**
 * Stores the console's links and sessions in PostgreSQL, with the digests of their secrets only. A lookup is cached for less
 * than a second, so that a revocation takes effect within a second. The end of a session is checked on every call.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import { SqlClient, type SqlError, type Statement } from "effect/sql"
import { SessionId, WebsiteConfigId } from "../../../platform/Id.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeRows, Time } from "../../../platform/runtime/Rows.ts"
import * as Maximums from "../../Maximums.ts"
import * as SiteLock from "../../postgres/SiteLock.ts"
import * as Access from "../Access.ts"
import * as Session from "../ConsoleSession.ts"
import type { CredentialQuery } from "../Credential.ts"
import * as Credential from "../Credential.ts"
import * as Person from "../Person.ts"
import * as CredentialSql from "./CredentialSql.ts"
import * as People from "./People.ts"

const { ends_at: _, person: __, roles: ___, ...fields } = Session.ConsoleSession.fields

const Rows = Schema.Array(
  Schema.Struct({
    ...fields,
    digest: Schema.NullOr(Schema.Uint8Array),
    role: Schema.NullOr(Schema.Literals(Access.roles)),
    all_sites: Schema.Boolean,
    sites: Schema.Array(WebsiteConfigId),
    ...People.personFields,
    created_at: Time,
    link_expires_at: Time,
    opened_at: Schema.NullOr(Time),
    last_used_at: Schema.NullOr(Time)
  })
)

const toSession = ({
  all_sites,
  digest: _,
  link_expires_at,
  personEmail,
  personId,
  personName,
  personRoles,
  role,
  sites,
  ...rest
}: (typeof Rows.Type)[number]): Session.ConsoleSession => ({
  ...rest,
  person: personId === null ? null : { person_id: personId, email: personEmail ?? "", name: personName },
  roles:
    personId !== null
      ? Person.grouped(People.parseRoles(personRoles))
      : role === null
        ? []
        : [{ role, sites: all_sites ? "all" : sites }],
  ends_at: link_expires_at
})

const columns = `cookie_sha256 AS digest, session_id, role, all_sites, label, email, device, created_by,
  ARRAY(SELECT website_config_id::text FROM console_session_site AS reached
    WHERE reached.session_id = console_session.session_id ORDER BY 1) AS sites,
  created_at, link_expires_at, opened_at, last_used_at, ${People.personColumns("console_session.person_id")}`

const Opened = Schema.Array(
  Schema.Struct({
    session_id: SessionId,
    email: Schema.NullOr(Schema.String),
    personId: People.personFields.personId,
    isMailed: Schema.Boolean
  })
)

/**
 * Ends the sessions and links whose time is over at `now`. Then deletes the ended ones that no key, session or link names as its
 * issuer.
 */
export const deleteEnded = Effect.fnUntraced(function* (now: number) {
  const sql = yield* SqlClient.SqlClient
  yield* sql.unsafe(
    `UPDATE console_session SET ${CredentialSql.sessionEnd.set} WHERE ${CredentialSql.sessionEnd.isNotSet} AND ${CredentialSql.sessionHasEnded("$1::timestamptz")}`,
    [new Date(now)]
  )
  yield* sql.unsafe(
    `DELETE FROM console_session WHERE NOT ${CredentialSql.sessionEnd.isNotSet} AND ${CredentialSql.issuedNothing("console_session.session_id")}`
  )
})

export interface Options {
  /** The milliseconds without use after which a session ends. */
  readonly idle: number
}

export const layer = ({ idle }: Options): Layer.Layer<Session.ConsoleSessions, never, PgClient.PgClient> =>
  Layer.effect(
    Session.ConsoleSessions,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const whileLocked = yield* SiteLock.make

      const lookUp = yield* CredentialSql.makeSecretLookup({
        isWellFormed: Session.cookieSyntax.isWellFormed,
        find: (digest) =>
          sql`SELECT ${sql.literal(columns)} FROM console_session
            WHERE cookie_sha256 = ${digest}`.pipe(decodeRows(Rows))
      })

      const touch = (sessionId: SessionId, now: number) =>
        sql`UPDATE console_session SET last_used_at = ${PgTypes.timestamptz(now)},
            link_expires_at = ${PgTypes.timestamptz(now + idle)}
          WHERE session_id = ${PgTypes.uuid(sessionId)}
            AND last_used_at <= ${PgTypes.timestamptz(now - Session.limits.touch)}
            AND ${sql.literal(CredentialSql.sessionEnd.isNotSet)}`.pipe(
          Database.mapErrors,
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
        const session = Option.map(yield* lookUp(cookie), toSession)
        const now = yield* Clock.currentTimeMillis
        return Option.filter(Option.filter(session, Session.isOpen), (open) => Session.isValidAt(open, now))
      })

      /** `ConsoleSession.isValidAt` in SQL, before the condition `where`. */
      const validAt = (now: number, where: Statement.Fragment) =>
        sql`SELECT ${sql.literal(columns)} FROM console_session
          CROSS JOIN (SELECT ${PgTypes.timestamptz(now)}::timestamptz AS now) AS clock
          WHERE ${sql.literal(CredentialSql.sessionEnd.isNotSet)} AND NOT ${sql.literal(CredentialSql.sessionHasEnded("clock.now"))}
            AND ${sql.literal(CredentialSql.reachesAny)} AND ${where}`

      const list = ({ limit, ...query }: CredentialQuery) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) =>
          CredentialSql.byIndex(
            sql,
            validAt(
              now,
              sql`person_id IS NULL AND ${CredentialSql.condition(sql, CredentialSql.consoleSessions, query)}
                  ORDER BY created_at, session_id LIMIT ${PgTypes.int8(BigInt(limit))}`
            )
          )
        ).pipe(
          Database.read(Rows),
          Effect.map((rows) => rows.map(toSession))
        )

      /** Stores an unopened link, unless `row` selects none, and returns it with its secret. */
      const newLink = (
        linkExpiresAt: number,
        insert: (link: {
          readonly sessionId: SessionId
          readonly digest: PgTypes.Parameter
          readonly createdAt: PgTypes.Parameter
          readonly expiresAt: PgTypes.Parameter
        }) => Effect.Effect<unknown, SqlError.SqlError>
      ) =>
        Effect.gen(function* () {
          const link = Session.linkSyntax.format(randomBytes(32))
          const sessionId = SessionId.make(randomUUID())
          yield* insert({
            sessionId,
            digest: PgTypes.bytea(Credential.digest(link)),
            createdAt: PgTypes.timestamptz(yield* Clock.currentTimeMillis),
            expiresAt: PgTypes.timestamptz(linkExpiresAt)
          })
          const rows = yield* sql`SELECT ${sql.literal(columns)} FROM console_session
          WHERE session_id = ${PgTypes.uuid(sessionId)}`.pipe(decodeRows(Rows))
          return Option.map(Option.fromUndefinedOr(rows[0]), (row) => ({ link, session: toSession(row) }))
        }).pipe(sql.withTransaction)

      return Session.ConsoleSessions.of({
        createLink: Effect.fnUntraced(function* (request) {
          const { callerSites = "all", createdBy = null, email = null, label, linkExpiresAt, role, sites } = request
          const ids = sites === "all" ? [] : [...new Set(sites)].sort()
          if (sites !== "all" && ids.length === 0) return Option.none()
          const creation = newLink(linkExpiresAt, ({ createdAt, digest, expiresAt, sessionId }) =>
            CredentialSql.insert(sql, CredentialSql.consoleSessions, {
              sites,
              issuer: createdBy,
              values: {
                session_id: PgTypes.uuid(sessionId),
                link_sha256: digest,
                role: PgTypes.text(role),
                label: PgTypes.text(label),
                email: PgTypes.text(email),
                created_at: createdAt,
                link_expires_at: expiresAt,
                created_by: PgTypes.uuid(createdBy)
              }
            })
          )
          const within =
            email === null || ids.length === 0
              ? creation
              : Effect.andThen(
                  Effect.flatMap(Clock.currentTimeMillis, (now) => People.requireRoom(sql, ids, email, now)),
                  creation
                )
          // A caller for all websites has no maximum, but each website has one of its own.
          return yield* callerSites === "all" && within !== creation
            ? whileLocked(...ids)(within)
            : CredentialSql.withinMaximums(whileLocked, callerSites)([{ maximum: Maximums.sessions, list }])(within)
        }),
        createLogin: (email, linkExpiresAt, { isMailed }) =>
          newLink(
            linkExpiresAt,
            ({ createdAt, digest, expiresAt, sessionId }) => sql`
            INSERT INTO console_session (session_id, link_sha256, all_sites, person_id, created_at, link_expires_at, is_mailed)
            SELECT ${PgTypes.uuid(sessionId)}, ${digest}, false, person_id, ${createdAt}, ${expiresAt},
              ${sql.literal(String(isMailed))}
            FROM person WHERE lower(email) = lower(${PgTypes.text(email)}) FOR KEY SHARE`
          ).pipe(Database.mapErrors),
        renewLink: Effect.fnUntraced(function* (sessionId, linkExpiresAt, { callerSites = "all" }) {
          const link = Session.linkSyntax.format(randomBytes(32))
          const now = PgTypes.timestamptz(yield* Clock.currentTimeMillis)
          const managed = CredentialSql.condition(sql, CredentialSql.consoleSessions, {
            sites: callerSites,
            reaching: null,
            after: null
          })
          const rows = yield* CredentialSql.byIndex(
            sql,
            sql`UPDATE console_session SET link_sha256 = ${PgTypes.bytea(Credential.digest(link))},
                link_expires_at = ${PgTypes.timestamptz(linkExpiresAt)}
              WHERE session_id = ${PgTypes.uuid(sessionId)} AND opened_at IS NULL AND email IS NOT NULL
                AND link_expires_at > ${now} AND ${managed}
              RETURNING ${sql.literal(columns)}`
          ).pipe(Database.read(Rows))
          return Option.map(Option.fromUndefinedOr(rows[0]), (row) => ({ link, session: toSession(row) }))
        }),
        open: Effect.fnUntraced(function* (link, device = null) {
          if (!Session.linkSyntax.isWellFormed(link)) return Option.none()
          const cookie = Session.cookieSyntax.format(randomBytes(32))
          const digest = PgTypes.bytea(Credential.digest(cookie))
          const openedAt = yield* Clock.currentTimeMillis
          const now = PgTypes.timestamptz(openedAt)
          return yield* Effect.gen(function* () {
            const opened = yield* sql`
            UPDATE console_session SET cookie_sha256 = ${digest}, opened_at = ${now}, last_used_at = ${now},
              link_expires_at = ${PgTypes.timestamptz(openedAt + idle)}, device = ${PgTypes.text(device)}
            WHERE link_sha256 = ${PgTypes.bytea(Credential.digest(link))} AND link_expires_at > ${now}
              AND opened_at IS NULL AND ${sql.literal(CredentialSql.reachesAny)}
            RETURNING session_id, email, person_id AS "personId", is_mailed AS "isMailed"`.pipe(decodeRows(Opened))
            const [row] = opened
            if (row === undefined) return Option.none()
            // A link with an address was mailed to it.
            const confirmed =
              row.email !== null
                ? yield* People.accept(sql, row.session_id, row.email, openedAt)
                : row.isMailed
                  ? row.personId
                  : null
            if (confirmed !== null) yield* People.confirm(sql, confirmed, openedAt)
            const [session] = yield* sql`SELECT ${sql.literal(columns)} FROM console_session
            WHERE session_id = ${PgTypes.uuid(row.session_id)}`.pipe(decodeRows(Rows))
            return Option.filter(
              Option.map(Option.fromUndefinedOr(session), (found) => ({ cookie, session: toSession(found) })),
              (found): found is { cookie: string; session: Session.OpenSession } => Session.isOpen(found.session)
            )
          }).pipe(sql.withTransaction, Database.mapErrors)
        }),
        findLink: Effect.fnUntraced(function* (link) {
          if (!Session.linkSyntax.isWellFormed(link)) return Option.none()
          const now = yield* Clock.currentTimeMillis
          const digest = PgTypes.bytea(Credential.digest(link))
          const rows = yield* validAt(now, sql`link_sha256 = ${digest} AND opened_at IS NULL`).pipe(Database.read(Rows))
          return Option.map(Option.fromUndefinedOr(rows[0]), toSession)
        }),
        authenticate: Effect.fnUntraced(function* (cookie) {
          const found = yield* find(cookie)
          const now = yield* Clock.currentTimeMillis
          if (Option.isNone(found) || !Session.mustTouch(found.value, now)) return found
          const session = found.value
          yield* touch(session.session_id, now)
          return Option.some(Session.usedAt(session, now, idle))
        }),
        find,
        list,
        ofPerson: (personId) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) =>
            validAt(
              now,
              sql`person_id = ${PgTypes.uuid(personId)} AND opened_at IS NOT NULL
            ORDER BY last_used_at DESC, session_id`
            )
          ).pipe(
            Database.read(Rows),
            Effect.map((rows) => rows.map(toSession).filter(Session.isOpen))
          ),
        end: Effect.fnUntraced(function* (sessionId) {
          const rows = yield* sql`UPDATE console_session SET ${sql.literal(CredentialSql.sessionEnd.set)}
            WHERE session_id = ${PgTypes.uuid(sessionId)} AND ${sql.literal(CredentialSql.sessionEnd.isNotSet)} RETURNING 1`.pipe(
            Database.mapErrors
          )
          return rows.length > 0
        }),
        revoke: (sessionId, options = {}) =>
          // Also of a session that has ended: a second revocation ends what came from its links.
          CredentialSql.revokeManaged(sql, CredentialSql.consoleSessions, sessionId, options, Option.none())
      })
    })
  )
