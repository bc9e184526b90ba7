/**
 * Copies page views, bot views, events and conversions from PostgreSQL to a separate store, by website and in the order of their
 * times. An interrupted copy can be resumed.
 *
 * The bounds and the id of a batch are committed before it is sent, so that a retry sends the same batch, which the store
 * deduplicates. The rows in PostgreSQL are not deleted.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { PgTypes } from "@effect/sql-pg"
import { Effect, Option, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as Database from "../../platform/postgres/Database.ts"
import * as Times from "../../platform/postgres/Times.ts"
import type { StorageUnavailable } from "../../platform/Storage.ts"
import * as StoredView from "../StoredView.ts"

/** The timeout of each statement. */
export const timeout = "1 minute"

/** A table of both stores. */
export interface Table {
  readonly name: "page_view" | "bot_view" | "event" | "conversion"
  readonly time: "received_at" | "visit_started_at"
  /** The columns of the separate store, each with an SQL expression for its JSON value. */
  readonly columns: ReadonlyArray<readonly [name: string, expression: string]>
  /** The number of rows in a batch: fewer for larger rows. A batch also has all further rows with the time of its last row. */
  readonly batch: number
}

const same = (...names: ReadonlyArray<string>) => names.map((name) => [name, name] as const)

const received = [
  ["received_at", Times.millis("received_at")],
  ["visitor_hash", "encode(visitor_hash, 'hex')"],
  ...same("hosted_website_id", ...StoredView.commonColumns.flatMap(({ name, type }) => (type === "hash" ? [] : [name])))
] as const

const view = [
  ...received,
  ...same(...StoredView.columns.map(({ name }) => name).filter((name) => !received.some(([common]) => common === name)))
]

export const tables: ReadonlyArray<Table> = [
  { name: "page_view", time: "received_at", batch: 20_000, columns: view },
  { name: "bot_view", time: "received_at", batch: 20_000, columns: [...view, ...same("reason")] },
  {
    name: "event",
    time: "received_at",
    batch: 1_000,
    columns: [
      ...received,
      ["properties", "properties::text"],
      ["property_texts", "coalesce((SELECT json_object_agg(key, value) FROM json_each_text(properties)), '{}'::json)"],
      ["revenue_amount", "revenue_amount::text"],
      ...same("name", "revenue_currency", "is_interactive")
    ]
  },
  {
    name: "conversion",
    time: "visit_started_at",
    batch: 20_000,
    columns: [
      ["visit_started_at", Times.millis("visit_started_at")],
      ...same("hosted_website_id", "session_key", "name")
    ]
  }
]

/** Rows for the separate store. Their values are in the order of the table's columns. */
export interface Batch {
  readonly table: Table
  readonly hostedWebsiteId: string
  readonly id: string
  readonly rows: ReadonlyArray<ReadonlyArray<unknown>>
}

const Sites = Schema.Array(Schema.Struct({ id: Schema.String }))

/** The websites that are not being deleted. */
export const websites = Effect.gen(function* () {
  const sql = yield* SqlClient.SqlClient
  const rows =
    yield* sql`SELECT hosted_website_id AS id FROM site WHERE deleted_at IS NULL ORDER BY created_at, 1`.pipe(
      Database.withTimeout(timeout),
      Database.read(Sites)
    )
  return rows.map(({ id }) => id)
})

/** Times are texts, which keep PostgreSQL's microseconds. */
const State = Schema.Array(
  Schema.Struct({
    copiedTo: Schema.String,
    sendingTo: Schema.NullOr(Schema.String),
    batchId: Schema.NullOr(Schema.String)
  })
)

/**
 * Plans the next batch of a website, unless one is planned already, and returns the state; none if all is copied, or if the
 * website is being deleted. The batch has the rows after `copied_to` up to `sending_to`.
 */
const plan = Effect.fnUntraced(function* ({ batch, name, time }: Table, hostedWebsiteId: string) {
  const sql = yield* SqlClient.SqlClient
  const key = [PgTypes.text(name), PgTypes.uuid(hostedWebsiteId)]
  const [state] = yield* sql
    .unsafe(
      `WITH known AS (
        SELECT coalesce((SELECT copied_to FROM analytics_copy WHERE table_name = $1 AND hosted_website_id = $2),
          timestamptz '1970-01-01 00:00:00Z') AS copied_to
      ), next AS (
        SELECT max(${time}) AS sending_to FROM (
          SELECT ${time} FROM ${name} WHERE hosted_website_id = $2 AND ${time} > (SELECT copied_to FROM known)
          ORDER BY ${time} LIMIT ${batch}
        ) AS rows
      )
      INSERT INTO analytics_copy (table_name, hosted_website_id, copied_to, sending_to, batch_id)
        SELECT $1, $2, copied_to, sending_to, $3 FROM known CROSS JOIN next WHERE sending_to IS NOT NULL
          AND EXISTS (SELECT FROM site WHERE hosted_website_id = $2 AND deleted_at IS NULL)
      ON CONFLICT (table_name, hosted_website_id) DO UPDATE SET
        sending_to = coalesce(analytics_copy.sending_to, excluded.sending_to),
        batch_id = coalesce(analytics_copy.batch_id, excluded.batch_id)
      RETURNING copied_to::text AS "copiedTo", sending_to::text AS "sendingTo", batch_id::text AS "batchId"`,
      [...key, PgTypes.uuid(randomUUID())]
    )
    .pipe(Database.withTimeout(timeout), Database.read(State))
  return Option.fromUndefinedOr(state)
})

const Rows = Schema.Array(Schema.Struct({ row: Schema.Array(Schema.Unknown) }))

/**
 * Copies the next batch of a website by `send`, and returns the number of its rows; none if all is copied, or if the
 * website is being deleted. Only one process at a time may copy a website.
 */
export const copyNext = Effect.fnUntraced(function* <E, R>(
  table: Table,
  hostedWebsiteId: string,
  send: (batch: Batch) => Effect.Effect<void, E, R>
): Effect.fn.Return<Option.Option<number>, StorageUnavailable | E, SqlClient.SqlClient | R> {
  const sql = yield* SqlClient.SqlClient
  const planned = yield* plan(table, hostedWebsiteId)
  if (Option.isNone(planned)) return Option.none()
  const { batchId, copiedTo, sendingTo } = planned.value
  if (batchId === null || sendingTo === null) return Option.none()
  const { columns, name, time } = table
  const site = PgTypes.uuid(hostedWebsiteId)
  const rows = yield* sql
    .unsafe(
      `SELECT json_build_array(${columns.map(([, expression]) => expression).join(", ")}) AS row FROM ${name}
        WHERE hosted_website_id = $1 AND ${time} > $2::timestamptz AND ${time} <= $3::timestamptz`,
      [site, PgTypes.text(copiedTo), PgTypes.text(sendingTo)]
    )
    .pipe(Database.withTimeout(timeout), Database.read(Rows))
  if (rows.length > 0) yield* send({ table, hostedWebsiteId, id: batchId, rows: rows.map(({ row }) => row) })
  yield* sql`UPDATE analytics_copy SET copied_to = sending_to, sending_to = NULL, batch_id = NULL
    WHERE table_name = ${PgTypes.text(name)} AND hosted_website_id = ${site} AND batch_id = ${PgTypes.uuid(batchId)}`.pipe(
    Database.withTimeout(timeout),
    Database.mapErrors
  )
  return Option.some(rows.length)
})
