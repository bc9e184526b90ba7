/**
 * Stores people and their roles in PostgreSQL, and has the SQL of people that sessions need: who a session's person is, and what opening
 * an invitation does. A person's sessions read the roles with the session, so a change takes effect within a second.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Layer, Option, Schema } from "effect"
import type { SqlError, Statement } from "effect/sql"
import { PersonId, SessionId, WebsiteConfigId } from "../../../platform/Id.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeColumn, Time } from "../../../platform/runtime/Rows.ts"
import { LimitReached } from "../../../platform/Storage.ts"
import * as Maximums from "../../Maximums.ts"
import * as Access from "../Access.ts"
import * as Person from "../Person.ts"
import * as CredentialSql from "./CredentialSql.ts"

/** Columns about the person whose id is the SQL expression `id`. */
export const personColumns = (id: string): string => `${id} AS "personId",
  (SELECT person.email FROM person WHERE person.person_id = ${id}) AS "personEmail",
  (SELECT person.name FROM person WHERE person.person_id = ${id}) AS "personName",
  ARRAY(SELECT person_role.role || ' ' || coalesce(person_role.website_config_id::text, '')
    FROM person_role WHERE person_role.person_id = ${id}) AS "personRoles"`

export const personFields = {
  personId: Schema.NullOr(PersonId),
  personEmail: Schema.NullOr(Schema.String),
  personName: Schema.NullOr(Schema.String),
  personRoles: Schema.Array(Schema.String)
}

/** Reads the column `personRoles`. */
export const parseRoles = (texts: ReadonlyArray<string>): ReadonlyArray<Person.SiteRole> =>
  texts.flatMap((text): ReadonlyArray<Person.SiteRole> => {
    const [name, id = ""] = text.split(" ")
    const role = Access.roles.find((one) => one === name)
    return role === undefined ? [] : [{ role, site: Option.getOrNull(WebsiteConfigId.makeOption(id)) }]
  })

/** The place of the role in an SQL expression in the order of the roles. */
const rank = (role: string): string => `array_position('{${Access.roles.join(",")}}'::text[], ${role})`

/** The addresses, in lower case, of the people with a role for the website `site.id`, and of those who are invited to it at `$3`. */
const addresses = `SELECT lower(email) AS email FROM person_role JOIN person USING (person_id) WHERE website_config_id = site.id
  UNION SELECT lower(email) FROM console_session_site JOIN console_session USING (session_id)
  WHERE website_config_id = site.id AND email IS NOT NULL AND opened_at IS NULL AND link_expires_at > $3`

/**
 * Fails if one of these websites has as many people as it may have, and the person with this address is none of them. The websites
 * must be locked.
 */
export const requireRoom = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  sites: ReadonlyArray<WebsiteConfigId>,
  email: string,
  now: number
) {
  const full = yield* sql.unsafe(
    `SELECT 1 FROM unnest($1) AS site (id) CROSS JOIN LATERAL (
        SELECT count(*) AS people, coalesce(bool_or(email = lower($2)), false) AS is_known FROM (${addresses}) AS known
      ) AS counted WHERE people >= ${Maximums.people.max} AND NOT is_known LIMIT 1`,
    [Database.array(sites, PgTypes.OID.uuid), PgTypes.text(email), PgTypes.timestamptz(now)]
  )
  if (full.length > 0) return yield* new LimitReached({ maximum: Maximums.people })
})

/** An SQL condition: the person whose id is the SQL expression `id` has a role for the website of the row. */
const reachesSite = (id: string): string => `EXISTS (SELECT FROM person_role AS own WHERE own.person_id = ${id}
  AND (own.website_config_id IS NULL OR own.website_config_id = notification.website_config_id))`

/**
 * Records that a mailed link has reached the address of a person, who needs no confirmation any more as a recipient of the mails of
 * the person's websites.
 */
export const confirm = Effect.fnUntraced(function* (sql: PgClient.PgClient, personId: PersonId, now: number) {
  const person = PgTypes.uuid(personId)
  yield* sql`UPDATE person SET confirmed_at = ${PgTypes.timestamptz(now)}
    WHERE person_id = ${person} AND confirmed_at IS NULL`
  yield* sql`UPDATE notification SET is_confirmed = true FROM person
    WHERE person_id = ${person} AND NOT is_confirmed AND lower(recipient) = lower(email)
      AND ${sql.literal(reachesSite("person.person_id"))}`
})

/** Whether a mailed link has reached an address, in any letter case, of a person with a role for a website. */
export const isConfirmed = (sql: PgClient.PgClient, websiteConfigId: WebsiteConfigId, email: string) =>
  Effect.map(
    sql`SELECT 1 FROM person JOIN person_role USING (person_id) WHERE lower(email) = lower(${PgTypes.text(email)})
      AND confirmed_at IS NOT NULL
      AND (website_config_id IS NULL OR website_config_id = ${PgTypes.uuid(websiteConfigId)}) LIMIT 1`,
    ({ length }) => length > 0
  )

/**
 * Makes a session, which has a role of its own, the session of the person with an address: a new one, whose name is the session's
 * label, or an existing one, who gets the role where it is higher than the person's: a viewer can mail such a link to an owner.
 * If a session that may invite nobody mailed the link, the link was for its own person: the session ends with its other links, so
 * that it makes one person only. Needs a transaction. Returns the person's id.
 */
export const accept = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  sessionId: SessionId,
  email: string,
  now: number
) {
  const session = PgTypes.uuid(sessionId)
  const [found] = yield* sql`INSERT INTO person (person_id, email, name, created_at)
    SELECT ${PgTypes.uuid(randomUUID())}, ${PgTypes.text(email)}, label, ${PgTypes.timestamptz(now)}
    FROM console_session WHERE session_id = ${session}
    ON CONFLICT (lower(email)) DO UPDATE SET email = person.email RETURNING person_id`.pipe(decodeColumn(PersonId))
  if (found === undefined) return null
  const person = PgTypes.uuid(found)
  yield* sql`INSERT INTO person_role (person_id, website_config_id, role, granted_by)
    SELECT ${person}, reached.website_config_id, role, created_by
    FROM console_session LEFT JOIN console_session_site AS reached USING (session_id)
    WHERE session_id = ${session} AND (all_sites OR reached.website_config_id IS NOT NULL)
    ON CONFLICT (person_id, website_config_id) DO UPDATE SET role = excluded.role, granted_by = excluded.granted_by
    WHERE ${sql.literal(rank("excluded.role"))} > ${sql.literal(rank("person_role.role"))}`
  yield* sql`DELETE FROM console_session_site WHERE session_id = ${session}`
  yield* sql`UPDATE console_session SET person_id = ${person}, role = NULL, all_sites = false, label = NULL, email = NULL
    WHERE session_id = ${session}`
  const asked = yield* sql`SELECT issuer.session_id FROM console_session AS issuer
    JOIN console_session AS opened ON opened.created_by = issuer.session_id
    WHERE opened.session_id = ${session} AND issuer.person_id IS NULL AND issuer.role <> 'owner'`.pipe(
    decodeColumn(SessionId)
  )
  for (const session_id of asked) yield* CredentialSql.revoke(sql, session_id, now)
  return found
})

const Rows = Schema.Array(
  Schema.Struct({
    ...Person.Identity.fields,
    confirmed: Schema.Boolean,
    roles: personFields.personRoles,
    created_at: Time,
    last_used_at: Schema.NullOr(Time)
  })
)

const toPerson = ({ roles, ...row }: (typeof Rows.Type)[number]): Person.ListedPerson => ({
  ...row,
  roles: Person.grouped(parseRoles(roles))
})

export const layer: Layer.Layer<Person.People, never, PgClient.PgClient> = Layer.effect(
  Person.People,
  Effect.gen(function* () {
    const sql = yield* PgClient.PgClient

    const idsOf = (sites: Access.Access["sites"]) => Database.array(sites === "all" ? [] : sites, PgTypes.OID.uuid)

    /** The condition of the roles that a caller with these websites manages. */
    const managed = (sites: Access.Access["sites"]): Statement.Fragment =>
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
          if (isChanged) yield* CredentialSql.settlePeople(sql, [personId], yield* Clock.currentTimeMillis)
          return isChanged
        })
      ).pipe(Database.mapErrors)

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
          Database.read(Rows),
          Effect.map((rows) => rows.map(toPerson))
        )
      },
      byEmail: (email) =>
        select(sql.literal("true"), sql`lower(email) = lower(${PgTypes.text(email)})`).pipe(
          Database.read(Rows),
          Effect.map(([row]) => Option.map(Option.fromUndefinedOr(row), toPerson))
        ),
      claim: Effect.fnUntraced(function* (sessionId, { email, name }) {
        const now = yield* Clock.currentTimeMillis
        return yield* Effect.gen(function* () {
          const session = PgTypes.uuid(sessionId)
          const sites = yield* sql`SELECT website_config_id FROM site WHERE website_config_id IN (
              SELECT website_config_id FROM console_session_site WHERE session_id = ${session}
            ) ORDER BY website_config_id FOR NO KEY UPDATE`.pipe(decodeColumn(WebsiteConfigId))
          yield* requireRoom(sql, sites, email, now)
          const open = yield* sql`UPDATE console_session SET label = ${PgTypes.text(name)}
            WHERE session_id = ${session} AND person_id IS NULL AND opened_at IS NOT NULL
              AND NOT EXISTS (SELECT FROM person WHERE lower(email) = lower(${PgTypes.text(email)}))
            RETURNING 1`
          if (open.length === 0) return false
          // Not `accept` alone: if another session claims the same address at once, it must not become that person.
          const created = yield* sql`INSERT INTO person (person_id, email, name, created_at)
            VALUES (${PgTypes.uuid(randomUUID())}, ${PgTypes.text(email)}, ${PgTypes.text(name)}, ${PgTypes.timestamptz(now)})
            ON CONFLICT (lower(email)) DO NOTHING RETURNING 1`
          if (created.length === 0) return false
          yield* accept(sql, sessionId, email, now)
          return true
        }).pipe(sql.withTransaction, Database.mapErrors)
      }),
      rename: (personId, name) =>
        sql`UPDATE person SET name = ${PgTypes.text(name)} WHERE person_id = ${PgTypes.uuid(personId)}`.pipe(
          Database.mapErrors,
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
