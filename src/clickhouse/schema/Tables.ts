/**
 * The tables of page views, events, conversions and stored visits, for one server or for a cluster. Pure: returns SQL text.
 *
 * Page views and events are sorted by website and day, so that a report reads few rows of other websites and days, and then
 * by visitor, so that the rows of a visit are adjacent and compress well. A month is a partition, which the retention drops.
 * `LowCardinality` stores each text once per part. Empty texts differ from nulls, as in PostgreSQL, except in stored visits.
 * The visitor hash is 16 bytes, as a UUID.
 *
 * By default, ClickHouse does not sync inserts to disk, and deduplicates them in replicated tables only. Settings of the tables
 * enable both everywhere.
 *
 * @module
 */
import * as VisitSql from "../analytics/reports/VisitSql.ts"
import { quoted } from "../Literal.ts"

/** Where the tables are: on one server, or on all servers of a cluster. `cluster` is its name in the servers' configuration. */
export type Target = { readonly _tag: "Server" } | { readonly _tag: "Cluster"; readonly cluster: string }

export const server: Target = { _tag: "Server" }

export interface Table {
  readonly name: "page_view" | "bot_view" | "event" | "conversion" | "visit" | "visit_day"
  readonly columns: ReadonlyArray<readonly [name: string, type: string]>
  /** The column of a row's time. */
  readonly time: "received_at" | "visit_started_at" | "day"
  readonly order: string
}

const lowCardinality = "LowCardinality(String)"
const lowCardinalityOrNull = "LowCardinality(Nullable(String))"
const textOrNull = "Nullable(String) CODEC(ZSTD(1))"
const time = "DateTime64(3, 'UTC') CODEC(Delta, ZSTD(1))"

const order = "(hosted_website_id, toDate(received_at), visitor_hash, received_at)"

const viewColumns: Table["columns"] = [
  ["hosted_website_id", "UUID"],
  ["received_at", time],
  ["path", lowCardinality],
  ["utm_source", lowCardinalityOrNull],
  ["utm_medium", lowCardinalityOrNull],
  ["utm_campaign", lowCardinalityOrNull],
  ["utm_term", lowCardinalityOrNull],
  ["utm_content", lowCardinalityOrNull],
  ["referrer_host", lowCardinalityOrNull],
  ["referrer_path", textOrNull],
  ["device_type", lowCardinalityOrNull],
  ["screen_width", "Nullable(UInt16)"],
  ["session_id", textOrNull],
  ["browser", lowCardinalityOrNull],
  ["os", lowCardinalityOrNull],
  ["visitor_hash", "UUID"],
  ["country", lowCardinalityOrNull]
]

export const tables: ReadonlyArray<Table> = [
  { name: "page_view", time: "received_at", order, columns: viewColumns },
  { name: "bot_view", time: "received_at", order, columns: [...viewColumns, ["reason", lowCardinality]] },
  {
    name: "event",
    time: "received_at",
    order,
    columns: [
      ["hosted_website_id", "UUID"],
      ["received_at", time],
      ["name", lowCardinality],
      ["path", lowCardinality],
      ["session_id", textOrNull],
      ["visitor_hash", "UUID"],
      ["device_type", lowCardinalityOrNull],
      ["browser", lowCardinalityOrNull],
      ["os", lowCardinalityOrNull],
      ["country", lowCardinalityOrNull],
      // JSON: an object of texts, numbers and booleans.
      ["properties", textOrNull],
      // The same properties, each value as the text that JavaScript makes of it.
      ["property_texts", "Map(String, String)"],
      ["revenue_amount", "Nullable(Decimal(18, 3))"],
      ["revenue_currency", lowCardinalityOrNull],
      ["is_interactive", "Bool"]
    ]
  },
  {
    name: "conversion",
    time: "visit_started_at",
    order: "(hosted_website_id, visit_started_at)",
    columns: [
      ["hosted_website_id", "UUID"],
      ["visit_started_at", time],
      ["session_key", "String CODEC(ZSTD(1))"],
      ["name", lowCardinality]
    ]
  },
  // Visits of past days, computed from `page_view`, `event` and `conversion`; see `clickhouse/analytics/reports/DayRollUp`.
  {
    name: "visit",
    time: "day",
    order: "(hosted_website_id, day, roll)",
    columns: [
      ["hosted_website_id", "UUID"],
      ["day", "Date"],
      ["roll", "UInt64"],
      ...VisitSql.columns.map(([name, type]) => [name, type.startsWith("DateTime") ? time : type] as const)
    ]
  },
  // The rollup runs of each day: the one with the highest `roll` is current. `row_count` and `row_hash` identify the rows it
  // read.
  {
    name: "visit_day",
    time: "day",
    order: "(hosted_website_id, day)",
    columns: [
      ["hosted_website_id", "UUID"],
      ["day", "Date"],
      ["roll", "UInt64"],
      ["version", lowCardinality],
      ["last_hour", "UInt32"],
      ["row_count", "UInt64"],
      ["row_hash", "UInt32"]
    ]
  }
]

/** The number of latest batches of a table that the server remembers for deduplication. */
const deduplicationWindow = 10_000

const durable = "fsync_after_insert = 1, fsync_part_directory = 1"

/** The table that stores the rows: on a cluster, the local table of a shard, to which the `Distributed` table sends them. */
export const localTable = (target: Target, name: Table["name"]): string =>
  target._tag === "Server" ? name : `${name}_shard`

export const onCluster = (target: Target): string =>
  target._tag === "Server" ? "" : ` ON CLUSTER ${quoted(target.cluster)}`

const createTable = (target: Target, { columns, name, order, time }: Table): ReadonlyArray<string> => {
  const local = localTable(target, name)
  const isServer = target._tag === "Server"
  const engine = isServer
    ? "MergeTree"
    : `ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/${local}', '{replica}')`
  const windowName = isServer ? "non_replicated_deduplication_window" : "replicated_deduplication_window"
  const rows = `CREATE TABLE IF NOT EXISTS ${local}${onCluster(target)} (
    ${columns.map(([column, type]) => `${column} ${type}`).join(",\n    ")}
  ) ENGINE = ${engine} PARTITION BY toYYYYMM(${time}) ORDER BY ${order}
  SETTINGS ${windowName} = ${deduplicationWindow}, ${durable}`
  if (isServer) return [rows]
  // Rows are distributed by website, so that a report reads one shard.
  return [
    rows,
    `CREATE TABLE IF NOT EXISTS ${name}${onCluster(target)} AS ${local}
  ENGINE = Distributed(${quoted(target.cluster)}, currentDatabase(), ${local}, sipHash64(hosted_website_id))`
  ]
}

/** The statements that create the tables. Each does nothing for a table that exists. */
export const create = (target: Target): ReadonlyArray<string> => tables.flatMap((table) => createTable(target, table))
