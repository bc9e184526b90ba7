/**
 * Implements `SeparateStore`, which PostgreSQL's layers use, with ClickHouse: finds the rows of visitors, stores conversions, and
 * deletes the rows of a website, and expired months, from the disk.
 *
 * A website's rows are deleted by mutations, which rewrite the affected parts: a lightweight deletion would only mark the rows,
 * and keep them until the parts are merged, if ever. On a cluster, each server runs the mutations of its shard.
 *
 * @module
 */
import { type Duration, Effect, Layer, Option, Schema } from "effect"
import { bounded, ClickHouse, quoted } from "../../platform/clickhouse/ClickHouse.ts"
import * as Migrations from "../../platform/clickhouse/schema/Migrations.ts"
import * as Tables from "../../platform/clickhouse/schema/Tables.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { StorageUnavailable } from "../../platform/Storage.ts"
import * as AnalyticsRows from "../AnalyticsRows.ts"
import type { Conversion } from "../Lead.ts"
import { SeparateStore, type Store, type VisitorQuery } from "../SeparateStore.ts"
import * as Columns from "./Columns.ts"

const Count = Schema.Tuple([Schema.Struct({ rows: Schema.Int })])

const Mutations = Schema.Tuple([Schema.Struct({ running: Schema.Int, failure: Schema.String })])

/** The system tables that deletions read. */
export const systemTables = ["mutations", "parts"] as const

type SystemTable = (typeof systemTables)[number]

/** A system table: of the server, or of all servers of a cluster. */
export const system = (target: Tables.Target, table: SystemTable): string =>
  target._tag === "Server" ? `system.${table}` : `clusterAllReplicas(${quoted(target.cluster)}, system.${table})`

const interval = "20 millis"

/** Waits until no mutation with this text runs. Fails as soon as one fails, although the server retries it. */
const awaitMutations = Effect.fnUntraced(function* (target: Tables.Target, text: string, timeout: Duration.Input) {
  const { query } = yield* ClickHouse
  while (true) {
    const [{ failure, running }] = yield* query(
      `SELECT countIf(NOT is_done) AS running, anyIf(latest_fail_error_code_name, NOT is_done AND latest_fail_reason != '') AS failure
        FROM ${system(target, "mutations")} WHERE database = currentDatabase() AND position(command, {text:String}) > 0`,
      { parameters: { text } }
    ).pipe(decodeRows(Mutations), bounded(timeout))
    if (failure !== "") {
      return yield* new StorageUnavailable({ reason: "failed", code: failure, setting: "ANALYTICS_URL" })
    }
    if (running === 0) return
    yield* Effect.sleep(interval)
  }
})

/** Deletes the rows of a website from a table, also those that are stored meanwhile, and returns their number. */
const eraseFrom = Effect.fnUntraced(function* (
  target: Tables.Target,
  name: Tables.Name,
  hostedWebsiteId: string,
  timeout: Duration.Input
) {
  const { command, query } = yield* ClickHouse
  const condition = `hosted_website_id = '${hostedWebsiteId}'`
  let erased = 0
  while (true) {
    const [{ rows }] = yield* query(`SELECT count() AS rows FROM ${name} WHERE ${condition}`).pipe(
      decodeRows(Count),
      bounded(timeout)
    )
    if (rows === 0) return erased
    erased += rows
    yield* command(
      `ALTER TABLE ${Tables.localTable(target, name)}${Tables.onCluster(target)} DELETE WHERE ${condition}`,
      {
        settings: { mutations_sync: "0" }
      }
    ).pipe(bounded(timeout))
    yield* awaitMutations(target, hostedWebsiteId, timeout)
  }
})

/** The tables with the stored visits of websites, their sums and the counts of late rows. */
const visitTables = [
  "visit_run",
  "visit_day",
  "visit",
  "visit_sum",
  "late_row"
] as const satisfies ReadonlyArray<Tables.Name>

/** See `Store.eraseVisits`. No statement takes longer than `timeout`. */
export const eraseVisits = Effect.fnUntraced(function* (hostedWebsiteId: string, timeout: Duration.Input) {
  const target = yield* bounded(timeout)(Migrations.target)
  for (const name of visitTables) yield* eraseFrom(target, name, hostedWebsiteId, timeout)
})

/** See `Store.erase`. No statement takes longer than `timeout`. */
export const erase = Effect.fnUntraced(function* (hostedWebsiteId: string, timeout: Duration.Input) {
  const target = yield* bounded(timeout)(Migrations.target)
  // Waits for the mutations of an interrupted erasure.
  yield* awaitMutations(target, hostedWebsiteId, timeout)
  const from = (name: Tables.Name) => eraseFrom(target, name, hostedWebsiteId, timeout)
  const erased = {
    page_views: yield* from("page_view"),
    bot_views: yield* from("bot_view"),
    events: yield* from("event"),
    conversions: yield* from("conversion")
  }
  // Last, because they are computed from the rows above.
  yield* eraseVisits(hostedWebsiteId, timeout)
  return erased satisfies Effect.Success<ReturnType<Store["erase"]>>
})

const Ids = Schema.Array(Schema.Struct({ id: Schema.String }))

/** See `Store.websitesWithVisits`. */
export const websitesWithVisits = Effect.fnUntraced(function* (timeout: Duration.Input) {
  const { query } = yield* ClickHouse
  const ids = visitTables.map((name) => `SELECT hosted_website_id AS id FROM ${name}`)
  const found = yield* query(`SELECT DISTINCT id FROM (${ids.join(" UNION ALL ")})`).pipe(
    decodeRows(Ids),
    bounded(timeout)
  )
  return found.map(({ id }) => id)
})

const Partitions = Schema.Array(Schema.Struct({ table: Schema.String, month: Schema.String }))

/** The name of a month's partition, such as 202611. */
const monthOf = (time: number): number => {
  const date = new Date(time)
  return date.getUTCFullYear() * 100 + date.getUTCMonth() + 1
}

/** See `Store.dropMonthsBefore`. */
export const dropMonthsBefore = Effect.fnUntraced(function* (time: number, timeout: Duration.Input) {
  const { command, query } = yield* ClickHouse
  const target = yield* bounded(timeout)(Migrations.target)
  const tables = Tables.names.map((name) => Tables.localTable(target, name))
  const partitions = yield* query(
    `SELECT DISTINCT table, partition AS month FROM ${system(target, "parts")}
      WHERE database = currentDatabase() AND active AND table IN {tables:Array(String)}
        AND toUInt32OrZero(partition) < {month:UInt32} ORDER BY month, table`,
    { parameters: { tables, month: monthOf(time) } }
  ).pipe(decodeRows(Partitions), bounded(timeout))
  for (const { month, table } of partitions) {
    yield* command(`ALTER TABLE ${table}${Tables.onCluster(target)} DROP PARTITION ${Number(month)}`, {
      // Disables the server's protection against dropping large tables by mistake.
      settings: { max_partition_size_to_drop: "0" }
    }).pipe(bounded(timeout))
  }
  return partitions.map(({ month, table }) => `${table} ${month}`)
})

export interface Options {
  /** The timeout of each statement. */
  readonly timeout: Duration.Input
}

/** The rows are sorted by day and visitor, so that a query reads few others. */
const ofVisitors = (table: "page_view" | "event", columns: string) => `SELECT session_id AS session,
    replaceAll(toString(visitor_hash), '-', '') AS hash, toUnixTimestamp64Milli(received_at) AS at, path AS page,
    CAST(country, 'Nullable(String)') AS country, ${columns}
  FROM ${table}
  WHERE hosted_website_id = {site:UUID} AND visitor_hash IN {visitors:Array(UUID)}
    AND received_at > fromUnixTimestamp64Milli({after:Int64}, 'UTC')
    AND received_at <= fromUnixTimestamp64Milli({until:Int64}, 'UTC')`

const viewColumns = ["utm_source", "utm_medium", "utm_campaign", "referrer_host", "referrer_path"] as const

const viewSql = (value: (column: string) => string) =>
  viewColumns.map((column) => `${value(column)} AS ${column}`).join(", ")

const statement = `${ofVisitors("page_view", `true AS isView, ${viewSql((column) => `CAST(${column}, 'Nullable(String)')`)}`)}
  UNION ALL ${ofVisitors("event", `false AS isView, ${viewSql(() => "CAST(NULL, 'Nullable(String)')")}`)}`

const conversionColumns: readonly [Columns.Column<Conversion>, ...Array<Columns.Column<Conversion>>] = [
  Columns.uuid("hosted_website_id", (conversion) => conversion.hostedWebsiteId),
  Columns.time("visit_started_at", (conversion) => conversion.visitStartedAt),
  Columns.text("session_key", (conversion) => conversion.sessionKey),
  Columns.text("name", (conversion) => conversion.name)
]

export const layer = ({ timeout }: Options): Layer.Layer<never, never, ClickHouse> =>
  Layer.effect(
    SeparateStore,
    Effect.gen(function* () {
      const context = yield* Effect.context<ClickHouse>()
      const { insert, query } = yield* ClickHouse
      return Option.some({
        isMigrated: Migrations.pending().pipe(
          Effect.map((pending) => pending.length === 0),
          bounded(timeout),
          Effect.provideContext(context)
        ),
        visitorRows: ({ after, hostedWebsiteId, until, visitorHashes }: VisitorQuery) =>
          query(statement, {
            parameters: { site: hostedWebsiteId, visitors: [...visitorHashes], after, until },
            // The server's query log would store the hashes.
            settings: { log_queries: 0 }
          }).pipe(AnalyticsRows.decodeVisitors, bounded(timeout)),
        addConversions: (batchId: string, conversions: ReadonlyArray<Conversion>) => {
          const [first, ...others] = conversionColumns
          return insert({
            table: "conversion",
            columns: [first.name, ...others.map(({ name }) => name)],
            // A conversion that cannot be stored is dropped, because it would block all later ones.
            rows: conversions.flatMap((conversion) => {
              const values = Columns.valuesOf(conversionColumns, conversion)
              return values === undefined ? [] : [values]
            }),
            token: batchId
          }).pipe(bounded(timeout))
        },
        erase: (hostedWebsiteId: string) => Effect.provideContext(erase(hostedWebsiteId, timeout), context),
        websitesWithVisits: Effect.provideContext(websitesWithVisits(timeout), context),
        eraseVisits: (hostedWebsiteId: string) => Effect.provideContext(eraseVisits(hostedWebsiteId, timeout), context),
        dropMonthsBefore: (time: number) => Effect.provideContext(dropMonthsBefore(time, timeout), context)
      })
    })
  )
