/**
 * The SQL that keys, console sessions and shares share: finding one by its secret, which rows a list has, and reading them by index. Keys
 * and sessions can issue keys and links: checks that such an issuer is not revoked, and revokes an issuer with what it has issued.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Effect, Option, Schema } from "effect"
import { SqlClient, type SqlError, type Statement } from "effect/sql"
import { PersonId } from "../../../platform/Id.ts"
import * as Database from "../../../platform/postgres/Database.ts"
import { array, mapErrors } from "../../../platform/postgres/Database.ts"
import * as Lookup from "../../../platform/postgres/Lookup.ts"
import { decodeColumn, decodeRows } from "../../../platform/runtime/Rows.ts"
import { LimitReached } from "../../../platform/Storage.ts"
import type * as Maximums from "../../Maximums.ts"
import type * as SiteLock from "../../postgres/SiteLock.ts"
import type { CredentialQuery } from "../Credential.ts"
import * as Credential from "../Credential.ts"

/** The tables with their columns of ids. A table with the suffix `_site` has the websites of its rows. */
export const ownerKeys = { table: "owner_key", id: "key_id" } as const
export const consoleSessions = { table: "console_session", id: "session_id" } as const

const tables = [ownerKeys, consoleSessions] as const

/** An SQL condition: it reaches what its own row names. A person's session reaches what the person's roles name. */
const hasOwnSites = { owner_key: "true", console_session: "person_id IS NULL" } as const

export type Table = (typeof tables)[number]

/** The condition of the rows that a query selects. Of websites that the query does not name, it reads no rows. */
export const condition = (
  sql: PgClient.PgClient,
  { id, table }: Table,
  { after, reaching, sites }: Pick<CredentialQuery, "after" | "reaching" | "sites">
): Statement.Fragment => {
  const [idColumn, siteTable] = [sql(`${table}.${id}`), sql(`${table}_site`)]
  const uuids = (ids: ReadonlyArray<string>) => Database.uuids(ids)
  const reaches = (site: string) => sql`(all_sites OR EXISTS (SELECT FROM ${siteTable} AS reached
    WHERE reached.${sql(id)} = ${idColumn} AND reached.website_config_id = ${PgTypes.uuid(site)}))`
  const managed =
    sites === "all"
      ? sql`true`
      : sql`${idColumn} = ANY (ARRAY(SELECT ${sql(id)} FROM ${siteTable} WHERE website_config_id = ANY (${uuids(sites)})))
          AND NOT all_sites
          AND NOT EXISTS (SELECT FROM ${siteTable} AS other
            WHERE other.${sql(id)} = ${idColumn} AND other.website_config_id <> ALL (${uuids(sites)}))`
  return sql.and([
    managed,
    ...(reaching === null ? [] : [reaches(reaching)]),
    ...(after === null
      ? []
      : [sql`(created_at, ${idColumn}) > (${PgTypes.timestamptz(after.time)}, ${PgTypes.uuid(after.id)})`])
  ])
}

/** A maximum of what a caller has, and the list of what exists. */
interface Limit<E> {
  readonly maximum: Maximums.Maximum
  readonly list: (query: CredentialQuery) => Effect.Effect<ReadonlyArray<unknown>, E>
}

/**
 * Runs a creation by a caller with these websites, which are locked, while the caller has fewer than each maximum. A caller for
 * all websites belongs to the operator and has no maximum.
 */
export const withinMaximums =
  (whileLocked: Effect.Success<typeof SiteLock.make>, callerSites: CredentialQuery["sites"]) =>
  <E2>(limits: ReadonlyArray<Limit<E2>>) =>
  <A, E>(creation: Effect.Effect<A, E | SqlError.SqlError>) =>
    callerSites === "all"
      ? Database.mapErrors(creation)
      : Effect.forEach(
          limits,
          ({ list, maximum }) =>
            Effect.flatMap(
              list({ sites: callerSites, reaching: null, after: null, limit: maximum.max }),
              ({ length }) => (length < maximum.max ? Effect.void : Effect.fail(new LimitReached({ maximum })))
            ),
          { discard: true }
        ).pipe(Effect.andThen(creation), whileLocked(...callerSites))

/**
 * Deletes the keys, people, sessions and links whose websites are all deleted. Those that they issued reach no other websites either, so
 * no revocation needs the deleted ones to find what is left.
 */
export const deleteWithoutSites = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  yield* sql`DELETE FROM person WHERE NOT EXISTS (SELECT FROM person_role AS own WHERE own.person_id = person.person_id)`
  for (const { id, table } of tables) {
    yield* sql`DELETE FROM ${sql(table)} WHERE NOT all_sites AND ${sql.literal(hasOwnSites[table])}
      AND NOT EXISTS (SELECT FROM ${sql(`${table}_site`)} AS reached WHERE reached.${sql(id)} = ${sql(`${table}.${id}`)})`
  }
})

/**
 * Runs statements in a transaction that reads tables by index. Without it, PostgreSQL reads a whole table if it expects that
 * most rows are of the requested website, as in a table that one owner filled.
 */
export const byIndex = <A, E, R>(
  sql: PgClient.PgClient,
  statements: Effect.Effect<A, E, R>
): Effect.Effect<A, E | SqlError.SqlError, R> =>
  sql`SELECT set_config('enable_seqscan', 'off', true)`.pipe(Effect.andThen(statements), sql.withTransaction)

/** The maximum number of digests that are cached. */
const maxCached = 10_000

/**
 * Makes the function that finds what is stored of a secret by its digest, and compares the digests in constant time. Callers must check
 * the times. Results are cached for less than a second, so that a revocation takes effect within a second.
 */
export const makeSecretLookup = <A extends { readonly digest: Uint8Array | null }>({
  find,
  isWellFormed
}: Pick<Credential.Syntax, "isWellFormed"> & {
  /** The rows with a digest: one or none. */
  readonly find: (digest: ReturnType<typeof PgTypes.bytea>) => Effect.Effect<ReadonlyArray<A>, SqlError.SqlError>
}) =>
  Lookup.make<A>({
    find: (key) =>
      find(PgTypes.bytea(Buffer.from(key, "base64url"))).pipe(
        mapErrors,
        Effect.map((rows) => Option.fromUndefinedOr(rows[0]))
      ),
    foundTtl: "900 millis",
    unknownTtl: "900 millis",
    capacity: maxCached
  }).pipe(
    Effect.map((lookup) =>
      Effect.fnUntraced(function* (secret: string) {
        if (!isWellFormed(secret)) return Option.none<A>()
        const digest = Credential.digest(secret)
        const found = yield* lookup(Buffer.from(digest).toString("base64url"))
        return Option.filter(found, (row) => row.digest !== null && Credential.sameDigest(row.digest, digest))
      })
    )
  )

/** An SQL condition: the issuing session or key is not revoked; true for null. Its revocation waits for the commit. */
const issuerExists = (sql: PgClient.PgClient, id: string | null): Statement.Fragment =>
  id === null
    ? sql.literal("true")
    : sql`(EXISTS (SELECT FROM console_session
          WHERE session_id = ${PgTypes.uuid(id)} AND opened_at IS NOT NULL FOR SHARE)
        OR EXISTS (SELECT FROM owner_key WHERE key_id = ${PgTypes.uuid(id)} AND revoked_at IS NULL FOR SHARE))`

/**
 * Inserts a key or an unopened link with the websites that it reaches. Returns one row; none, and inserts nothing, if one of the websites
 * does not exist, or if the issuer was revoked.
 */
export const insert = (
  sql: PgClient.PgClient,
  { id, table }: Table,
  {
    issuer,
    sites,
    values
  }: {
    readonly sites: CredentialQuery["sites"]
    readonly issuer: string | null
    /** By the names of columns. */
    readonly values: Readonly<Record<string, PgTypes.Parameter>>
  }
) => {
  const ids = sites === "all" ? [] : [...new Set(sites)].sort()
  const columns = Object.keys(values).map((name) => sql`${sql(name)}`)
  return sql`WITH reached AS (
      SELECT website_config_id FROM site
      WHERE website_config_id = ANY (${array(ids, PgTypes.OID.uuid)}) AND deleted_at IS NULL FOR KEY SHARE
    ), created AS (
      INSERT INTO ${sql(table)} (all_sites, ${sql.csv(columns)})
      SELECT ${sites === "all"}, ${sql.csv(Object.values(values).map((value) => sql`${value}`))}
      WHERE (SELECT count(*) FROM reached) = ${PgTypes.int8(BigInt(ids.length))} AND ${issuerExists(sql, issuer)}
      RETURNING ${sql(id)}
    ), linked AS (
      INSERT INTO ${sql(`${table}_site`)} (${sql(id)}, website_config_id)
      SELECT ${sql(id)}, website_config_id FROM created, reached
    )
    SELECT FROM created`
}

/**
 * Ends a session, or voids its link: a `SET` list, and the condition that these values are not set yet. The row stays until
 * maintenance finds that nothing names it as its issuer, so that a revocation of an earlier issuer finds what was created in the
 * session.
 */
export const sessionEnd = {
  set: `cookie_sha256 = NULL, opened_at = NULL, last_used_at = NULL, label = NULL, email = NULL, device = NULL,
    link_expires_at = to_timestamp(0)`,
  isNotSet: "link_expires_at > to_timestamp(0)"
} as const

/** An SQL condition: a session has ended, or its link has expired, at the time of the SQL expression `now`. */
export const sessionHasEnded = (now: string): string => `link_expires_at <= ${now}`

/** An SQL condition: no key, session, link or role of a person names this id as its issuer. */
export const issuedNothing = (id: string): string =>
  `NOT EXISTS (SELECT FROM owner_key AS issued WHERE issued.issued_by = ${id})
    AND NOT EXISTS (SELECT FROM console_session AS created WHERE created.created_by = ${id})
    AND NOT EXISTS (SELECT FROM person_role AS given WHERE given.granted_by = ${id})`

/** An SQL condition: a session, or its person, reaches all websites or one that exists. */
export const reachesAny = `(all_sites
  OR EXISTS (SELECT FROM console_session_site AS reached WHERE reached.session_id = console_session.session_id)
  OR EXISTS (SELECT FROM person_role AS reached WHERE reached.person_id = console_session.person_id))`

/** The sessions of people who have roles only from `issuer`: those of others do not end with it. */
const ofPeople = `SELECT session_id FROM console_session JOIN person_role AS given USING (person_id)
  WHERE given.granted_by = issuer.id AND NOT EXISTS (SELECT FROM person_role AS other
    WHERE other.person_id = given.person_id AND other.granted_by IS DISTINCT FROM issuer.id)`

/** The ids of a session or a key, and of all that it issued, directly or indirectly; without `withOpened`, of keys only. */
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
      decodeColumn(Schema.String),
      Effect.map((ids) => array(ids, PgTypes.OID.uuid))
    )

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
        WHERE issuer.person_id = ANY ($1) AND issued.opened_at IS NULL AND issued.${sessionEnd.isNotSet}
          AND NOT ${isOwned("console_session", "session_id")}`,
      [ids]
    )
    .pipe(decodeColumn(Schema.String))
  for (const id of issued) yield* revoke(sql, id, now)
  yield* sql`UPDATE console_session SET ${sql.literal(sessionEnd.set)} WHERE person_id = ANY (${ids})
    AND NOT EXISTS (SELECT FROM person_role AS own WHERE own.person_id = console_session.person_id)`
  yield* sql`DELETE FROM person WHERE person_id = ANY (${ids})
    AND NOT EXISTS (SELECT FROM person_role AS own WHERE own.person_id = person.person_id)`
})

/** Takes the roles that these issuers gave. */
const deleteGranted = Effect.fnUntraced(function* (sql: PgClient.PgClient, ids: PgTypes.Parameter, now: number) {
  const rows = yield* sql`DELETE FROM person_role WHERE granted_by = ANY (${ids}) RETURNING person_id`.pipe(
    decodeColumn(PersonId)
  )
  const people = [...new Set(rows)]
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
  { withOpened = false }: Credential.RevokeOptions = {}
): Effect.fn.Return<Option.Option<Credential.Remaining>, SqlError.SqlError> {
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
        `UPDATE console_session SET ${sessionEnd.set} WHERE ${sessionEnd.isNotSet}
          AND (session_id = ANY ($1) OR opened_at IS NULL AND created_by = ANY ($1)) RETURNING 1`,
        [ids]
      )
    ])
    if (withOpened) yield* deleteGranted(sql, ids, now)
    // Repeats until nothing is found: a key or a session may have issued another one while a statement waited for it.
    if (keys.length + sessions.length === 0) break
    count += keys.length + sessions.length
  }
  const [remaining = Credential.nothingRemains] = yield* sql
    .unsafe(
      `SELECT
        (SELECT count(*) FROM owner_key
          WHERE key_id = ANY ($1) AND revoked_at IS NULL AND coalesce(expires_at > $2, true))::float8 AS keys,
        (SELECT count(*) FROM console_session
          WHERE session_id = ANY ($1) AND NOT ${sessionHasEnded("$2")} AND ${reachesAny})::float8 AS sessions`,
      [yield* issuanceTree(sql, id, true), time]
    )
    .pipe(decodeRows(Counts))
  return count + remaining.keys + remaining.sessions > 0 ? Option.some(remaining) : Option.none()
})

/**
 * Revokes a key or a session of a table that a caller manages, with what it issued; `again` if it was revoked before, and nothing
 * remains. None if there is none.
 */
export const revokeManaged = (
  sql: PgClient.PgClient,
  table: Table,
  id: string,
  { callerSites = "all", ...options }: Credential.RevokeOptions & Credential.ManagedBy,
  again: Option.Option<Credential.Remaining>
) =>
  byIndex(
    sql,
    Effect.gen(function* () {
      const managed = condition(sql, table, { sites: callerSites, reaching: null, after: null })
      const rows =
        yield* sql`SELECT FROM ${sql(table.table)} WHERE ${sql(table.id)} = ${PgTypes.uuid(id)} AND ${managed}`
      if (rows.length === 0) return Option.none()
      const revoked = yield* revoke(sql, id, yield* Clock.currentTimeMillis, options)
      return Option.orElse(revoked, () => again)
    })
  ).pipe(mapErrors)
