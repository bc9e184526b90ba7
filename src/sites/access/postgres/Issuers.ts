/**
 * Console sessions and owner keys can issue keys and links. Checks that such an issuer is not revoked, and revokes an issuer with
 * what it has issued.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Option, Schema } from "effect"
import type { SqlError, Statement } from "effect/sql"
import { PersonId } from "../../../platform/Id.ts"
import { array } from "../../../platform/postgres/Database.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import * as Core from "../Issuers.ts"

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
  set: `cookie_sha256 = NULL, opened_at = NULL, last_used_at = NULL, label = NULL, email = NULL, device = NULL,
    link_expires_at = to_timestamp(0)`,
  isNotSet: "link_expires_at > to_timestamp(0)"
} as const

/** An SQL condition: a session has ended, or its link has expired, at the time of the SQL expression `now`. */
export const hasEnded = (now: string): string => `link_expires_at <= ${now}`

/** An SQL condition: no key, session, link or role of a person names this id as its issuer. */
export const issuedNothing = (id: string): string =>
  `NOT EXISTS (SELECT FROM owner_key AS issued WHERE issued.issued_by = ${id})
    AND NOT EXISTS (SELECT FROM console_session AS created WHERE created.created_by = ${id})
    AND NOT EXISTS (SELECT FROM person_role AS given WHERE given.granted_by = ${id})`

/** An SQL condition: a session, or its person, reaches all websites or one that exists. */
export const reachesAny = `(all_sites
  OR EXISTS (SELECT FROM console_session_site AS reached WHERE reached.session_id = console_session.session_id)
  OR EXISTS (SELECT FROM person_role AS reached WHERE reached.person_id = console_session.person_id))`

const Ids = Schema.Array(Schema.Struct({ id: Schema.String }))

/** The sessions of people who have roles only from `issuer`: those of others do not end with it. */
const ofPeople = `SELECT session_id FROM console_session JOIN person_role AS given USING (person_id)
  WHERE given.granted_by = issuer.id AND NOT EXISTS (SELECT FROM person_role AS other
    WHERE other.person_id = given.person_id AND other.granted_by IS DISTINCT FROM issuer.id)`

/** `Issuers.issuanceTree(id)`. Without `withOpened`, leaves out sessions and what they issued. */
const issuanceTree = (sql: PgClient.PgClient, id: string, withOpened: boolean) =>
  sql
    .unsafe(
      `WITH RECURSIVE issuer AS (
        SELECT $1::uuid AS id
        UNION
        SELECT issued.id FROM issuer CROSS JOIN LATERAL (
          SELECT key_id AS id FROM owner_key WHERE issued_by = issuer.id
          ${
            withOpened
              ? `UNION ALL SELECT session_id FROM console_session WHERE created_by = issuer.id AND person_id IS NULL
          UNION ALL ${ofPeople}`
              : ""
          }
        ) AS issued
      ) SELECT id FROM issuer`,
      [PgTypes.uuid(id)]
    )
    .pipe(
      decodeRows(Ids),
      Effect.map((rows) =>
        array(
          rows.map((row) => row.id),
          PgTypes.OID.uuid
        )
      )
    )

const People = Schema.Array(Schema.Struct({ person_id: PersonId }))

/** An SQL condition: what was issued, the row `issued` with the id `id`, reaches only websites that a person `$1` owns. */
const isOwned = (table: "owner_key" | "console_session", id: string): string => `(
  EXISTS (SELECT FROM person_role AS own WHERE own.person_id = issuer.person_id
    AND own.role = 'owner' AND own.website_config_id IS NULL)
  OR NOT issued.all_sites AND NOT EXISTS (SELECT FROM ${table}_site AS reached WHERE reached.${id} = issued.${id}
    AND NOT EXISTS (SELECT FROM person_role AS own WHERE own.person_id = issuer.person_id
      AND own.role = 'owner' AND own.website_config_id = reached.website_config_id)))`

/**
 * After people lost roles: revokes the keys and the unopened links that they created and could not create any more, and deletes
 * the people without a role, whose sessions end. Needs a transaction of `CredentialSql.byIndex`.
 */
export const settlePeople: (
  sql: PgClient.PgClient,
  people: ReadonlyArray<PersonId>,
  now: number
) => Effect.Effect<void, SqlError.SqlError> = Effect.fnUntraced(function* (sql, people, now) {
  const ids = array(people, PgTypes.OID.uuid)
  yield* sql`SELECT FROM console_session WHERE person_id = ANY (${ids}) FOR UPDATE`
  const issued = yield* sql
    .unsafe(
      `SELECT issued.key_id AS id FROM owner_key AS issued JOIN console_session AS issuer ON issued.issued_by = issuer.session_id
        WHERE issuer.person_id = ANY ($1) AND issued.revoked_at IS NULL AND NOT ${isOwned("owner_key", "key_id")}
      UNION ALL
      SELECT issued.session_id FROM console_session AS issued JOIN console_session AS issuer
          ON issued.created_by = issuer.session_id
        WHERE issuer.person_id = ANY ($1) AND issued.opened_at IS NULL AND issued.${end.isNotSet}
          AND NOT ${isOwned("console_session", "session_id")}`,
      [ids]
    )
    .pipe(decodeRows(Ids))
  for (const { id } of issued) yield* revoke(sql, id, now)
  yield* sql`UPDATE console_session SET ${sql.literal(end.set)} WHERE person_id = ANY (${ids})
    AND NOT EXISTS (SELECT FROM person_role AS own WHERE own.person_id = console_session.person_id)`
  yield* sql`DELETE FROM person WHERE person_id = ANY (${ids})
    AND NOT EXISTS (SELECT FROM person_role AS own WHERE own.person_id = person.person_id)`
})

/** Takes the roles that these issuers gave. */
const deleteGranted = Effect.fnUntraced(function* (sql: PgClient.PgClient, ids: PgTypes.Parameter, now: number) {
  const rows = yield* sql`DELETE FROM person_role WHERE granted_by = ANY (${ids}) RETURNING person_id`.pipe(
    decodeRows(People)
  )
  const people = [...new Set(rows.map(({ person_id }) => person_id))]
  if (people.length > 0) yield* settlePeople(sql, people, now)
})

const Counts = Schema.Array(Schema.Struct({ keys: Schema.Finite, sessions: Schema.Finite }))

/**
 * Revokes a session or a key, with what it issued. None if nothing was revoked and nothing remains. Needs a transaction of
 * `CredentialSql.byIndex`, whose locks keep the revoked ones from issuing more.
 */
export const revoke = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  id: string,
  now: number,
  { withOpened = false }: Core.RevokeOptions = {}
): Effect.fn.Return<Option.Option<Core.Remaining>, SqlError.SqlError> {
  const time = PgTypes.timestamptz(now)
  let count = 0
  while (true) {
    const ids = yield* issuanceTree(sql, id, withOpened)
    const [keys, sessions] = yield* Effect.all([
      sql.unsafe("UPDATE owner_key SET revoked_at = $2 WHERE revoked_at IS NULL AND key_id = ANY ($1) RETURNING 1", [
        ids,
        time
      ]),
      sql.unsafe(
        `UPDATE console_session SET ${end.set} WHERE ${end.isNotSet}
          AND (session_id = ANY ($1) OR opened_at IS NULL AND created_by = ANY ($1)) RETURNING 1`,
        [ids]
      )
    ])
    if (withOpened) yield* deleteGranted(sql, ids, now)
    // Repeats until nothing is found: a key or a session may have issued another one while a statement waited for it.
    if (keys.length + sessions.length === 0) break
    count += keys.length + sessions.length
  }
  const [remaining = Core.nothingRemains] = yield* sql
    .unsafe(
      `SELECT
        (SELECT count(*) FROM owner_key
          WHERE key_id = ANY ($1) AND revoked_at IS NULL AND coalesce(expires_at > $2, true))::float8 AS keys,
        (SELECT count(*) FROM console_session
          WHERE session_id = ANY ($1) AND NOT ${hasEnded("$2")} AND ${reachesAny})::float8 AS sessions`,
      [yield* issuanceTree(sql, id, true), time]
    )
    .pipe(decodeRows(Counts))
  return count + remaining.keys + remaining.sessions > 0 ? Option.some(remaining) : Option.none()
})
