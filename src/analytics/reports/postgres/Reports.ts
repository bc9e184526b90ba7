/**
 * Answers queries from rollups, visits and rows in the database.
 *
 * @module
 */
import { PgClient, PgTypes } from "@effect/sql-pg"
import { Clock, Duration, Effect, Layer, type Redacted, Schema, Semaphore } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import * as Database from "../../../platform/postgres/Database.ts"
import { decodeRows } from "../../../platform/runtime/Rows.ts"
import { ReportTimeout, StorageUnavailable } from "../../../platform/Storage.ts"
import * as Counting from "../Counting.ts"
import { Reports } from "../Reports.ts"
import * as ManySites from "./ManySites.ts"
import * as Query from "./Query.ts"
import * as RollUpLoop from "./RollUpLoop.ts"

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

/** How long after a page view or event its visitor counts as current, in milliseconds. */
const currentMillis = 5 * 60_000

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
      const slots = yield* Semaphore.make(maxConnections)
      /**
       * Limits the time of a report, at the server and here. A page of the console has more reports than there are connections,
       * so the wait for a connection does not count.
       */
      const limited = <A, E>(read: Effect.Effect<A, E | SqlError.SqlError>, limit = timeout) =>
        Query.readOnly(
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
        query: (site, query) => limited(Query.answer(reportSql, site, query)),
        queryAll: Effect.fnUntraced(function* (queries) {
          const additive = queries.filter(({ query }) => Counting.isAdditive(query))
          const together = yield* limited(ManySites.answers(reportSql, additive), Duration.times(timeout, manySites))
          return yield* Effect.forEach(
            queries,
            ({ query, site }) => {
              const answer = together.get(site.hostedWebsiteId)
              return answer === undefined ? limited(Query.answer(reportSql, site, query)) : Effect.succeed(answer)
            },
            { concurrency: maxConnections }
          )
        }),
        queryCoarse: (site, query) => limited(Query.coarseAnswer(reportSql, site, query)),
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
