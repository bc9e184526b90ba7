/**
 * Page views on `serve`, and on `serve --workers`, which has more cores to itself and pays for it with what its processes
 * say to each other.
 *
 * @module
 */
import { Effect } from "effect"
import * as Edge from "./Edge.ts"
import type { Measure } from "./Measure.ts"
import * as Numbers from "./Numbers.ts"
import * as Program from "./Program.ts"
import * as Stage from "./Stage.ts"
import * as Wrk from "./Wrk.ts"

export interface Options {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
}

const contenders = [
  { name: "serve", flags: [] },
  { name: "serve --workers 1", flags: ["--workers", "1"] },
  { name: "serve --workers 2", flags: ["--workers", "2"] }
]

/** How long page views are sent before anything is measured. */
const warmUpSeconds = 3

export const measure = Effect.fnUntraced(function* (stage: Stage.Stage, edge: Edge.Edge, options: Options) {
  const turns: Array<{ readonly contender: string; readonly rate: number; readonly micros: number }> = []
  for (let round = 0; round < options.rounds; round++) {
    for (const { flags, name } of Numbers.orderOf(contenders, round)) {
      yield* Stage.statements(stage, edge.database, ["TRUNCATE page_view, bot_view"])
      yield* Stage.checkpoint(stage)
      const turn = yield* Effect.scoped(
        Effect.gen(function* () {
          const port = yield* Program.freePort
          const { pid } = yield* Edge.serve(stage, edge, port, { flags })
          const load = (seconds: number) =>
            Wrk.load(stage.folder, name, {
              port,
              kind: "view",
              seconds,
              connections: options.connections,
              subject: edge.site.trackingToken
            })
          yield* load(warmUpSeconds)
          const before = Program.processorTimeOf(pid)
          const result = yield* load(options.seconds)
          const micros = (Program.processorTimeOf(pid) - before) / result.requests
          return { contender: name, rate: Wrk.perSecond(result), micros }
        })
      )
      console.error(
        `round ${round + 1}  ${name}: ${Math.round(turn.rate)} page views/s, ${Math.round(turn.micros)} µs of processor time each`
      )
      turns.push(turn)
    }
  }
  const rows = (value: (turn: (typeof turns)[number]) => number) =>
    contenders.map(({ name }) => ({
      contender: name,
      samples: turns.filter(({ contender }) => contender === name).map(value)
    }))
  const measures: ReadonlyArray<Measure> = [
    { id: "workers", title: "Page views by processes", unit: "requests/s", rows: rows(({ rate }) => rate) },
    {
      id: "workers-time",
      title: "Processor time of all processes for one page view",
      unit: "µs",
      rows: rows(({ micros }) => micros)
    }
  ]
  return measures
})
