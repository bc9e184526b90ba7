/**
 * The SQL of people that sessions need: who a session's person is, and what opening an invitation does.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Option, Schema } from "effect"
import { PersonId, SessionId, WebsiteConfigId } from "../../../platform/Id.ts"
import { array } from "../../../platform/postgres/Database.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { LimitReached } from "../../../platform/Storage.ts"
import * as Maximums from "../../Maximums.ts"
import type { SiteRole } from "../Person.ts"
import * as Role from "../Role.ts"
import * as Issuers from "./Issuers.ts"

/** Columns about the person whose id is the SQL expression `id`. */
export const columns = (id: string): string => `${id} AS "personId",
  (SELECT person.email FROM person WHERE person.person_id = ${id}) AS "personEmail",
  (SELECT person.name FROM person WHERE person.person_id = ${id}) AS "personName",
  ARRAY(SELECT person_role.role || ' ' || coalesce(person_role.website_config_id::text, '')
    FROM person_role WHERE person_role.person_id = ${id}) AS "personRoles"`

export const fields = {
  personId: Schema.NullOr(PersonId),
  personEmail: Schema.NullOr(Schema.String),
  personName: Schema.NullOr(Schema.String),
  personRoles: Schema.Array(Schema.String)
}

/** Reads the column `personRoles`. */
export const parseRoles = (texts: ReadonlyArray<string>): ReadonlyArray<SiteRole> =>
  texts.flatMap((text): ReadonlyArray<SiteRole> => {
    const [name, id = ""] = text.split(" ")
    const role = Role.roles.find((one) => one === name)
    return role === undefined ? [] : [{ role, site: Option.getOrNull(WebsiteConfigId.makeOption(id)) }]
  })

const Ids = Schema.Array(Schema.Struct({ person_id: PersonId }))

const Sessions = Schema.Array(Schema.Struct({ session_id: SessionId }))

/** The place of the role in an SQL expression in the order of the roles. */
const rank = (role: string): string => `array_position('{${Role.roles.join(",")}}'::text[], ${role})`

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
    [array(sites, PgTypes.OID.uuid), PgTypes.text(email), PgTypes.timestamptz(now)]
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
  const rows = yield* sql`INSERT INTO person (person_id, email, name, created_at)
    SELECT ${PgTypes.uuid(randomUUID())}, ${PgTypes.text(email)}, label, ${PgTypes.timestamptz(now)}
    FROM console_session WHERE session_id = ${session}
    ON CONFLICT (lower(email)) DO UPDATE SET email = person.email RETURNING person_id`.pipe(decodeRows(Ids))
  const [found] = rows
  if (found === undefined) return null
  const person = PgTypes.uuid(found.person_id)
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
    decodeRows(Sessions)
  )
  for (const { session_id } of asked) yield* Issuers.revoke(sql, session_id, now)
  return found.person_id
})
