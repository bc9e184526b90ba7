/**
 * How long page views take at a steady rate.
 *
 * @module
 */
import path from "node:path"
import { Effect, Schema } from "effect"
import type * as Contenders from "./Contenders.ts"
import { type Measure, names } from "./Measure.ts"
import * as Numbers from "./Numbers.ts"
import * as Program from "./Program.ts"
import * as Stage from "./Stage.ts"
import * as Wrk from "./Wrk.ts"

const Paced = Schema.fromJsonString(
  Schema.Struct({
    sent: Schema.Int,
    unanswered: Schema.Int,
    refused: Schema.Int,
    median: Schema.Finite,
    p99: Schema.Finite,
    most: Schema.Finite
  })
)

const program = path.resolve(import.meta.dirname, "../programs/paced.ts")

export interface Options {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
}

/** One contender at one rate: a fresh process on empty tables. */
const turn = Effect.fnUntraced(function* (
  stage: Stage.Stage,
  contender: Contenders.Contender,
  rate: number,
  options: Options
) {
  const { stored } = contender
  if (stored !== undefined) {
    yield* Stage.statements(stage, stored.database, [`TRUNCATE ${stored.views.join(", ")} CASCADE`])
  }
  yield* Stage.checkpoint(stage)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const port = yield* Program.freePort
      yield* contender.serve(port)
      const subject = contender.site.trackingToken
      yield* Wrk.load(stage.folder, contender.name, {
        ...{ port, subject, kind: "view" as const, seconds: 3, connections: options.connections }
      })
      const args = [port, subject, Math.round(rate), options.seconds, options.connections]
      const said = yield* Program.run(stage.folder, {
        name: "paced",
        file: process.execPath,
        args: [program, ...args.map(String)]
      })
      const paced = yield* Schema.decodeUnknownEffect(Paced)(said).pipe(
        Effect.mapError((error) => new Program.BenchError({ message: `paced: ${error.message}` }))
      )
      if (paced.refused > 0) {
        return yield* new Program.BenchError({ message: `${contender.name} refused ${paced.refused} paced page views` })
      }
      return paced
    })
  )
})

/** The service and Fastify, each at half of the service's own top rate and at half of Fastify's. */
export const measure = Effect.fnUntraced(function* (
  stage: Stage.Stage,
  contenders: ReadonlyArray<Contenders.Contender>,
  top: { readonly own: number; readonly peer: number },
  options: Options
) {
  const pair = contenders.filter(({ name }) => name === names.edge || name === names.fastify)
  const rates = { own: top.own / 2, peer: top.peer / 2 }
  const samples: Array<{
    readonly contender: string
    readonly at: "own" | "peer"
    readonly median: number
    readonly p99: number
  }> = []
  for (let round = 0; round < options.rounds; round++) {
    for (const contender of Numbers.orderOf(pair, round)) {
      for (const at of ["own", "peer"] as const) {
        const paced = yield* turn(stage, contender, rates[at], options)
        console.error(
          `round ${round + 1}  ${contender.name} at ${Math.round(rates[at])}/s: median ${paced.median.toFixed(2)} ms, p99 ${paced.p99.toFixed(2)} ms, ${paced.unanswered} unanswered`
        )
        samples.push({ contender: contender.name, at, median: paced.median, p99: paced.p99 })
      }
    }
  }
  const measures = (["own", "peer"] as const).flatMap((at) =>
    (["median", "p99"] as const).map(
      (kind): Measure => ({
        id: `${kind}-${at}`,
        title: `Latency, ${kind}, at ${Math.round(rates[at])} page views/s (half of ${at === "own" ? names.edge : names.fastify}'s top rate)`,
        unit: "ms",
        rows: pair.map(({ name }) => ({
          contender: name,
          samples: samples
            .filter((sample) => sample.contender === name && sample.at === at)
            .map((sample) => sample[kind])
        }))
      })
    )
  )
  return measures
})
