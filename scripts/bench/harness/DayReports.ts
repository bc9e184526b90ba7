/**
 * The time of reports at three hours of a day, whose page views are stored while it goes on: a day as busy as the others of its
 * month, and one with a tenth of the page views of a month. Then after a burst of page views, and the rate of page views beside
 * reports.
 *
 * The day is simulated: the rollup runs and the queries get its time. So the results do not depend on when the bench runs.
 *
 * @module
 */
import type { PgClient } from "@effect/sql-pg"
import { PgTypes } from "@effect/sql-pg"
import { Duration, Effect } from "effect"
import { SqlClient } from "effect/sql"
import * as LocalTime from "../../../src/analytics/reports/LocalTime.ts"
import type * as DayRollUp from "../../../src/analytics/reports/postgres/DayRollUp.ts"
import * as OpenDays from "../../../src/analytics/reports/postgres/OpenDays.ts"
import { Parameters } from "../../../src/analytics/reports/postgres/Parameters.ts"
import * as RollupRows from "../../../src/analytics/reports/postgres/RollupRows.ts"
import * as DayData from "./DayData.ts"
import type * as Edge from "./Edge.ts"
import type { Measure, Row } from "./Measure.ts"
import * as ProcessorTime from "./ProcessorTime.ts"
import * as ReportQueries from "./ReportQueries.ts"
import * as ReportRates from "./ReportRates.ts"
import * as TestBed from "./TestBed.ts"

export interface Options {
  readonly rounds: number
  readonly connections: number
  /** The number of page views in a year. */
  readonly reported: number
}

/** Hours of the day, UTC. */
const hours = [1, 12, 23]

/** The page views of the day, as a part of those of its month. */
const parts = [
  { name: "a thirtieth", part: 1 / 30 },
  { name: "a tenth", part: 1 / 10 }
]

/** The page views of the burst, and its duration in milliseconds. */
const burst = { views: 375_000, millis: 4 * 60_000 }

const hourMillis = 3_600_000

const [day] = LocalTime.days("UTC", DayData.today, DayData.today)
if (day === undefined) throw new Error("unreachable")

/** Deletes the day's page views, visits and sums. */
const deleteDay = Effect.fnUntraced(function* (sql: PgClient.PgClient, { large, small }: DayData.Sites) {
  for (const { hostedWebsiteId } of [large, small]) {
    const id = PgTypes.uuid(hostedWebsiteId)
    const start = PgTypes.timestamptz(day.start)
    yield* sql`DELETE FROM page_view WHERE hosted_website_id = ${id} AND received_at >= ${start}`
    yield* sql`DELETE FROM visit WHERE hosted_website_id = ${id} AND started_at >= ${start}`
    yield* sql`DELETE FROM rollup_day WHERE hosted_website_id = ${id} AND day >= ${PgTypes.date(day.date)}`
    const parameters = new Parameters()
    const range = { first: day.date, last: day.date }
    yield* sql.unsafe(RollupRows.replaceDays(parameters, [hostedWebsiteId], range, null), parameters.values)
  }
  yield* sql`VACUUM (ANALYZE) page_view, visit, rollup`
})

/** What a rollup run at a time of the day does. Returns PostgreSQL's processor time, in milliseconds. */
const rollUp = Effect.fnUntraced(function* (sql: PgClient.PgClient, sites: ReadonlyArray<DayRollUp.Site>, now: number) {
  const pid = yield* ReportQueries.backendOf(sql)
  const before = ProcessorTime.readThread(pid)
  const advance = (site: DayRollUp.Site) =>
    OpenDays.advanceDay(site, day, now - OpenDays.maxUnmarkedDelay, Number.POSITIVE_INFINITY)
  yield* Effect.forEach(sites, advance).pipe(Effect.provideService(SqlClient.SqlClient, sql))
  return (ProcessorTime.readThread(pid) - before) / 1000
})

/** One of the measured queries or groups of queries, and their times. */
interface Measured {
  readonly dashboard: Array<ReportQueries.Timings>
  readonly filtered: Array<ReportQueries.Timings>
  readonly small: Array<ReportQueries.Timings>
}

const describeTimings = ({ own, postgres, wall }: ReportQueries.Timings): string =>
  `${wall.toFixed(0)} ms (${own.toFixed(0)} + ${postgres.toFixed(0)})`

/** Measures the queries at a time of the day. */
const measureAt = Effect.fnUntraced(function* (
  sql: PgClient.PgClient,
  { large, small }: DayData.Sites,
  now: number,
  rounds: number,
  name: string
) {
  const measured: Measured = { dashboard: [], filtered: [], small: [] }
  const all = [...ReportQueries.dashboard, ReportQueries.filtered]
  yield* ReportQueries.measure(sql, large, all, { now })
  yield* ReportQueries.measure(sql, small, all, { now })
  for (let round = 0; round < rounds; round++) {
    measured.dashboard.push(yield* ReportQueries.measure(sql, large, ReportQueries.dashboard, { now }))
    measured.filtered.push(yield* ReportQueries.measure(sql, large, [ReportQueries.filtered], { now }))
    for (const one of all) measured.small.push(yield* ReportQueries.measure(sql, small, [one], { now }))
  }
  for (const [kind, timings] of Object.entries(measured))
    console.error(`${name}, ${kind}: ${timings.map(describeTimings).join(", ")}`)
  return measured
})

/** Rolls up during the burst as the loop does: a run follows the end of the one before. Returns the times of the runs. */
const rollUpBurst = Effect.fnUntraced(function* (sql: PgClient.PgClient, sites: DayData.Sites, begin: number) {
  const taken: Array<number> = []
  const gap = Duration.toMillis(OpenDays.nextAdvance)
  for (let now = begin + gap; now < begin + burst.millis; ) {
    const millis = yield* rollUp(sql, [sites.large], now)
    taken.push(millis)
    now += millis + gap
  }
  return taken
})

const row = (contender: string, timings: ReadonlyArray<ReportQueries.Timings>): Row => ({
  contender,
  samples: timings.map(({ wall }) => wall),
  processorTime: {
    own: timings.map(({ own }) => own * 1000),
    store: timings.map(({ postgres }) => postgres * 1000)
  }
})

/** Measures each hour of each day, and a burst at the end of the last. */
const measureHours = Effect.fnUntraced(function* (sql: PgClient.PgClient, sites: DayData.Sites, options: Options) {
  const rows: Record<keyof Measured | "burst", Array<Row>> = { dashboard: [], filtered: [], small: [], burst: [] }
  yield* sql`SET session_replication_role = replica`
  for (const { name, part } of parts) {
    yield* deleteDay(sql, sites)
    const count = DayData.perDay(options.reported) * 30 * part
    let reached = day.start
    for (const hour of hours) {
      const now = day.start + hour * hourMillis
      yield* sql.unsafe(DayData.pageViews(sites.large, reached, now, count))
      yield* sql.unsafe(DayData.pageViews(sites.small, reached, now, DayData.ofSmall))
      reached = now
      yield* rollUp(sql, [sites.large, sites.small], now)
      const at = `${name} of the month today, at ${hour}:00`
      const measured = yield* measureAt(sql, sites, now, options.rounds, at)
      for (const kind of ["dashboard", "filtered", "small"] as const) rows[kind].push(row(at, measured[kind]))
    }
  }
  const begin = day.start + 23 * hourMillis
  yield* sql.unsafe(
    DayData.pageViews(sites.large, begin, begin + burst.millis, (burst.views * DayData.dayMillis) / burst.millis, 5)
  )
  const runs = yield* rollUpBurst(sql, sites, begin)
  console.error(`burst: rollup runs of ${runs.map((millis) => millis.toFixed(0)).join(", ")} ms`)
  const now = begin + burst.millis
  for (const after of [0, 1, 2]) {
    const { dashboard } = yield* measureAt(sql, sites, now, 1, `burst, after ${after} more runs`)
    rows.burst.push(row(`after ${after} more rollup runs`, dashboard))
    yield* rollUp(sql, [sites.large], now + (after + 1) * Duration.toMillis(OpenDays.nextAdvance))
  }
  yield* deleteDay(sql, sites)
  return rows
})

/** Uses the kept database, or fills one, and measures. */
export const measure = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, options: Options) {
  const full = yield* DayData.fill(testBed, edge, options.reported)
  const sites = DayData.sitesOf(full)
  const rows = yield* TestBed.onDatabase(testBed, full.database, (sql) =>
    measureHours(sql, sites, options).pipe(Effect.mapError((error) => new Error(`${error._tag}: ${error.message}`)))
  )
  const measures: ReadonlyArray<Measure> = [
    { id: "day-dashboard", title: "Nine queries of a dashboard over twelve months", unit: "ms", rows: rows.dashboard },
    { id: "day-filtered", title: "A filtered query over 30 days", unit: "ms", rows: rows.filtered },
    { id: "day-small", title: "Each of these queries on a small website", unit: "ms", rows: rows.small },
    { id: "day-burst", title: "The nine queries after a burst of page views", unit: "ms", rows: rows.burst },
    yield* ReportRates.measure(testBed, full, options.connections, day.start)
  ]
  return measures
})
