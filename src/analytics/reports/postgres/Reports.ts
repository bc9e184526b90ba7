/**
 * Answers queries from rollups, visits and rows in the database. A query reads in one read-only transaction, so that all of its
 * statements see the same rows.
 *
 * @module
 */

import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Duration, Effect, Layer, type Redacted, Schema, Semaphore } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { ReportTimeout, type ReportTooLarge, StorageUnavailable } from "../../../platform/Storage.ts"
import { dayMillis } from "../../../platform/text/Calendar.ts"
import type { Answer } from "../Answer.ts"
import * as Assembly from "../Assembly.ts"
import * as Counting from "../Counting.ts"
import * as ManySites from "../ManySites.ts"
import type { Query } from "../Query.ts"
import { currentMillis, EventProperty, latest, type ReportError, type ReportSite, Reports } from "../Reports.ts"
import * as StoredCounts from "./Counting.ts"
import * as ManySitesSql from "./ManySites.ts"
import * as RollUpLoop from "./RollUpLoop.ts"
import * as Tails from "./Tails.ts"

/** The maximum of PostgreSQL's `statement_timeout`, in milliseconds: 24 days. */
const maxTimeout = 2 ** 31 - 1

/** The time as a value of `statement_timeout`, for which 0 means no limit. */
const statementTimeout = (timeout: Duration.Input): string =>
  String(Math.min(maxTimeout, Math.max(1, Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(timeout))))))

/**
 * Runs reads in a transaction that sees one snapshot. The server ends a statement that takes longer than `timeout`. Parallel
 * workers and just-in-time compilation are off: a report uses at most one processor, and its statements are long but too fast to
 * be worth compiling. A connection plans a statement once: nine queries of a dashboard over twelve months cost 26 ms instead of the 46
 * that they cost if each is planned for its values, and those that read many visits cost about the same (2026-11-30).
 *
 * Nested loops are off where another join is possible: the planner has no statistics of a statement's own expressions, or of a
 * partition that was never analyzed. It then underestimates the rows, and nested loops take minutes.
 */
export const readOnly =
  (sql: SqlClient.SqlClient, timeout: Duration.Input) =>
  <A, E, R>(read: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError.SqlError, R> =>
    sql
      .unsafe(
        `SELECT set_config('statement_timeout', $1, true), set_config('work_mem', '64MB', true),
          set_config('max_parallel_workers_per_gather', '0', true), set_config('jit', 'off', true),
          set_config('plan_cache_mode', 'force_generic_plan', true), set_config('enable_nestloop', 'off', true)`,
        [PgTypes.text(statementTimeout(timeout))]
      )
      .pipe(
        Effect.andThen(read),
        sql.withTransaction,
        Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY")
      )

/** What the reports of a process read: they share the tails of days. */
export const makeReader = (sql: SqlClient.SqlClient): Effect.Effect<StoredCounts.Reader> =>
  Effect.map(Tails.make(sql), (tails) => ({ sql, tails }))

/** The counts of a query. `maxGroups` is the maximum number of groups of a statement. */
const count = (reader: StoredCounts.Reader, site: ReportSite, query: Query, maxGroups?: number) =>
  Counting.inRanges<SqlError.SqlError | ReportTooLarge, never>(
    query,
    () =>
      Effect.map(ManySitesSql.firstReceived(reader.sql, [site]), (firsts) => firsts.get(site.hostedWebsiteId) ?? null),
    (range) => StoredCounts.count(reader, site, query, range, maxGroups)
  )

/** The answer to a query. `maxGroups` is the maximum number of groups of a statement. */
export const answer = (
  reader: StoredCounts.Reader,
  site: ReportSite,
  query: Query,
  maxGroups?: number
): Effect.Effect<Answer, SqlError.SqlError | ReportTooLarge> =>
  Effect.map(count(reader, site, query, maxGroups), ({ compared, counted }) =>
    Assembly.answer(query, counted, compared)
  )

export interface Options {
  /** The timeout of a report once it has a connection. With the wait for a connection, it may take twice as long. */
  readonly timeout: Duration.Input
  /** The URL of the database that reports read, if it is not the service's: a replica. */
  readonly reader?: Redacted.Redacted | undefined
}

/** Reports have connections of their own, so that they do not delay other statements. */
const maxConnections = 2

/** Maximum number of prepared statements per connection. Each takes up to 2 MB of the server's memory, 0.7 MB on average. */
const maxPreparedStatements = 50

/** A report of many websites may take this many times as long as one of a single website. */
const manySites = 12

const Properties = Schema.Array(EventProperty)

const Visitors = Schema.Tuple([Schema.Struct({ visitors: Schema.Int })])

export const layer = (options: Options): Layer.Layer<Reports, SqlError.SqlError, PgClient.PgClient> =>
  Layer.effect(
    Reports,
    Effect.gen(function* () {
      const sql = yield* PgClient.PgClient
      const reportSql = yield* Database.dedicated({
        maxConnections,
        preparedStatementCacheSize: maxPreparedStatements,
        url: options.reader
      })
      const timeout = Duration.fromInputUnsafe(options.timeout)
      const reader = yield* makeReader(reportSql)
      const slots = yield* Semaphore.make(maxConnections)
      /**
       * Limits the time of a report, at the server and here. A page of the console has more reports than there are connections,
       * so the wait for a connection does not count.
       */
      const limited = <A, E>(read: Effect.Effect<A, E | SqlError.SqlError>, limit = timeout) =>
        readOnly(
          reportSql,
          limit
        )(read).pipe(
          Database.withTimeout(limit),
          slots.withPermits(1),
          Effect.timeoutOrElse({
            duration: Duration.times(limit, 2),
            orElse: () => Effect.fail(new StorageUnavailable({ reason: "timeout" }))
          }),
          Database.mapErrors,
          Effect.catchIf(
            (error) => error instanceof StorageUnavailable && error.reason === "timeout",
            () => Effect.fail(new ReportTimeout({ limit: Duration.format(limit) }))
          ),
          Effect.mapError((error) =>
            error instanceof StorageUnavailable && options.reader !== undefined
              ? new StorageUnavailable({
                  reason: error.reason,
                  code: error.code,
                  cause: error.cause,
                  setting: "DATABASE_READ_URL"
                })
              : error
          )
        )
      return {
        query: (site, query) => limited(answer(reader, site, query)),
        queryAll: Effect.fnUntraced(function* (queries) {
          const limitedMany = <A>(read: Effect.Effect<A, SqlError.SqlError>) =>
            limited(read, Duration.times(timeout, manySites))
          return yield* ManySites.answers<ReportError>(
            {
              firstReceived: (sites) => limitedMany(ManySitesSql.firstReceived(reportSql, sites)),
              count: (batch, range) => limitedMany(ManySitesSql.count(reportSql, batch, range)),
              answer: (site, query) => limited(answer(reader, site, query)),
              concurrency: maxConnections
            },
            queries
          )
        }),
        count: (site, query) => limited(count(reader, site, query)),
        currentVisitors: Effect.fnUntraced(function* (site) {
          const now = yield* Clock.currentTimeMillis
          const [{ visitors }] = yield* reportSql`
            SELECT count(DISTINCT visitor_hash)::int AS visitors FROM (
              SELECT hosted_website_id, received_at, visitor_hash FROM page_view
              UNION ALL SELECT hosted_website_id, received_at, visitor_hash FROM event
            ) AS received
            WHERE hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)}
              AND received_at > ${PgTypes.timestamptz(now - currentMillis)} AND received_at <= ${PgTypes.timestamptz(now)}`.pipe(
            decodeRows(Visitors),
            (read) => limited(read)
          )
          return visitors
        }),
        properties: Effect.fnUntraced(function* (site) {
          const since = (yield* Clock.currentTimeMillis) - latest.days * dayMillis
          return yield* reportSql`
            SELECT event, property, count(*)::int AS events FROM (
              SELECT name AS event, properties FROM event
              WHERE hosted_website_id = ${PgTypes.uuid(site.hostedWebsiteId)}
                AND received_at > ${PgTypes.timestamptz(since)} AND properties IS NOT NULL
              ORDER BY received_at DESC LIMIT ${PgTypes.int4(latest.events)}
            ) AS late CROSS JOIN LATERAL json_object_keys(properties) AS property
            GROUP BY event, property
            ORDER BY events DESC, event COLLATE "C", property COLLATE "C" LIMIT ${PgTypes.int4(latest.properties)}`.pipe(
            decodeRows(Properties),
            (read) => limited(read)
          )
        }),
        lastReceived: (sites) =>
          Effect.flatMap(Clock.currentTimeMillis, (now) => limited(ManySitesSql.lastReceived(reportSql, sites, now))),
        rebuild: (site) =>
          RollUpLoop.rebuild(site?.hostedWebsiteId).pipe(
            Effect.provideService(SqlClient.SqlClient, sql),
            // A rebuild takes as long as the rows of the websites require.
            Database.withTimeout(Duration.infinity),
            Effect.catchTag("TimeoutError", () => Effect.fail(new StorageUnavailable({ reason: "timeout" }))),
            Effect.catchTag("SqlError", (error) => Effect.fail(Database.unavailable(error)))
          )
      }
    })
  )
