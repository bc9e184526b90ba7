/**
 * The rate of page views without rollups, with them, and while a dashboard is reloaded.
 *
 * @module
 */
import { performance } from "node:perf_hooks"
import type { PgClient } from "@effect/sql-pg"
import { Effect, Schedule } from "effect"
import * as DayRollUp from "../../../src/analytics/reports/postgres/DayRollUp.ts"
import { HostedWebsiteId, TrackingToken } from "../../../src/platform/Id.ts"
import * as Ports from "../../../test/support/Ports.ts"
import * as Edge from "./Edge.ts"
import { type Measure, names, rateRow } from "./Measure.ts"
import { describe } from "./Rates.ts"
import * as ReportQueries from "./ReportQueries.ts"
import * as Statistics from "./Statistics.ts"
import * as TestBed from "./TestBed.ts"
import * as Wrk from "./Wrk.ts"

/** The duration of a load. Loads are short and alternate often, so that other work of the machine affects all of them alike. */
const seconds = 1

/** The loads alternate until the 95 % ranges of both ratios are this narrow. */
const maxWidth = 0.06

const minTurns = 30

/** The loads end after this time in any case. */
const maxMillis = 8 * 60_000

const turnsPerCheckpoint = 10

/** The website whose page views are sent. No other measurement uses it. */
const busy = {
  hostedWebsiteId: HostedWebsiteId.make("b0000000-0000-4000-8000-000000000000"),
  trackingToken: TrackingToken.make("22222222-2222-4222-8222-222222222222")
}

const addBusy = `INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
  VALUES (gen_random_uuid(), '${busy.hostedWebsiteId}', '${busy.trackingToken}', 'Busy website')`

/** Removes the website. Triggers are off, because they would mark the hour of every row as stale. */
const removeBusy = [
  "SET session_replication_role = replica",
  `DELETE FROM page_view WHERE hosted_website_id = '${busy.hostedWebsiteId}'`,
  `DELETE FROM site WHERE hosted_website_id = '${busy.hostedWebsiteId}'`,
  "VACUUM page_view"
]

/** Runs something as if page views had no rollups: their triggers are off, and no process can roll up. */
const withoutRollups = <A, E, R>(testBed: TestBed.TestBed, edge: Edge.Edge, use: Effect.Effect<A, E, R>) => {
  const triggers = (state: "DISABLE" | "ENABLE") =>
    TestBed.runStatements(testBed, edge.database, [`ALTER TABLE page_view ${state} TRIGGER USER`])
  const locked = TestBed.onDatabase(testBed, edge.database, (sql) =>
    Effect.andThen(
      sql.unsafe(`SELECT count(pg_advisory_lock(${DayRollUp.lockKeys("hosted_website_id::text")})) FROM site`),
      Effect.never
    )
  )
  return Effect.acquireUseRelease(
    triggers("DISABLE"),
    () => Effect.raceFirst(use, locked),
    () => Effect.orDie(triggers("ENABLE"))
  )
}

/** The costs of each contender, in the order of the turns. */
type Costs = ReadonlyMap<string, Array<Wrk.Cost>>

/** The 95 % range of the processor time of a page view of `other`, divided by that of `contender`. */
const rangeOf = (costs: Costs, contender: string, other: string): Statistics.Interval => {
  const [own, theirs] = [contender, other].map((name) =>
    (costs.get(name) ?? []).map((cost) => cost.own + cost.postgres)
  )
  return Statistics.ratioInterval(theirs ?? [], own ?? [], 0.95)
}

/** The ranges of the two ratios that the goals limit. */
const rangesOf = (costs: Costs): ReadonlyArray<Statistics.Interval> => [
  rangeOf(costs, names.rollups, names.noRollups),
  rangeOf(costs, names.dashboard, names.rollups)
]

/** Measures while a dashboard of the large website is reloaded twice a second. The last reload ends before the next load. */
const whileReloaded = Effect.fnUntraced(function* <A, E, R>(
  sql: PgClient.PgClient,
  edge: Edge.Edge,
  now: number | undefined,
  measure: (connection: number) => Effect.Effect<A, E, R>
) {
  const reload = Effect.uninterruptible(
    ReportQueries.measure(sql, edge.site, ReportQueries.dashboard, now === undefined ? {} : { now })
  )
  const reloads = Effect.repeat(reload, Schedule.fixed("500 millis")).pipe(Effect.delay("250 millis"))
  return yield* Effect.raceFirst(measure(yield* ReportQueries.backendOf(sql)), Effect.andThen(reloads, Effect.never))
})

/** Sends loads in turns until the ranges are narrow. */
const measureTurns = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  edge: Edge.Edge,
  sql: PgClient.PgClient,
  costs: Costs,
  connections: number,
  now: number | undefined
) {
  const port = yield* Ports.free
  const program = yield* Edge.serve(testBed, edge, port)
  const load: Wrk.Load = { port, kind: "view", seconds, connections, subject: busy.trackingToken }
  const measureOf = (name: string) => (connection?: number) =>
    Wrk.measure(testBed, program, name, load, connection === undefined ? [] : [connection])
  yield* Wrk.send(testBed.folder, "warm-up", { ...load, seconds: 3 })
  const deadline = performance.now() + maxMillis
  for (let turn = 0; performance.now() < deadline; turn++) {
    if (turn % turnsPerCheckpoint === 0) yield* TestBed.checkpoint(testBed)
    for (const name of Statistics.orderOf([...costs.keys()], turn)) {
      const measure = measureOf(name)
      const cost =
        name === names.noRollups
          ? yield* withoutRollups(testBed, edge, measure())
          : name === names.rollups
            ? yield* measure()
            : yield* whileReloaded(sql, edge, now, measure)
      costs.get(name)?.push(cost)
      console.error(`turn ${turn + 1}  ${name}: ${describe(cost, "page views")}`)
    }
    const ranges = rangesOf(costs)
    console.error(`ranges: ${ranges.map(({ high, low }) => `${low.toFixed(2)} to ${high.toFixed(2)}`).join(", ")}`)
    if (turn + 1 >= minTurns && ranges.every(({ high, low }) => high - low <= maxWidth)) break
  }
})

/**
 * The rate of page views of a website: without rollups, with them, and while a dashboard of the large website is reloaded twice a
 * second. The time of the dashboard's connection is not counted. `now` is the time of the dashboard, by default the machine's.
 */
export const measure = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  edge: Edge.Edge,
  connections: number,
  now?: number
) {
  const contenders = [names.noRollups, names.rollups, names.dashboard]
  const costs: Costs = new Map(contenders.map((name) => [name, []]))
  yield* TestBed.runStatements(testBed, edge.database, [...removeBusy, addBusy])
  yield* TestBed.onDatabase(testBed, edge.database, (sql) =>
    Effect.scoped(measureTurns(testBed, edge, sql, costs, connections, now))
  )
  yield* TestBed.runStatements(testBed, edge.database, removeBusy)
  return {
    id: "reported",
    title:
      "Page views: without rollups, with them, and while a dashboard of the large website is reloaded twice a second",
    unit: "requests/s",
    rows: contenders.map((name) => rateRow(name, costs.get(name) ?? []))
  } satisfies Measure
})
