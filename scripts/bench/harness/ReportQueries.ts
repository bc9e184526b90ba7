/**
 * The queries that the bench measures for reports, and how long they take.
 *
 * @module
 */
import { performance } from "node:perf_hooks"
import type { PgClient } from "@effect/sql-pg"
import { Duration, Effect, Option, Schema } from "effect"
import { SqlError } from "effect/sql"
import * as DateRange from "../../../src/analytics/reports/DateRange.ts"
import * as Query from "../../../src/analytics/reports/postgres/Reports.ts"
import type { Request } from "../../../src/analytics/reports/Query.ts"
import type { ReportSite } from "../../../src/analytics/reports/Reports.ts"
import * as Database from "../../../src/platform/postgres/Database.ts"
import * as ReportQuery from "../../../test/support/ReportQuery.ts"
import * as TestTime from "../../../test/support/TestTime.ts"
import * as ProcessorTime from "./ProcessorTime.ts"

const request = (parts: Partial<Request>): Request => ({
  ...ReportQuery.plain,
  siteId: "",
  metrics: ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"],
  dateRange: "12mo",
  dimensions: [],
  orderBy: [{ by: "visitors", direction: "desc" }],
  limit: 10,
  ...parts
})

/** What the lists of a dashboard group by. */
export const dimensions = [
  "event:page",
  "visit:entry_page",
  "visit:exit_page",
  "visit:source",
  "visit:country",
  "visit:device",
  "visit:browser"
] as const

/** The nine queries of a dashboard over twelve months. */
export const dashboard: ReadonlyArray<Request> = [
  request({}),
  request({ dimensions: ["time:month"], orderBy: [{ by: "time:month", direction: "asc" }] }),
  ...dimensions.map((dimension) => request({ dimensions: [dimension] }))
]

export const filtered = request({
  dateRange: "30d",
  dimensions: ["visit:source"],
  filters: [{ operator: "is", dimension: "event:page", values: ["/articles/7"] }]
})

/** The total times of some queries, run one after the other, in milliseconds. */
export interface Timings {
  readonly wall: number
  /** The processor time of this process, which decodes the rows and adds them up. */
  readonly own: number
  /** The processor time of the connection's process. */
  readonly postgres: number
  /** The number of queries that the time limit cancelled. Without it, the times would be longer. */
  readonly cancelled: number
}

export interface Options {
  /** Time limit of each statement. */
  readonly limit?: Duration.Duration
  /** The time of the queries, in milliseconds since 1970. Default: the machine's. */
  readonly now?: number
}

const isCancelled = (error: unknown): boolean =>
  SqlError.isSqlError(error) && Option.contains(Database.sqlState(error), "57014")

const Backend = Schema.Tuple([Schema.Struct({ pid: Schema.Int })])

/** The process of a client's only connection. */
export const backendOf = (sql: PgClient.PgClient) =>
  sql`SELECT pg_backend_pid() AS pid`.pipe(
    Effect.flatMap(Schema.decodeUnknownEffect(Backend)),
    Effect.map(([{ pid }]) => pid)
  )

/** Measures some queries, run one after the other, on the only connection of a client. */
export const measure = (
  sql: PgClient.PgClient,
  site: ReportSite,
  requests: ReadonlyArray<Request>,
  { limit = Duration.minutes(5), now: time = TestTime.ofMachine() }: Options = {}
) =>
  Effect.gen(function* () {
    const pid = yield* backendOf(sql)
    const reader = yield* Query.makeReader(sql)
    const now = () => ({ wall: performance.now(), own: process.cpuUsage(), postgres: ProcessorTime.readThread(pid) })
    let cancelled = 0
    const begin = now()
    for (const one of requests) {
      const query = DateRange.queryOf(one, { now: time, timeZone: "UTC" })
      yield* Query.readOnly(
        sql,
        limit
      )(Query.answer(reader, site, query)).pipe(Effect.catchIf(isCancelled, () => Effect.sync(() => cancelled++)))
    }
    const end = now()
    const own = process.cpuUsage(begin.own)
    const timings: Timings = {
      wall: end.wall - begin.wall,
      own: (own.user + own.system) / 1000,
      postgres: (end.postgres - begin.postgres) / 1000,
      cancelled
    }
    return timings
  })
