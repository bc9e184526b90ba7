/**
 * The tables of page views, events, conversions, stored visits and their sums, for one server or for a cluster. Pure: returns SQL text.
 *
 * Page views and events are sorted by website and day, so that a report reads few rows of other websites and days, and then
 * by visitor, so that the rows of a visit are adjacent and compress well. A month is a partition, which the retention drops; one
 * of a year has the number of its last month.
 * `LowCardinality` stores each text once per part. Empty texts differ from nulls, as in PostgreSQL, except in stored visits.
 * The visitor hash is 16 bytes, as a UUID.
 *
 * By default, ClickHouse does not sync inserts to disk, and deduplicates them in replicated tables only. Settings of the tables
 * enable both everywhere.
 *
 * @module
 */
import { quoted } from "../ClickHouse.ts"

/** Where the tables are: on one server, or on all servers of a cluster. `cluster` is its name in the servers' configuration. */
export type Target = { readonly _tag: "Server" } | { readonly _tag: "Cluster"; readonly cluster: string }

export const server: Target = { _tag: "Server" }

export const names = [
  "page_view",
  "bot_view",
  "event",
  "conversion",
  "visit",
  "visit_day",
  "visit_run",
  "visit_sum",
  "late_row"
] as const

export type Name = (typeof names)[number]

/** The table with the applied migrations. */
export const versions = "schema_migration"

type Column = readonly [name: string, type: string]

export interface TableDefinition {
  readonly name: Name
  readonly columns: ReadonlyArray<Column>
  /** The column of a row's time. */
  readonly time: "received_at" | "visit_started_at" | "day" | "bucket"
  readonly order: string
  /** Partitions of a year instead of a month, for reports that read a few of a website's rows of each day. */
  readonly isByYear?: boolean
}

/** The number of latest batches of a table that the server remembers for deduplication. */
const deduplicationWindow = 10_000

const durable = "fsync_after_insert = 1, fsync_part_directory = 1"

/** The table that stores the rows: on a cluster, the local table of a shard, to which the `Distributed` table sends them. */
export const localTable = (target: Target, name: Name): string => (target._tag === "Server" ? name : `${name}_shard`)

export const onCluster = (target: Target): string =>
  target._tag === "Server" ? "" : ` ON CLUSTER ${quoted(target.cluster)}`

/** The statements that create a table. Each does nothing if its table exists. */
export const create = (
  target: Target,
  { columns, isByYear = false, name, order, time }: TableDefinition
): ReadonlyArray<string> => {
  const local = localTable(target, name)
  const isServer = target._tag === "Server"
  const engine = isServer
    ? "MergeTree"
    : `ReplicatedMergeTree('/clickhouse/tables/{shard}/{database}/${local}', '{replica}')`
  const windowName = isServer ? "non_replicated_deduplication_window" : "replicated_deduplication_window"
  const rows = `CREATE TABLE IF NOT EXISTS ${local}${onCluster(target)} (
    ${columns.map(([column, type]) => `${column} ${type}`).join(",\n    ")}
  ) ENGINE = ${engine} PARTITION BY ${isByYear ? `toYear(${time}) * 100 + 12` : `toYYYYMM(${time})`} ORDER BY ${order}
  SETTINGS ${isByYear ? "index_granularity = 1024, " : ""}${windowName} = ${deduplicationWindow}, ${durable}`
  if (isServer) return [rows]
  // Rows are distributed by website, so that a report reads one shard.
  return [
    rows,
    `CREATE TABLE IF NOT EXISTS ${name}${onCluster(target)} AS ${local}
  ENGINE = Distributed(${quoted(target.cluster)}, currentDatabase(), ${local}, sipHash64(hosted_website_id))`
  ]
}

/**
 * The statements that add a column. Each does nothing if the column exists. Earlier rows have the default of the column. On a
 * cluster, the local tables get it first, because the `Distributed` table reads it from them.
 */
export const addColumn = (target: Target, name: Name, [column, type]: Column): ReadonlyArray<string> =>
  [...new Set([localTable(target, name), name])].map(
    (table) => `ALTER TABLE ${table}${onCluster(target)} ADD COLUMN IF NOT EXISTS ${column} ${type}`
  )

/** The statement that creates a view that inserts into `to` what `select` returns of each batch that is inserted into `from`. */
export const createView = (
  target: Target,
  {
    from,
    name,
    select,
    to
  }: { readonly name: string; readonly from: Name; readonly to: Name; readonly select: (table: string) => string }
): string =>
  `CREATE MATERIALIZED VIEW IF NOT EXISTS ${name}${onCluster(target)} TO ${localTable(target, to)} AS ${select(localTable(target, from))}`

/** The statement that creates the table with the applied migrations. On a cluster, each server has all of its rows. */
export const createVersions = (target: Target): string => {
  const engine =
    target._tag === "Server"
      ? "MergeTree"
      : `ReplicatedMergeTree('/clickhouse/tables/{database}/${versions}', '{shard}-{replica}')`
  return `CREATE TABLE IF NOT EXISTS ${versions}${onCluster(target)} (
    id UInt32,
    name String,
    applied_at DateTime('UTC') DEFAULT now()
  ) ENGINE = ${engine} ORDER BY id SETTINGS ${durable}`
}

/**
 * One change of the tables.
 *
 * ClickHouse has no transactions for changes of tables, so a migration may be interrupted and run again, or run in two processes
 * at once: each statement must do nothing if it was applied before (`IF NOT EXISTS`). While it runs, and until they are replaced,
 * processes of the version before still insert and read: a new column needs a default, which ClickHouse has for every type.
 */
export interface Migration {
  /** From 1, without gaps. */
  readonly id: number
  readonly name: string
  /** The tables that it creates. If one of them is missing, the migration and all later ones are applied again. */
  readonly creates: ReadonlyArray<Name>
  readonly statements: (target: Target) => ReadonlyArray<string>
}

/** The id and the name in one text, such as `0001_tables`. */
export const titleOf = ({ id, name }: Migration): string => `${String(id).padStart(4, "0")}_${name}`
