/**
 * Counts page views in the database. It counts as `core/Statistics.aggregate` does.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { type Duration, Effect, Layer, Schema } from "effect"
import { SqlClient } from "effect/sql"
import * as Statistics from "../core/Statistics.ts"
import { Reports } from "../services/Reports.ts"
import * as Database from "./Database.ts"

export interface Options {
  /** How long a report may take. */
  readonly timeout: Duration.Input
}

/** A count fits a number: nobody has more than 2^53 page views. */
const Total = Schema.BigInt

const Row = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("day"), name: Schema.String, views: Total, visitors: Total }),
  Schema.Struct({ kind: Schema.Literal("sessions"), name: Schema.Null, views: Total, visitors: Schema.Null }),
  Schema.Struct({
    kind: Schema.Literals(["page", "referrer", "device"]),
    name: Schema.String,
    views: Total,
    visitors: Schema.Null
  })
])
const Rows = Schema.Array(Row)

const top = (kind: string, column: string) => `
  (SELECT '${kind}', ${column}, count(*), NULL FROM view WHERE ${column} IS NOT NULL
    GROUP BY ${column} ORDER BY count(*) DESC, ${column} COLLATE "C" LIMIT ${Statistics.maxCounts})`

/** One read of the rows for all counts, so that they agree with each other. */
const statement = `
  WITH view AS MATERIALIZED (
    SELECT (received_at AT TIME ZONE 'UTC')::date AS day, path, referrer_host, device_type, session_id, visitor_hash
    FROM page_view WHERE hosted_website_id = $1 AND received_at >= $2 AND received_at < $3
  )
  SELECT 'day' AS kind, to_char(day, 'YYYY-MM-DD') AS name, count(*) AS views, count(DISTINCT visitor_hash) AS visitors
    FROM view GROUP BY day
  UNION ALL
  SELECT 'sessions', NULL, count(DISTINCT (session_id, CASE WHEN session_id IS NULL THEN visitor_hash END)), NULL
    FROM view
  UNION ALL ${top("page", "path")}
  UNION ALL ${top("referrer", "referrer_host")}
  UNION ALL ${top("device", "device_type")}`

/** The rows come in any order where a `UNION ALL` is concerned; within a kind they are sorted again here. */
const assemble = (dates: ReadonlyArray<string>, rows: typeof Rows.Type): Statistics.Statistics => {
  const counted = rows.flatMap((row) =>
    row.kind === "day" ? [{ date: row.name, pageViews: Number(row.views), visitors: Number(row.visitors) }] : []
  )
  const counts = (kind: "page" | "referrer" | "device") =>
    rows
      .flatMap((row) => (row.kind === kind ? [{ name: row.name, pageViews: Number(row.views) }] : []))
      .sort(Statistics.byPageViews)
  return {
    pageViews: counted.reduce((sum, day) => sum + day.pageViews, 0),
    visitors: counted.reduce((sum, day) => sum + day.visitors, 0),
    sessions: rows.reduce((sum, row) => (row.kind === "sessions" ? sum + Number(row.views) : sum), 0),
    days: Statistics.fillDays(dates, counted),
    pages: counts("page"),
    referrers: counts("referrer"),
    devices: counts("device")
  }
}

/** The live reports. */
export const layer = (options: Options): Layer.Layer<Reports, never, SqlClient.SqlClient> =>
  Layer.effect(
    Reports,
    Effect.gen(function* () {
      const sql = yield* SqlClient.SqlClient
      return {
        statistics: (query) => {
          const { dates, from, to } = Statistics.period(query)
          return sql
            .unsafe(statement, [
              PgTypes.uuid(query.hostedWebsiteId),
              PgTypes.timestamptz(from),
              PgTypes.timestamptz(to)
            ])
            .pipe(
              Database.bounded(options.timeout),
              Effect.flatMap(Schema.decodeUnknownEffect(Rows)),
              Effect.catchTag("SchemaError", Effect.die),
              Effect.map((rows) => assemble(dates, rows))
            )
        }
      }
    })
  )
