/**
 * Deletes a website and all its data, while other websites are written to.
 *
 * 1. Marks the website. Statements that begin later do not find it and store nothing for it. If its instances are deleted with
 *    it, the same transaction deletes their tokens.
 * 2. Waits for the transactions that are writing to the tables of websites: they may have found the website before the mark.
 *    Blocks no transaction. After that, no more data is stored for the website. Only a rollup run of a separate store may still
 *    store visits, and deletes them when it ends.
 * 3. Deletes its data. From large tables, a statement deletes a few thousand rows at most, so that no lock is held for long.
 * 4. Deletes its row last, after its instances if they are deleted with it. As long as the row exists, the same command or
 *    `Maintenance` can resume an interrupted erasure. The same transaction deletes the keys, sessions and links that reach no
 *    other website.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Layer, Option, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import { SeparateStore } from "../../analytics/SeparateStore.ts"
import * as InstanceDirectory from "../../chat/postgres/InstanceDirectory.ts"
import { HostedWebsiteId, InstanceId } from "../../platform/Id.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Locks from "../../platform/postgres/Locks.ts"
import * as Partitions from "../../platform/postgres/schema/Partitions.ts"
import { decodeColumn, decodeRows } from "../../platform/runtime/Rows.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as CredentialSql from "../../sites/access/postgres/CredentialSql.ts"
import { type Erased, type Options as EraseOptions, SiteErasure } from "../../sites/SiteErasure.ts"

/** A table with a website's data. */
interface SiteTable {
  readonly table: string
  /** The column of the website's id. */
  readonly site: "hosted_website_id" | "website_config_id"
  /** The next column of the same index, and its SQL type; null for a table from which one statement deletes all. */
  readonly order: readonly [column: string, type: string] | null
  /** The maximum number of rows deleted per statement: few enough to stay within the timeouts. */
  readonly chunk: number
  /** The number of `Erased` that counts the rows. */
  readonly counted?: keyof Erased
}

const defaultChunk = 5_000

/** Smaller than `defaultChunk`, since a submission or a delivery may have hundreds of kilobytes. */
const smallChunk = 500

const ofConfig = (table: string, order: SiteTable["order"] = null, chunk = defaultChunk): SiteTable => ({
  table,
  site: "website_config_id",
  order,
  chunk
})

const ofHosted = (table: string, order: SiteTable["order"] = null): SiteTable => ({
  table,
  site: "hosted_website_id",
  order,
  chunk: defaultChunk
})

const time = (column: string) => [column, "timestamptz"] as const

const partition = (table: string): SiteTable => ofHosted(table, time("received_at"))

const outboxes = [ofConfig("outbox"), ofConfig("submission_outbox")]

/** In the order of their deletion. Partitions and conversations are deleted in other ways. */
const tables: ReadonlyArray<SiteTable> = [
  ofConfig("idempotency_key", ["key_sha256", "bytea"]),
  { ...ofConfig("submission", time("received_at"), smallChunk), counted: "submissions" },
  { ...ofConfig("deleted_submission", time("received_at"), smallChunk), counted: "submissions" },
  ...outboxes,
  ofConfig("delivery", time("created_at"), smallChunk),
  ofConfig("mail_item", time("created_at")),
  ofConfig("mail", time("created_at")),
  ofConfig("not_counted", ["day", "date"]),
  ofHosted("pending_lead"),
  { ...ofHosted("conversion", time("visit_started_at")), counted: "conversions" },
  { ...ofHosted("conversion_outbox", time("visit_started_at")), counted: "conversions" }
]

/** What is computed of page views and events. Deleted after these, since their deletion makes entries of `rollup_stale`. */
const computed: ReadonlyArray<SiteTable> = [
  ofHosted("visit", time("started_at")),
  ...["rollup_month", "rollup_day", "rollup", "rollup_site", "rollup_stale", "analytics_copy"].map((table) =>
    ofHosted(table)
  )
]

const Chunk = Schema.Tuple([
  Schema.Struct({ found: Schema.BigInt, deleted: Schema.BigInt, last: Schema.NullOr(Schema.String) })
])

/** Whether the table no longer exists: another process may have dropped the partition. */
const isDropped = (error: SqlError.SqlError): boolean => Option.contains(Database.sqlState(error), "42P01")

/**
 * Deletes a chunk of a website's rows in index order. The chunk begins at `from`, the `last` of the chunk before, so that it
 * does not scan the rows that earlier chunks deleted.
 */
const deleteChunk = Effect.fnUntraced(function* (
  { chunk, site, table }: SiteTable,
  [order, type]: NonNullable<SiteTable["order"]>,
  id: string,
  from: string | null
) {
  const sql = yield* SqlClient.SqlClient
  const [row] = yield* sql
    .unsafe(
      `WITH chunk AS MATERIALIZED (
        SELECT ctid AS row_id, ${order} AS position FROM ${table}
        WHERE ${site} = $1${from === null ? "" : ` AND ${order} >= $2::${type}`} ORDER BY ${order} LIMIT ${chunk}
      ), gone AS (
        DELETE FROM ${table} WHERE ctid = ANY (ARRAY(SELECT row_id FROM chunk)) AND ${site} = $1 RETURNING 1
      ) SELECT (SELECT count(*) FROM chunk) AS found, (SELECT count(*) FROM gone) AS deleted,
        (SELECT position::text FROM chunk ORDER BY position DESC LIMIT 1) AS last`,
      [PgTypes.uuid(id), ...(from === null ? [] : [PgTypes.text(from)])]
    )
    .pipe(decodeRows(Chunk))
  return row
})

/** Deletes all of a website's rows in a table and returns their number, unless one statement deletes them. */
const deleteAll = Effect.fnUntraced(function* (siteTable: SiteTable, id: string) {
  const { order, site, table } = siteTable
  if (order === null) {
    const sql = yield* SqlClient.SqlClient
    yield* sql`DELETE FROM ${sql(table)} WHERE ${sql(site)} = ${PgTypes.uuid(id)}`.pipe(Database.mapErrors)
    return 0
  }
  let deleted = 0
  let from: string | null = null
  while (true) {
    const chunk: (typeof Chunk.Type)[0] = yield* deleteChunk(siteTable, order, id, from).pipe(
      Effect.catchIf(isDropped, () => Effect.succeed({ found: 0n, deleted: 0n, last: null })),
      Database.mapErrors
    )
    deleted += Number(chunk.deleted)
    from = chunk.last
    if (chunk.found < siteTable.chunk) return deleted
  }
})

const Marked = Schema.Array(Schema.Struct({ hosted_website_id: HostedWebsiteId }))

const lock = (id: string) =>
  SqlClient.SqlClient.use((sql) => sql`SELECT 1 FROM site WHERE website_config_id = ${PgTypes.uuid(id)} FOR UPDATE`)

/** The tables to which a transaction writes after it has found a website. */
const writtenTables = [...Partitions.parents, "conversation", ...[...tables, ...computed].map(({ table }) => table)]

/** The tokens of a website's instances. */
const deleteTokens = (id: string) =>
  SqlClient.SqlClient.use(
    (sql) => sql`DELETE FROM widget_token USING instance
      WHERE instance.website_config_id = ${PgTypes.uuid(id)} AND widget_token.instance_id = instance.instance_id`
  )

/** Marks a website, waits for running writers, and returns its `hosted_website_id`; none if it does not exist. */
const close = Effect.fnUntraced(function* (id: string, { withInstances }: EraseOptions) {
  const sql = yield* SqlClient.SqlClient
  // Idempotent: a second run keeps the `deleted_at` of the first.
  const [marked] = yield* sql`UPDATE site SET deleted_at = coalesce(deleted_at, now())
    WHERE website_config_id = ${PgTypes.uuid(id)} RETURNING hosted_website_id`.pipe(
    Effect.tap(() => (withInstances ? deleteTokens(id) : Effect.void)),
    sql.withTransaction,
    Database.read(Marked)
  )
  if (marked === undefined) return Option.none()
  yield* Database.mapErrors(Locks.awaitWriters(writtenTables))
  return Option.some(marked.hosted_website_id)
})

/** Deletes the conversations of a website's instances and returns their number. Conversations that begin later remain. */
const deleteConversations = Effect.fnUntraced(function* (id: string) {
  const sql = yield* SqlClient.SqlClient
  const instances = yield* sql`SELECT instance_id FROM instance WHERE website_config_id = ${PgTypes.uuid(id)}`.pipe(
    Database.readColumn(InstanceId)
  )
  let deleted = 0
  for (const instance of instances) deleted += yield* InstanceDirectory.deleteConversations(instance)
  return deleted
})

/** For each partitioned table, the field of `Erased` that counts its rows. */
const erasedOf = { page_view: "page_views", bot_view: "bot_views", event: "events" } as const

/** Erases a website, as `SiteErasure.erase` does. */
export const erase = Effect.fnUntraced(function* (
  id: string,
  options: EraseOptions = { withInstances: false }
): Effect.fn.Return<Option.Option<Erased>, StorageUnavailable, SqlClient.SqlClient> {
  const sql = yield* SqlClient.SqlClient
  const hosted = yield* close(id, options)
  if (Option.isNone(hosted)) return Option.none()
  const erased = {
    page_views: 0,
    bot_views: 0,
    events: 0,
    conversions: 0,
    submissions: 0,
    conversations: 0
  }
  const ids = { website_config_id: id, hosted_website_id: hosted.value }
  for (const one of tables) {
    const deleted = yield* deleteAll(one, ids[one.site])
    if (one.counted !== undefined) erased[one.counted] += deleted
  }
  erased.conversations = yield* deleteConversations(id)
  for (const { name, parent } of yield* Database.mapErrors(Partitions.list)) {
    const deleted = yield* deleteAll(partition(name), hosted.value)
    erased[erasedOf[parent]] += deleted
  }
  const separate = yield* SeparateStore
  if (Option.isSome(separate)) {
    const other = yield* separate.value.erase(hosted.value)
    erased.bot_views += other.bot_views
    erased.conversions += other.conversions
    erased.events += other.events
    erased.page_views += other.page_views
  }
  yield* Effect.forEach(computed, (table) => deleteAll(table, hosted.value), { discard: true })
  // A process of an earlier version ignores the mark and may have stored a submission meanwhile.
  yield* lock(id).pipe(
    Effect.andThen(sql`DELETE FROM submission WHERE website_config_id = ${PgTypes.uuid(id)}`),
    Effect.andThen(Effect.forEach(outboxes, (table) => deleteAll(table, id), { discard: true })),
    Effect.andThen(
      // Also deletes the conversations that were stored meanwhile. The lock keeps new instances out.
      Effect.when(
        sql`DELETE FROM instance WHERE website_config_id = ${PgTypes.uuid(id)}`,
        Effect.succeed(options.withInstances)
      )
    ),
    Effect.andThen(sql`DELETE FROM site WHERE website_config_id = ${PgTypes.uuid(id)}`),
    Effect.andThen(CredentialSql.deleteWithoutSites),
    sql.withTransaction,
    Database.mapErrors
  )
  return Option.some(erased)
})

/** The websites whose erasure began more than an hour ago and has not completed, probably because it was interrupted. */
export const unfinished = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  return yield* sql`SELECT website_config_id FROM site WHERE deleted_at < now() - interval '1 hour'`.pipe(
    decodeColumn(Schema.String)
  )
})

/**
 * Deletes the visits that a separate store has of deleted websites: those that a rollup run stored which began before the
 * deletion and died, or that a process of an earlier version left.
 */
export const eraseLeftVisits = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const separate = yield* SeparateStore
  if (Option.isNone(separate)) return
  const ids = yield* separate.value.websitesWithVisits
  if (ids.length === 0) return
  const rows = yield* sql`SELECT hosted_website_id FROM site
    WHERE hosted_website_id = ANY (${Database.uuids(ids)})`.pipe(decodeColumn(Schema.String))
  const present = new Set(rows)
  yield* Effect.forEach(
    ids.filter((id) => !present.has(id)),
    separate.value.eraseVisits,
    { discard: true }
  )
})

export const layer: Layer.Layer<SiteErasure, never, SqlClient.SqlClient> = Layer.effect(
  SiteErasure,
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    const separate = yield* SeparateStore
    return {
      nameOf: (id) =>
        sql`SELECT name FROM site WHERE website_config_id = ${PgTypes.uuid(id)}`.pipe(
          Database.readColumn(Schema.String),
          Effect.map(([name]) => Option.fromUndefinedOr(name))
        ),
      erase: (id, options) =>
        erase(id, options).pipe(
          Effect.provideService(SqlClient.SqlClient, sql),
          Effect.provideService(SeparateStore, separate)
        )
    }
  })
)
