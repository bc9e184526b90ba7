/**
 * Deletes the rows of a website, and expired months, from the disk.
 *
 * A website's rows are deleted by mutations, which rewrite the affected parts: a lightweight deletion would only mark the rows,
 * and keep them until the parts are merged, if ever. On a cluster, each server runs the mutations of its shard.
 *
 * @module
 */
import { type Duration, Effect, Schema } from "effect"
import { bounded, ClickHouse, quoted } from "../../platform/clickhouse/ClickHouse.ts"
import * as Migrations from "../../platform/clickhouse/schema/Migrations.ts"
import * as Tables from "../../platform/clickhouse/schema/Tables.ts"
import { decodeRows } from "../../platform/runtime/Rows.ts"
import { StorageUnavailable } from "../../platform/Storage.ts"
import type { Store } from "../SeparateStore.ts"

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
