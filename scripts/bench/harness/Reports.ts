/**
 * The time of reports over a year of page views: from rollups, and from page views alone. And the rate of page views while a
 * dashboard is reloaded.
 *
 * @module
 */
import { performance } from "node:perf_hooks"
import type { PgClient } from "@effect/sql-pg"
import { Duration, Effect, Schema } from "effect"
import * as RollupState from "../../../src/analytics/reports/postgres/RollupState.ts"
import type { ReportSite } from "../../../src/analytics/reports/Reports.ts"
import * as Edge from "./Edge.ts"
import { type Measure, names, type Row } from "./Measure.ts"
import * as ProcessorTime from "./ProcessorTime.ts"
import * as ReportData from "./ReportData.ts"
import * as ReportQueries from "./ReportQueries.ts"
import * as ReportRates from "./ReportRates.ts"
import * as TestBed from "./TestBed.ts"
import * as WebsiteList from "./WebsiteList.ts"

export interface Options {
  readonly rounds: number
  readonly connections: number
  /** The number of page views. */
  readonly reported: number
}

const Sizes = Schema.Tuple([Schema.Struct({ views: Schema.Finite, rollups: Schema.Finite, visits: Schema.Finite })])

/** The sizes of tables with their indexes, in MB. */
const sizes = (sql: PgClient.PgClient) =>
  sql
    .unsafe(
      `SELECT (SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('page_view')) / 1e6::float8 AS views,
        pg_total_relation_size('rollup') / 1e6::float8 AS rollups, pg_total_relation_size('visit') / 1e6::float8 AS visits`
    )
    .pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Sizes)),
      Effect.map(([found]) => found)
    )

const Waiting = Schema.Tuple([Schema.Struct({ count: Schema.Int })])

/**
 * Rolls all websites up. Returns the seconds that this took, and PostgreSQL's processor time per page view, in µs; undefined if
 * an earlier run has rolled them up.
 */
export const rollUp = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, rows: number) {
  const [{ count }] = yield* TestBed.onDatabase(testBed, edge.database, (sql) =>
    sql`SELECT count(*)::int AS count FROM site LEFT JOIN rollup_site USING (hosted_website_id)
      WHERE rolled_before IS NULL OR version <> ${RollupState.version}`.pipe(
      Effect.flatMap(Schema.decodeUnknownEffect(Waiting))
    )
  )
  if (count === 0) return undefined
  const before = ProcessorTime.read(testBed.postmaster)
  const begin = performance.now()
  yield* Edge.command(testBed, edge.root, edge.database, ["report", "rebuild"])
  const taken = {
    seconds: (performance.now() - begin) / 1000,
    postgres: (ProcessorTime.read(testBed.postmaster) - before) / rows
  }
  console.error(
    `reports: rolled up in ${taken.seconds.toFixed(0)} s, with ${taken.postgres.toFixed(1)} µs of processor time per page view`
  )
  return taken
})

/** Time limit of each dashboard query that reads page views alone: without it, such a query would take minutes. */
const aloneLimit = Duration.seconds(30)

const row = (contender: string, timings: ReadonlyArray<ReportQueries.Timings>): Row => ({
  contender,
  isLowerBound: timings.some(({ cancelled }) => cancelled > 0),
  samples: timings.map(({ wall }) => wall),
  processorTime: {
    own: timings.map(({ own }) => own * 1000),
    store: timings.map(({ postgres }) => postgres * 1000)
  }
})

const describeTimings = ({ cancelled, own, postgres, wall }: ReportQueries.Timings): string =>
  `${wall.toFixed(0)} ms (${own.toFixed(0)} + ${postgres.toFixed(0)} ms of processor time)${
    cancelled === 0 ? "" : `, with ${cancelled} of the queries cancelled at the time limit`
  }`

/** Measures the queries on a database that is filled and rolled up. */
const measureQueries = (testBed: TestBed.TestBed, edge: Edge.Edge, rounds: number) =>
  TestBed.onDatabase(testBed, edge.database, (sql) =>
    Effect.gen(function* () {
      const small: ReportSite = {
        hostedWebsiteId: ReportData.small.hostedWebsiteId,
        websiteConfigId: edge.site.websiteConfigId
      }
      const measured = {
        dashboard: [] as Array<ReportQueries.Timings>,
        filtered: [] as Array<ReportQueries.Timings>,
        small: [] as Array<ReportQueries.Timings>
      }
      yield* ReportQueries.measure(sql, edge.site, [...ReportQueries.dashboard, ReportQueries.filtered])
      for (let round = 0; round < rounds; round++) {
        measured.dashboard.push(yield* ReportQueries.measure(sql, edge.site, ReportQueries.dashboard))
        measured.filtered.push(yield* ReportQueries.measure(sql, edge.site, [ReportQueries.filtered]))
        const ofSmall = []
        for (const one of [...ReportQueries.dashboard, ReportQueries.filtered])
          ofSmall.push(yield* ReportQueries.measure(sql, small, [one]))
        measured.small.push(...ofSmall)
      }
      for (const [name, timings] of Object.entries(measured))
        console.error(`${name}: ${timings.map(describeTimings).join(", ")}`)
      return measured
    })
  )

/** Fills a database, rolls it up and measures. */
export const measure = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, options: Options) {
  const full = yield* ReportData.fill(testBed, edge, options.reported)
  const rebuilt = yield* rollUp(testBed, full, options.reported)
  const size = yield* TestBed.onDatabase(testBed, full.database, sizes)
  console.error(`reports: ${JSON.stringify(size)} MB`)
  const queries = yield* measureQueries(testBed, full, options.rounds)
  const list = yield* WebsiteList.measure(testBed, full, names.edge, options.rounds)
  const rates = yield* ReportRates.measure(testBed, full, options.connections)
  // Rollups of another version are not used.
  yield* TestBed.runStatements(testBed, full.database, ["UPDATE rollup_site SET version = -version"])
  const alone = yield* TestBed.onDatabase(testBed, full.database, (sql) =>
    ReportQueries.measure(sql, full.site, ReportQueries.dashboard, { limit: aloneLimit })
  )
  yield* TestBed.runStatements(testBed, full.database, ["UPDATE rollup_site SET version = -version"])
  console.error(`from page views alone: ${describeTimings(alone)}`)
  const measures: ReadonlyArray<Measure> = [
    {
      id: "dashboard",
      title: "A dashboard of nine queries over twelve months of the large website",
      unit: "ms",
      rows: [row(names.edge, queries.dashboard), row("from page views alone", [alone])]
    },
    {
      id: "filtered",
      title: "A filtered query over 30 days of the large website",
      unit: "ms",
      rows: [row(names.edge, queries.filtered)]
    },
    {
      id: "small",
      title: "Each of these queries on a small website",
      unit: "ms",
      rows: [row(names.edge, queries.small)]
    },
    { id: "list", title: "The list of 100 of the websites", unit: "ms", rows: list },
    ...(rebuilt === undefined
      ? []
      : [
          {
            id: "rebuild",
            title: "`report rebuild` of all websites",
            unit: "s" as const,
            rows: [{ contender: names.edge, samples: [rebuilt.seconds] }]
          }
        ]),
    {
      id: "rollup-size",
      title: "Size with indexes",
      unit: "MB",
      rows: [
        { contender: "page views", samples: [size.views] },
        { contender: "rollups", samples: [size.rollups] },
        { contender: "visits", samples: [size.visits] }
      ]
    },
    rates
  ]
  return measures
})
