/**
 * Answers a query in one read-only transaction, so that all of its statements see the same rows.
 *
 * @module
 */
import { PgTypes } from "@effect/sql-pg"
import { Duration, Effect } from "effect"
import { SqlClient, type SqlError } from "effect/sql"
import type { ReportTooLarge } from "../../../platform/Storage.ts"
import * as SmallCounts from "../../shares/SmallCounts.ts"
import type { Answer } from "../Answer.ts"
import * as Assembly from "../Assembly.ts"
import * as DateRange from "../DateRange.ts"
import * as LocalTime from "../LocalTime.ts"
import type { Query } from "../Query.ts"
import type { ReportSite } from "../Reports.ts"
import * as Counting from "./Counting.ts"
import * as RollupState from "./RollupState.ts"

/** The maximum of PostgreSQL's `statement_timeout`, in milliseconds: 24 days. */
const maxTimeout = 2 ** 31 - 1

/** The time as a value of `statement_timeout`, for which 0 means no limit. */
const statementTimeout = (timeout: Duration.Input): string =>
  String(Math.min(maxTimeout, Math.max(1, Math.ceil(Duration.toMillis(Duration.fromInputUnsafe(timeout))))))

/**
 * Runs reads in a transaction that sees one snapshot. The server ends a statement that takes longer than `timeout`. Parallel
 * workers and just-in-time compilation are off: a report uses at most one processor, and its statements are long but too fast to
 * be worth compiling. A connection plans a statement once; see `Counting` for those that are planned each time.
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

/** The counts of a query in its range, and in the range of its comparison. */
interface BothCounts {
  readonly counted: Assembly.Counted
  readonly compared: Assembly.Counted | null
}

const count = Effect.fnUntraced(function* (
  sql: SqlClient.SqlClient,
  site: ReportSite,
  query: Query,
  allowed: Counting.Reading,
  maxGroups?: number
): Effect.fn.Return<BothCounts, SqlError.SqlError | ReportTooLarge> {
  const first = query.range.first === null ? yield* RollupState.firstReceivedAt(sql, site.hostedWebsiteId) : null
  const local = first === null ? null : LocalTime.zone(query.timeZone).toLocal(first)
  const range = DateRange.resolved(query, local)
  const counted = yield* Counting.count(sql, site, query, range, allowed, maxGroups)
  const compared =
    query.comparison === null
      ? null
      : yield* Counting.count(
          sql,
          site,
          query,
          DateRange.compared(range, { ...query, comparison: query.comparison }),
          allowed,
          maxGroups
        )
  return { counted, compared }
})

/** The answer to a query. `allowed` is the data that may be read. `maxGroups` is the maximum number of groups of a statement. */
export const answer = (
  sql: SqlClient.SqlClient,
  site: ReportSite,
  query: Query,
  allowed: Counting.Reading = "rollups",
  maxGroups?: number
): Effect.Effect<Answer, SqlError.SqlError | ReportTooLarge> =>
  Effect.map(count(sql, site, query, allowed, maxGroups), ({ compared, counted }) =>
    Assembly.answer(query, counted, compared)
  )

/** The answer to a query, with coarse counts. */
export const coarseAnswer = (
  sql: SqlClient.SqlClient,
  site: ReportSite,
  query: Query
): Effect.Effect<SmallCounts.CoarseAnswer, SqlError.SqlError | ReportTooLarge> =>
  Effect.map(count(sql, site, SmallCounts.queryToCount(query), "rollups"), ({ compared, counted }) =>
    SmallCounts.answer(query, counted, compared)
  )
