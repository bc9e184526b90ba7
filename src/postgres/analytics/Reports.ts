/**
 * Statistics of page views, counted in the database by the rules of `core/analytics/Statistics.aggregate`.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Duration, Effect, Layer, Record, Schema } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as Statistics from "../../core/analytics/Statistics.ts"
import { decodeRows } from "../../runtime/Rows.ts"
import { Reports, ReportTimeout } from "../../services/analytics/Reports.ts"
import { StorageUnavailable } from "../../services/Storage.ts"
import * as Database from "../Database.ts"
import * as Query from "./reports/Query.ts"
import * as Rollups from "./reports/Rollups.ts"

export interface Options {
  /** How long a report may take. */
  readonly timeout: Duration.Input
}

/** The connections of a process for reports, so that no report delays another statement. */
const connections = 2

/** How far back `now` looks. */
const recent = 5 * 60_000

const Visitors = Schema.Tuple([Schema.Struct({ visitors: Schema.Int })])

/** Decoded as bigint; converting to number is safe below 2^53 page views. */
const Total = Schema.BigInt

/** The column that each list counts. */
const columns: Readonly<Record<Statistics.List, string>> = {
  pages: "path",
  referrers: "referrer_host",
  sources: "utm_source",
  mediums: "utm_medium",
  campaigns: "utm_campaign",
  terms: "utm_term",
  contents: "utm_content",
  browsers: "browser",
  operatingSystems: "os",
  devices: "device_type"
}

const Row = Schema.Union([
  Schema.Struct({ kind: Schema.Literal("day"), name: Schema.String, views: Total, visitors: Total }),
  Schema.Struct({ kind: Schema.Literal("sessions"), name: Schema.Null, views: Total, visitors: Schema.Null }),
  Schema.Struct({
    kind: Schema.Literals(Record.keys(columns)),
    name: Schema.String,
    views: Total,
    visitors: Schema.Null
  })
])
const Rows = Schema.Array(Row)

const listed = Object.values(columns).join(", ")

/**
 * One pass over the rows for all counts, which is much cheaper than one pass each and keeps them consistent. Visitors per day
 * and sessions are grouping sets too, counted afterwards.
 */
const statement = `
  WITH view AS (
    SELECT (received_at AT TIME ZONE 'UTC')::date AS day, visitor_hash, session_id,
      CASE WHEN session_id IS NULL THEN visitor_hash END AS without_session, ${listed}
    FROM page_view WHERE hosted_website_id = $1 AND received_at >= $2 AND received_at < $3
  ), counted AS MATERIALIZED (
    SELECT CASE 0 WHEN GROUPING(day) THEN 'day' WHEN GROUPING(session_id) THEN 'sessions'
        ${Object.entries(columns)
          .map(([list, column]) => `WHEN GROUPING(${column}) THEN '${list}'`)
          .join(" ")} END AS kind,
      day, coalesce(${listed}) AS name, count(*) AS views
    FROM view GROUP BY GROUPING SETS ((day, visitor_hash), (session_id, without_session), ${listed})
  )
  SELECT kind, to_char(day, 'YYYY-MM-DD') AS name, sum(views)::bigint AS views, count(*) AS visitors
    FROM counted WHERE kind = 'day' GROUP BY kind, day
  UNION ALL
  SELECT 'sessions', NULL, count(*), NULL FROM counted WHERE kind = 'sessions'
  UNION ALL
  SELECT kind, name, views, NULL FROM (
    SELECT *, row_number() OVER (PARTITION BY kind ORDER BY views DESC, name COLLATE "C") AS place
    FROM counted WHERE name IS NOT NULL
  ) AS ranked WHERE place <= ${Statistics.maxCounts}`

/** Assembles the statistics. Sorts each list, since `UNION ALL` guarantees no order. */
const assemble = (dates: ReadonlyArray<string>, rows: typeof Rows.Type): Statistics.Statistics => {
  const counted = rows.flatMap((row) =>
    row.kind === "day" ? [{ date: row.name, pageViews: Number(row.views), visitors: Number(row.visitors) }] : []
  )
  return {
    pageViews: counted.reduce((sum, day) => sum + day.pageViews, 0),
    // The sum over days: a visitor's hash changes every day.
    visitors: counted.reduce((sum, day) => sum + day.visitors, 0),
    sessions: rows.reduce((sum, row) => (row.kind === "sessions" ? sum + Number(row.views) : sum), 0),
    days: Statistics.fillDays(dates, counted),
    ...Statistics.makeLists((list) =>
      rows
        .flatMap((row) => (row.kind === list ? [{ name: row.name, pageViews: Number(row.views) }] : []))
        .sort(Statistics.byPageViews)
    )
  }
}

/** The live reports. */
export const layer = (options: Options): Layer.Layer<Reports, SqlError.SqlError, PgClient.PgClient> =>
  Layer.effect(
    Reports,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const reports = yield* Database.dedicated({ maxConnections: connections })
      const limit = Duration.fromInputUnsafe(options.timeout)
      const tooLong = new ReportTimeout({ limit: Duration.format(limit) })
      /** Bounds the reads of a report, at the server and here. */
      const limited = <A>(read: Effect.Effect<A, SqlError.SqlError>) =>
        Query.readOnly(
          reports,
          limit
        )(read).pipe(
          Database.bounded(limit),
          Effect.catchIf(
            ({ reason }) => reason === "timeout",
            () => Effect.fail(tooLong)
          )
        )
      return {
        query: (site, query) => limited(Query.answer(reports, site, query)),
        now: Effect.fnUntraced(function* (site) {
          const now = yield* Clock.currentTimeMillis
          const [{ visitors }] = yield* reports`
            SELECT count(DISTINCT visitor_hash)::int AS visitors FROM (
              SELECT hosted_website_id, received_at, visitor_hash FROM page_view
              UNION ALL SELECT hosted_website_id, received_at, visitor_hash FROM event
            ) AS received
            WHERE hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)}
              AND received_at > ${PgTypes.timestamptz(now - recent)} AND received_at <= ${PgTypes.timestamptz(now)}`.pipe(
            decodeRows(Visitors),
            limited
          )
          return visitors
        }),
        rebuild: (site) =>
          Rollups.rebuild(site?.hostedWebsiteId).pipe(
            Effect.provideService(SqlClient.SqlClient, sql),
            Effect.catchTag("TimeoutError", () => Effect.fail(new StorageUnavailable({ reason: "timeout" }))),
            Effect.catchTag("SqlError", (error) => Effect.fail(Database.unavailable(error)))
          ),
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
              decodeRows(Rows),
              Effect.map((rows) => assemble(dates, rows))
            )
        }
      }
    })
  )
