/**
 * Stores people and their roles in PostgreSQL. A person's sessions read the roles with the session, so a change takes effect within
 * a second.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import type { SqlError, Statement } from "effect/sql"
import { type PersonId, SessionId, WebsiteConfigId } from "../../../platform/Id.ts"
import { array, mapErrors } from "../../../platform/postgres/Database.ts"
import { decodeRows, Time } from "../../../platform/runtime/Rows.ts"
import type { Access } from "../Access.ts"
import * as Person from "../Person.ts"
import * as CredentialSql from "./CredentialSql.ts"
import * as Issuers from "./Issuers.ts"
import * as PeopleSql from "./PeopleSql.ts"

const Rows = Schema.Array(
  Schema.Struct({
    ...Person.Identity.fields,
    confirmed: Schema.Boolean,
    roles: PeopleSql.fields.personRoles,
    created_at: Time,
    last_used_at: Schema.NullOr(Time)
  })
)

const toPerson = ({ roles, ...row }: (typeof Rows.Type)[number]): Person.ListedPerson => ({
  ...row,
  roles: Person.grouped(PeopleSql.parseRoles(roles))
})

const Sites = Schema.Array(Schema.Struct({ website_config_id: WebsiteConfigId }))

const Sessions = Schema.Array(Schema.Struct({ session_id: SessionId }))

export const layer: Layer.Layer<Person.People, never, PgClient.PgClient> = Layer.effect(
  Person.People,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient

    const idsOf = (sites: Access["sites"]) => array(sites === "all" ? [] : sites, PgTypes.OID.uuid)

    /** The condition of the roles that a caller with these websites manages. */
    const managed = (sites: Access["sites"]): Statement.Fragment =>
      sites === "all" ? sql.literal("true") : sql`website_config_id = ANY (${idsOf(sites)})`

    /** The people with roles of which `shown` is true, before the conditions `where`. */
    const select = (shown: Statement.Fragment, where: Statement.Fragment) =>
      sql`SELECT person_id, email, name, confirmed_at IS NOT NULL AS confirmed, created_at,
            ARRAY(SELECT role || ' ' || coalesce(website_config_id::text, '') FROM person_role AS own
              WHERE own.person_id = person.person_id AND ${shown}) AS roles,
            (SELECT max(last_used_at) FROM console_session WHERE console_session.person_id = person.person_id) AS last_used_at
          FROM person WHERE ${where}`

    /** Runs a change of a person's roles, which returns whether there were any, and revokes what no role permits any more. */
    const change = (personId: PersonId, roles: Effect.Effect<boolean, SqlError.SqlError>) =>
      CredentialSql.byIndex(
        sql,
        Effect.gen(function* () {
          const isChanged = yield* roles
          if (isChanged) yield* Issuers.settlePeople(sql, [personId], yield* Clock.currentTimeMillis)
          return isChanged
        })
      ).pipe(mapErrors)

    return Person.People.of({
      list: ({ after, limit, reaching, sites }) => {
        const reached =
          reaching === null
            ? managed(sites)
            : sql`${managed(sites)} AND (website_config_id IS NULL OR website_config_id = ${PgTypes.uuid(reaching)})`
        const next =
          after === null
            ? sql.literal("true")
            : sql`(created_at, person_id) > (${PgTypes.timestamptz(after.time)}, ${PgTypes.uuid(after.id)})`
        return CredentialSql.byIndex(
          sql,
          select(
            managed(sites),
            sql`person_id = ANY (ARRAY(SELECT person_id FROM person_role WHERE ${reached})) AND ${next}
              ORDER BY created_at, person_id LIMIT ${PgTypes.int8(BigInt(limit))}`
          )
        ).pipe(
          mapErrors,
          decodeRows(Rows),
          Effect.map((rows) => rows.map(toPerson))
        )
      },
      byEmail: (email) =>
        select(sql.literal("true"), sql`lower(email) = lower(${PgTypes.text(email)})`).pipe(
          mapErrors,
          decodeRows(Rows),
          Effect.map(([row]) => Option.map(Option.fromUndefinedOr(row), toPerson))
        ),
      claim: Effect.fnUntraced(function* (sessionId, { email, name }) {
        const now = yield* Clock.currentTimeMillis
        return yield* Effect.gen(function* () {
          const session = PgTypes.uuid(sessionId)
          const sites = yield* sql`SELECT website_config_id FROM site WHERE website_config_id IN (
              SELECT website_config_id FROM console_session_site WHERE session_id = ${session}
            ) ORDER BY website_config_id FOR NO KEY UPDATE`.pipe(decodeRows(Sites))
          yield* PeopleSql.requireRoom(
            sql,
            sites.map(({ website_config_id }) => website_config_id),
            email,
            now
          )
          const open = yield* sql`UPDATE console_session SET label = ${PgTypes.text(name)}
            WHERE session_id = ${session} AND person_id IS NULL AND opened_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM person WHERE lower(email) = lower(${PgTypes.text(email)}))
            RETURNING session_id`.pipe(decodeRows(Sessions))
          if (open.length === 0) return false
          // Not `accept` alone: if another session claims the same address at once, it must not become that person.
          const created = yield* sql`INSERT INTO person (person_id, email, name, created_at)
            VALUES (${PgTypes.uuid(randomUUID())}, ${PgTypes.text(email)}, ${PgTypes.text(name)}, ${PgTypes.timestamptz(now)})
            ON CONFLICT (lower(email)) DO NOTHING RETURNING 1`
          if (created.length === 0) return false
          yield* PeopleSql.accept(sql, sessionId, email, now)
          return true
        }).pipe(sql.withTransaction, mapErrors)
      }),
      rename: (personId, name) =>
        sql`UPDATE person SET name = ${PgTypes.text(name)} WHERE person_id = ${PgTypes.uuid(personId)}`.pipe(
          mapErrors,
          Effect.asVoid
        ),
      setRole: (personId, { role, sites }, { callerSites }) => {
        const ids = sites === "all" ? sites : [...new Set(sites)]
        const count = ids === "all" ? 1 : ids.length
        const named = ids === "all" ? sql`website_config_id IS NULL` : sql`website_config_id = ANY (${idsOf(ids)})`
        const where = sql`person_id = ${PgTypes.uuid(personId)} AND ${named} AND ${managed(callerSites)}`
        return change(
          personId,
          Effect.gen(function* () {
            const found = yield* sql`SELECT 1 FROM person_role WHERE ${where} FOR UPDATE`
            if (found.length < count) return false
            yield* sql`UPDATE person_role SET role = ${PgTypes.text(role)} WHERE ${where}`
            return true
          })
        )
      },
      remove: (personId, site, { callerSites }) =>
        change(
          personId,
          Effect.map(
            sql`DELETE FROM person_role WHERE person_id = ${PgTypes.uuid(personId)} AND ${managed(callerSites)}
              AND ${site === null ? sql.literal("true") : sql`website_config_id = ${PgTypes.uuid(site)}`} RETURNING 1`,
            (rows) => rows.length > 0
          )
        )
    })
  })
)
