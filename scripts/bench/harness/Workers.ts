/**
 * Page views on `serve` and on `serve --workers`. More processes use more cores, at the cost of messages between them and of
 * smaller batches. With twice the connections, two workers each have the load of one process.
 *
 * @module
 */
import { Effect } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import * as Edge from "./Edge.ts"
import { type Measure, rateRow } from "./Measure.ts"
import { describe } from "./Rates.ts"
import * as Statistics from "./Statistics.ts"
import * as TestBed from "./TestBed.ts"
import * as Wrk from "./Wrk.ts"

export interface Options {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
}

const contenders = [
  { name: "serve", flags: [], connectionFactor: 1 },
  { name: "serve --workers 1", flags: ["--workers", "1"], connectionFactor: 1 },
  { name: "serve --workers 2", flags: ["--workers", "2"], connectionFactor: 1 },
  { name: "serve --workers 2, twice the connections", flags: ["--workers", "2"], connectionFactor: 2 }
]

const warmUpSeconds = 3

/** The measure of all rounds, from the costs of each contender. */
export const measureOf = (costs: ReadonlyMap<string, ReadonlyArray<Wrk.Cost>>): Measure => ({
  id: "workers",
  title: "Page views by number of processes",
  unit: "requests/s",
  rows: contenders.map(({ name }) => rateRow(name, costs.get(name) ?? []))
})

export const measure = Effect.fnUntraced(function* (testBed: TestBed.TestBed, edge: Edge.Edge, options: Options) {
  const costs = new Map(contenders.map(({ name }) => [name, [] as Array<Wrk.Cost>]))
  for (let round = 0; round < options.rounds; round++) {
    for (const { connectionFactor, flags, name } of Statistics.orderOf(contenders, round)) {
      yield* TestBed.runStatements(testBed, edge.database, ["TRUNCATE page_view, bot_view"])
      yield* TestBed.checkpoint(testBed)
      const cost = yield* Effect.scoped(
        Effect.gen(function* () {
          const port = yield* Ports.free
          const program = yield* Edge.serve(testBed, edge, port, { flags })
          const { seconds } = options
          const connections = connectionFactor * options.connections
          const load: Wrk.Load = { port, kind: "view", seconds, connections, subject: edge.site.trackingToken }
          yield* Wrk.send(testBed.folder, name, { ...load, seconds: warmUpSeconds })
          return yield* Wrk.measure(testBed, program, name, load)
        })
      )
      console.error(`round ${round + 1}  ${name}: ${describe(cost, "page views")}`)
      costs.get(name)?.push(cost)
    }
  }
  return measureOf(costs)
})
