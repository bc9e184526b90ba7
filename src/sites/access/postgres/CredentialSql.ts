/**
 * The SQL that keys, console sessions and shares share: finding one by its secret, which rows a list has, and reading them by index.
 *
 * @module
 */
import { type PgClient, PgTypes } from "@effect/sql-pg"
import { Effect, Option } from "effect"
import { SqlClient, type SqlError, type Statement } from "effect/sql"
import * as Database from "../../../platform/postgres/Database.ts"
import { mapErrors } from "../../../platform/postgres/Database.ts"
import * as Lookup from "../../../platform/postgres/Lookup.ts"
import { LimitReached, type StorageUnavailable } from "../../../platform/Storage.ts"
import type * as Maximums from "../../Maximums.ts"
import type * as SiteLock from "../../postgres/SiteLock.ts"
import type { CredentialQuery } from "../CredentialFields.ts"

/** The tables with their columns of ids. A table with the suffix `_site` has the websites of its rows. */
const tables = [
  { table: "owner_key", id: "key_id" },
  { table: "console_session", id: "session_id" }
] as const

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
  const uuids = (ids: ReadonlyArray<string>) => Database.array(ids, PgTypes.OID.uuid)
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
 * Looks up by a digest of 32 bytes. Callers must compare the digest of the found row, and check its times. Results are cached for less
 * than a second, so that a revocation takes effect within a second.
 */
export const makeSecretLookup = <A>(options: {
  /** The rows with a digest: one or none. */
  readonly find: (digest: ReturnType<typeof PgTypes.bytea>) => Effect.Effect<ReadonlyArray<A>, SqlError.SqlError>
}): Effect.Effect<(digest: Uint8Array) => Effect.Effect<Option.Option<A>, StorageUnavailable>> =>
  Lookup.make<A>({
    find: (key) =>
      options.find(PgTypes.bytea(Buffer.from(key, "base64url"))).pipe(
        mapErrors,
        Effect.map((rows) => Option.fromUndefinedOr(rows[0]))
      ),
    foundTtl: "900 millis",
    unknownTtl: "900 millis",
    capacity: maxCached
  }).pipe(Effect.map((lookup) => (digest) => lookup(Buffer.from(digest).toString("base64url"))))
