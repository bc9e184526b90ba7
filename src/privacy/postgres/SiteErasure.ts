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

/**
 * A table with a website's data. `site` is the column of the website's id, `order` is the next column of the same index, and
 * `type` is the SQL type of `order`.
 */
export interface SiteTable {
  readonly table: string
  readonly site: "hosted_website_id" | "website_config_id"
  readonly order: string
  readonly type: string
  /** The maximum number of rows deleted per statement: few enough to stay within the timeouts. */
  readonly chunk: number
}

const defaultChunk = 5_000

/** Smaller than `defaultChunk`, since a submission may have hundreds of kilobytes. */
const submissionChunk = 500

const idempotencyKeys: SiteTable = {
  table: "idempotency_key",
  site: "website_config_id",
  order: "key_sha256",
  type: "bytea",
  chunk: defaultChunk
}
const submissions: SiteTable = {
  table: "submission",
  site: "website_config_id",
  order: "received_at",
  type: "timestamptz",
  chunk: submissionChunk
}
const deletedSubmissions: SiteTable = { ...submissions, table: "deleted_submission" }
const decisionCounts: SiteTable = {
  table: "not_counted",
  site: "website_config_id",
  order: "day",
  type: "date",
  chunk: defaultChunk
}
const conversions: SiteTable = {
  table: "conversion",
  site: "hosted_website_id",
  order: "visit_started_at",
  type: "timestamptz",
  chunk: defaultChunk
}
const outboxConversions: SiteTable = { ...conversions, table: "conversion_outbox" }
const deliveries: SiteTable = { ...submissions, table: "delivery", order: "created_at" }
const mailItems: SiteTable = { ...submissions, table: "mail_item", order: "created_at", chunk: defaultChunk }
const mails: SiteTable = { ...mailItems, table: "mail" }
const visits: SiteTable = { ...conversions, table: "visit", order: "started_at" }
export const partition = (table: string): SiteTable => ({
  table,
  site: "hosted_website_id",
  order: "received_at",
  type: "timestamptz",
  chunk: defaultChunk
})

const Chunk = Schema.Tuple([
  Schema.Struct({ found: Schema.BigInt, deleted: Schema.BigInt, last: Schema.NullOr(Schema.String) })
])

/** Whether the table no longer exists: another process may have dropped the partition. */
const isDropped = (error: SqlError.SqlError): boolean => Option.contains(Database.sqlState(error), "42P01")

/**
 * Deletes a chunk of a website's rows in index order. The chunk begins at `from`, the `last` of the chunk before, so that it
 * does not scan the rows that earlier chunks deleted.
 */
const deleteChunk = Effect.fnUntraced(function* (siteTable: SiteTable, id: string, from: string | null) {
  const sql = yield* SqlClient.SqlClient
  const { chunk, order, site, table, type } = siteTable
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

/** Deletes all of a website's rows in a table and returns their number. */
const deleteAll = Effect.fnUntraced(function* (siteTable: SiteTable, id: string) {
  let deleted = 0
  let from: string | null = null
  while (true) {
    const chunk: (typeof Chunk.Type)[0] = yield* deleteChunk(siteTable, id, from).pipe(
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

/**
 * The tables to which a transaction writes after it has found a website. `rollup_day` covers the other tables of rollups, since
 * a transaction that writes to those locks `rollup_day` first.
 */
const writtenTables = [
  ...Partitions.parents,
  "conversion",
  "conversion_outbox",
  "pending_lead",
  "submission",
  "deleted_submission",
  "outbox",
  "submission_outbox",
  "delivery",
  "mail",
  "mail_item",
  "idempotency_key",
  "conversation",
  "not_counted",
  "rollup_day",
  "analytics_copy"
]

const outboxes = ["outbox", "submission_outbox"]

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
    Database.mapErrors,
    decodeRows(Marked)
  )
  if (marked === undefined) return Option.none()
  yield* Database.mapErrors(Locks.awaitWriters(writtenTables))
  return Option.some(marked.hosted_website_id)
})

/** Deletes the conversations of a website's instances and returns their number. Conversations that begin later remain. */
const deleteConversations = Effect.fnUntraced(function* (id: string) {
  const sql = yield* SqlClient.SqlClient
  const instances = yield* sql`SELECT instance_id FROM instance WHERE website_config_id = ${PgTypes.uuid(id)}`.pipe(
    Database.mapErrors,
    decodeColumn(InstanceId)
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
  yield* deleteAll(idempotencyKeys, id)
  erased.submissions = yield* deleteAll(submissions, id)
  erased.submissions += yield* deleteAll(deletedSubmissions, id)
  for (const table of outboxes) {
    yield* sql`DELETE FROM ${sql(table)} WHERE website_config_id = ${PgTypes.uuid(id)}`.pipe(Database.mapErrors)
  }
  erased.conversations = yield* deleteConversations(id)
  yield* deleteAll(deliveries, id)
  yield* deleteAll(mailItems, id)
  yield* deleteAll(mails, id)
  yield* deleteAll(decisionCounts, id)
  yield* sql`DELETE FROM pending_lead WHERE hosted_website_id = ${PgTypes.uuid(hosted.value)}`.pipe(Database.mapErrors)
  erased.conversions = yield* deleteAll(conversions, hosted.value)
  erased.conversions += yield* deleteAll(outboxConversions, hosted.value)
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
  yield* deleteAll(visits, hosted.value)
  for (const table of ["rollup_month", "rollup_day", "rollup", "rollup_site", "rollup_stale", "analytics_copy"]) {
    yield* sql`DELETE FROM ${sql(table)} WHERE hosted_website_id = ${PgTypes.uuid(hosted.value)}`.pipe(
      Database.mapErrors
    )
  }
  // A process of an earlier version ignores the mark and may have stored a submission meanwhile.
  yield* lock(id).pipe(
    Effect.andThen(sql`DELETE FROM submission WHERE website_config_id = ${PgTypes.uuid(id)}`),
    Effect.andThen(
      Effect.forEach(
        outboxes,
        (table) => sql`DELETE FROM ${sql(table)} WHERE website_config_id = ${PgTypes.uuid(id)}`,
        { discard: true }
      )
    ),
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
    WHERE hosted_website_id = ANY (${Database.array(ids, PgTypes.OID.uuid)})`.pipe(decodeColumn(Schema.String))
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
          Database.mapErrors,
          decodeColumn(Schema.String),
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
