/**
 * Implements `SeparateStore`, which PostgreSQL's layers use, with ClickHouse.
 *
 * @module
 */
import { type Duration, Effect, Layer, Option } from "effect"
import { bounded, ClickHouse } from "../../platform/clickhouse/ClickHouse.ts"
import * as Migrations from "../../platform/clickhouse/schema/Migrations.ts"
import type { Conversion } from "../Lead.ts"
import { SeparateStore, type VisitorQuery } from "../SeparateStore.ts"
import * as VisitorRows from "../VisitorRows.ts"
import * as Columns from "./Columns.ts"
import * as Erasure from "./Erasure.ts"

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
          }).pipe(VisitorRows.decode, bounded(timeout)),
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
        erase: (hostedWebsiteId: string) => Effect.provideContext(Erasure.erase(hostedWebsiteId, timeout), context),
        websitesWithVisits: Effect.provideContext(Erasure.websitesWithVisits(timeout), context),
        eraseVisits: (hostedWebsiteId: string) =>
          Effect.provideContext(Erasure.eraseVisits(hostedWebsiteId, timeout), context),
        dropMonthsBefore: (time: number) => Effect.provideContext(Erasure.dropMonthsBefore(time, timeout), context)
      })
    })
  )
