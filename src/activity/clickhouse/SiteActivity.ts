/**
 * Reads the recent activity of a website: page views and events from ClickHouse, the rest from PostgreSQL.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg/PgClient"
import { Clock, type Duration, Effect, Layer } from "effect"
import type { SqlError } from "effect/sql"
import * as AnalyticsRows from "../../analytics/AnalyticsRows.ts"
import * as AnalyticsExport from "../../analytics/clickhouse/AnalyticsExport.ts"
import { Parameters } from "../../analytics/reports/clickhouse/Parameters.ts"
import * as VisitSql from "../../analytics/reports/clickhouse/VisitSql.ts"
import { bounded, ClickHouse } from "../../platform/clickhouse/ClickHouse.ts"
import * as Database from "../../platform/postgres/Database.ts"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as Activities from "../Activity.ts"
import * as PostgresActivity from "../postgres/SiteActivity.ts"

const rowSources = [
  { table: "page_view", columns: AnalyticsExport.viewColumns, decode: AnalyticsRows.decodeView },
  { table: "event", columns: AnalyticsExport.eventColumns, decode: AnalyticsRows.decodeEvent }
] as const

/**
 * The periods, in days, that are read in turn until they have enough rows, unless only the rows of some sessions are wanted. Without a
 * period, ClickHouse would sort all rows of the website, because tables are sorted by day and not by time.
 */
const periods = [0.1, 2, 60, Number.POSITIVE_INFINITY]

export interface Options {
  /** The timeout of the statements for each table. */
  readonly timeout: Duration.Input
}

export const layer = ({
  timeout
}: Options): Layer.Layer<Activities.SiteActivity, SqlError.SqlError, ClickHouse | PgClient> =>
  Layer.effect(
    Activities.SiteActivity,
    Effect.flatMap(ClickHouse, ({ query }) => {
      const read = (
        { columns, table }: (typeof rowSources)[number],
        hostedWebsiteId: string,
        asked: Activities.RowQuery
      ) => {
        const parameters = new Parameters()
        const hasKey =
          asked.keys === "all" ? "true" : `${VisitSql.sources[table].key} IN ${parameters.texts(asked.keys)}`
        // In a subquery, because ClickHouse reads `visitor_hash` in a condition as the alias of the columns, which is a text.
        const rows = `SELECT * FROM ${table} WHERE hosted_website_id = ${parameters.uuid(hostedWebsiteId)}
          AND received_at >= ${parameters.time(asked.from)} AND received_at <= ${parameters.time(asked.to)} AND ${hasKey}
          ORDER BY received_at DESC LIMIT ${asked.searched}`
        return query(`SELECT ${columns} FROM (${rows})`, {
          parameters: parameters.values,
          // The server's query log would store the session keys.
          settings: { log_queries: 0 }
        })
      }

      /** The rows of the shortest period that has enough of them. */
      const latestOf = Effect.fnUntraced(function* (
        source: (typeof rowSources)[number],
        hostedWebsiteId: string,
        asked: Activities.RowQuery
      ) {
        const now = yield* Clock.currentTimeMillis
        for (const days of periods) {
          const from = Math.max(asked.from, now - days * Calendar.dayMillis)
          const found = yield* read(source, hostedWebsiteId, { ...asked, from })
          if (found.length >= asked.searched || from === asked.from) return found
        }
        return []
      })

      return PostgresActivity.make(({ hostedWebsiteId }, asked) =>
        Effect.forEach(rowSources, (source) =>
          (asked.keys === "all" ? latestOf : read)(source, hostedWebsiteId, asked).pipe(
            Effect.flatMap((rows) => Effect.forEach(rows, (row) => source.decode(row, hostedWebsiteId))),
            bounded(timeout)
          )
        ).pipe(Effect.map((found) => found.flat()))
      )
    })
  ).pipe(Layer.provide(Database.layerOwner))
