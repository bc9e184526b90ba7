/**
 * Deletes a website's rows from its large tables in chunks, so that no lock is held for long.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Effect, Option, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as Database from "../../platform/postgres/Database.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"

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

export const idempotencyKeys: SiteTable = {
  table: "idempotency_key",
  site: "website_config_id",
  order: "key_sha256",
  type: "bytea",
  chunk: defaultChunk
}
export const submissions: SiteTable = {
  table: "submission",
  site: "website_config_id",
  order: "received_at",
  type: "timestamptz",
  chunk: submissionChunk
}
export const deletedSubmissions: SiteTable = { ...submissions, table: "deleted_submission" }
export const decisionCounts: SiteTable = {
  table: "not_counted",
  site: "website_config_id",
  order: "day",
  type: "date",
  chunk: defaultChunk
}
export const conversions: SiteTable = {
  table: "conversion",
  site: "hosted_website_id",
  order: "visit_started_at",
  type: "timestamptz",
  chunk: defaultChunk
}
export const outboxConversions: SiteTable = { ...conversions, table: "conversion_outbox" }
export const deliveries: SiteTable = { ...submissions, table: "delivery", order: "created_at" }
export const mailItems: SiteTable = { ...submissions, table: "mail_item", order: "created_at", chunk: defaultChunk }
export const mails: SiteTable = { ...mailItems, table: "mail" }
export const visits: SiteTable = { ...conversions, table: "visit", order: "started_at" }
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
export const deleteAll = Effect.fnUntraced(function* (siteTable: SiteTable, id: string) {
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
