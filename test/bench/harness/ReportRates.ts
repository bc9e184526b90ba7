/**
 * The rate of page views without rollups, with them, and while a dashboard is reloaded.
 *
 * @module
 */
import { Effect, Schedule } from "effect"
import * as RollUp from "../../../src/postgres/analytics/reports/RollUp.ts"
import * as Edge from "./Edge.ts"
import { type Measure, names, rateRow } from "./Measure.ts"
import * as Program from "./Program.ts"
import { describe } from "./Rates.ts"
import * as ReportQueries from "./ReportQueries.ts"
import * as Statistics from "./Statistics.ts"
import * as TestBed from "./TestBed.ts"
import * as Wrk from "./Wrk.ts"

export interface Options {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
}

/** Short loads that alternate often see the same machine, whatever else it does. */
const loadsPerRound = 5

/** A website that no other part reads, whose page views the rates are measured with. */
const busy = {
  hostedWebsiteId: "b0000000-0000-4000-8000-000000000000",
  trackingToken: "22222222-2222-4222-8222-222222222222"
}

const addBusy = `INSERT INTO site (website_config_id, hosted_website_id, tracking_token, name)
  VALUES (gen_random_uuid(), '${busy.hostedWebsiteId}', '${busy.trackingToken}', 'Busy website')`

/** Without a trace, for the next run: triggers would mark every row. */
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
    Effect.andThen(sql.unsafe(`SELECT pg_advisory_lock(${RollUp.advisoryLock})`), Effect.never)
  )
  return Effect.acquireUseRelease(
    triggers("DISABLE"),
    () => Effect.raceFirst(use, locked),
    () => Effect.orDie(triggers("ENABLE"))
  )
}

/**
 * The rate of page views of a website: with and without rollups, and with a dashboard of the large website that is reloaded
 * twice a second. The time of the dashboard's connection is not counted.
 */
export const measure = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, options: Options) {
  const contenders = [names.noRollups, names.rollups, names.dashboard]
  const costs = new Map(contenders.map((name) => [name, [] as Array<Wrk.Cost>]))
  yield* TestBed.runStatements(testBed, edge.database, [...removeBusy, addBusy])
  yield* Effect.scoped(
    Effect.gen(function* () {
      const port = yield* Program.freePort
      const program = yield* Edge.serve(testBed, edge, port)
      const { connections, seconds } = options
      const load: Wrk.Load = {
        port,
        kind: "view",
        seconds: Math.ceil(seconds / loadsPerRound),
        connections,
        subject: busy.trackingToken
      }
      yield* Wrk.send(testBed.folder, "warm-up", { ...load, seconds: 3 })
      for (let turn = 0; turn < options.rounds * loadsPerRound; turn++) {
        if (turn % loadsPerRound === 0) yield* TestBed.checkpoint(testBed)
        for (const name of Statistics.orderOf(contenders, turn)) {
          const measured = Wrk.measure(testBed, program, name, load)
          const cost =
            name === names.noRollups
              ? yield* withoutRollups(testBed, edge, measured)
              : name === names.rollups
                ? yield* measured
                : yield* TestBed.onDatabase(testBed, edge.database, (sql) =>
                    Effect.gen(function* () {
                      const pid = yield* ReportQueries.backendOf(sql)
                      const reload = Effect.repeat(
                        ReportQueries.take(sql, edge.site, ReportQueries.dashboard),
                        Schedule.fixed("500 millis")
                      )
                      return yield* Effect.raceFirst(
                        Wrk.measure(testBed, program, name, load, [pid]),
                        Effect.andThen(reload, Effect.never)
                      )
                    })
                  )
          console.error(`turn ${turn + 1}  ${name}: ${describe(cost, "page views")}`)
          costs.get(name)?.push(cost)
        }
      }
    })
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
