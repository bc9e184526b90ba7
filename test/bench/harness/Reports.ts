/**
 * The time of reports over a year of page views: from rollups, and from page views alone. And the rate of page views while a
 * dashboard is reloaded.
 *
 * @module
 */
import { performance } from "node:perf_hooks"
import type { PgClient } from "@effect/sql-pg"
import { Duration, Effect, Schedule } from "effect"
import * as DateRange from "../../../src/core/analytics/report/DateRange.ts"
import type { Request } from "../../../src/core/analytics/report/Query.ts"
import type { Reading } from "../../../src/postgres/analytics/reports/Counting.ts"
import * as Query from "../../../src/postgres/analytics/reports/Query.ts"
import type { ReportSite } from "../../../src/services/analytics/Reports.ts"
import * as Edge from "./Edge.ts"
import { type Measure, names, rateRow } from "./Measure.ts"
import * as Program from "./Program.ts"
import { describe } from "./Rates.ts"
import * as ReportData from "./ReportData.ts"
import * as Statistics from "./Statistics.ts"
import * as TestBed from "./TestBed.ts"
import * as Wrk from "./Wrk.ts"

export interface Options {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
  /** The number of page views. */
  readonly reported: number
}

/** Reports over page views alone take minutes. */
const timeout = Duration.minutes(30)

const request = (parts: Partial<Request>): Request => ({
  siteId: "",
  metrics: ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"],
  dateRange: "12mo",
  dimensions: [],
  filters: [],
  orderBy: [{ by: "visitors", direction: "desc" }],
  comparison: null,
  includeTotalRows: false,
  includeTimeLabels: false,
  limit: 10,
  offset: 0,
  ...parts
})

/** The nine queries of a dashboard over twelve months. */
const dashboard: ReadonlyArray<Request> = [
  request({}),
  request({ dimensions: ["time:month"], orderBy: [{ by: "time:month", direction: "asc" }] }),
  ...(
    [
      "event:page",
      "visit:entry_page",
      "visit:exit_page",
      "visit:source",
      "visit:country",
      "visit:device",
      "visit:browser"
    ] as const
  ).map((dimension) => request({ dimensions: [dimension] }))
]

const filtered = request({
  dateRange: "30d",
  dimensions: ["visit:source"],
  filters: [{ operator: "is", dimension: "event:page", values: ["/articles/7"] }]
})

/** The milliseconds of some queries, one after the other. */
const time = (
  sql: PgClient.PgClient,
  site: ReportSite,
  requests: ReadonlyArray<Request>,
  reading: Reading = "rollups"
) =>
  Effect.gen(function* () {
    const begin = performance.now()
    for (const one of requests) {
      const query = DateRange.resolve(one, { now: Date.now(), timeZone: "UTC" })
      yield* Query.readOnly(sql, timeout)(Query.answer(sql, site, query, reading))
    }
    return performance.now() - begin
  })

/** The rate of page views of a small website, with and without a dashboard of the large one that is reloaded twice a second. */
const measureRates = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, options: Options) {
  const contenders = ["no dashboard", "a dashboard"] as const
  const costs = new Map(contenders.map((name) => [name, [] as Array<Wrk.Cost>]))
  yield* Effect.scoped(
    Effect.gen(function* () {
      const port = yield* Program.freePort
      const program = yield* Edge.serve(testBed, edge, port)
      const { connections, seconds } = options
      const load: Wrk.Load = { port, kind: "view", seconds, connections, subject: ReportData.small.trackingToken }
      yield* Wrk.send(testBed.folder, "warm-up", { ...load, seconds: 3 })
      for (let round = 0; round < options.rounds; round++) {
        for (const name of Statistics.orderOf(contenders, round)) {
          yield* TestBed.checkpoint(testBed)
          const measured = Wrk.measure(testBed, program, name, load)
          const reload = TestBed.onDatabase(testBed, edge.database, (sql) =>
            Effect.repeat(time(sql, edge.site, dashboard), Schedule.fixed("500 millis"))
          )
          const cost = yield* name === "a dashboard"
            ? Effect.raceFirst(measured, Effect.andThen(reload, Effect.never))
            : measured
          console.error(`round ${round + 1}  ${name}: ${describe(cost, "page views")}`)
          costs.get(name)?.push(cost)
        }
      }
    })
  )
  return {
    id: "reported",
    title:
      "Page views of a small website, with and without a dashboard of the large one that is reloaded twice a second",
    unit: "requests/s",
    rows: contenders.map((name) => rateRow(name, costs.get(name) ?? []))
  } satisfies Measure
})

/** Fills a database, rolls it up and measures. */
export const measure = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, options: Options) {
  const full = yield* ReportData.fill(testBed, edge, options.reported)
  const begin = performance.now()
  yield* Edge.command(testBed, full.root, full.database, ["report", "rebuild"])
  const rebuilt = (performance.now() - begin) / 1000
  console.error(`reports: rolled up in ${rebuilt.toFixed(0)} s`)
  const samples = yield* TestBed.onDatabase(testBed, full.database, (sql) =>
    Effect.gen(function* () {
      const small: ReportSite = {
        hostedWebsiteId: ReportData.small.hostedWebsiteId,
        websiteConfigId: full.site.websiteConfigId
      }
      const found = { dashboard: [] as Array<number>, filtered: [] as Array<number>, small: [] as Array<number> }
      yield* time(sql, full.site, [...dashboard, filtered])
      for (let round = 0; round < options.rounds; round++) {
        found.dashboard.push(yield* time(sql, full.site, dashboard))
        found.filtered.push(yield* time(sql, full.site, [filtered]))
        for (const one of [...dashboard, filtered]) found.small.push(yield* time(sql, small, [one]))
      }
      return { ...found, rows: [yield* time(sql, full.site, dashboard, "rows")] }
    })
  )
  const row = (contender: string, values: ReadonlyArray<number>) => ({ contender, samples: values })
  const measures: ReadonlyArray<Measure> = [
    {
      id: "dashboard",
      title: "A dashboard of nine queries over twelve months of the large website",
      unit: "ms",
      rows: [row(names.edge, samples.dashboard), row("from page views alone", samples.rows)]
    },
    {
      id: "filtered",
      title: "A filtered query over 30 days of the large website",
      unit: "ms",
      rows: [row(names.edge, samples.filtered)]
    },
    {
      id: "small",
      title: "Each of these queries on a small website",
      unit: "ms",
      rows: [row(names.edge, samples.small)]
    },
    { id: "rebuild", title: "`report rebuild` of all websites", unit: "s", rows: [row(names.edge, [rebuilt])] }
  ]
  return [...measures, yield* measureRates(testBed, full, options)]
})
