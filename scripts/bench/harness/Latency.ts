/**
 * The latency of page views at a steady rate.
 *
 * @module
 */
import path from "node:path"
import { Effect, Schema } from "effect"
import * as Ports from "../../../test/support/Ports.ts"
import type * as Contenders from "./Contenders.ts"
import * as GrowthTables from "./GrowthTables.ts"
import { type Measure, names } from "./Measure.ts"
import * as Program from "./Program.ts"
import * as Rates from "./Rates.ts"
import * as Statistics from "./Statistics.ts"
import type * as TestBed from "./TestBed.ts"
import * as Wrk from "./Wrk.ts"

const Result = Schema.fromJsonString(
  Schema.Struct({
    total: Schema.Int,
    unanswered: Schema.Int,
    failed: Schema.Int,
    median: Schema.Finite,
    p99: Schema.Finite,
    max: Schema.Finite
  })
)

const program = path.resolve(import.meta.dirname, "../programs/OpenLoop.ts")

export interface Options {
  readonly rounds: number
  readonly seconds: number
  readonly connections: number
}

/**
 * Sends page views of a site at a steady rate, in an open loop. Fails if one gets another status than 204, or loses its
 * connection. Latencies are in milliseconds.
 */
export const send = Effect.fnUntraced(function* (
  folder: string,
  contender: string,
  load: {
    readonly port: number
    readonly subject: string
    readonly rate: number
    readonly seconds: number
    readonly connections: number
  }
) {
  const args = [load.port, load.subject, Math.round(load.rate), load.seconds, load.connections]
  const output = yield* Program.run(folder, {
    name: "open-loop",
    file: process.execPath,
    args: [program, ...args.map(String)]
  })
  const result = yield* Schema.decodeUnknownEffect(Result)(output).pipe(
    Effect.mapError((error) => new Program.BenchError({ message: `OpenLoop.ts: ${error.message}` }))
  )
  if (result.failed > 0) {
    return yield* new Program.BenchError({
      message: `${contender} did not answer ${result.failed} of ${result.total} page views with 204`
    })
  }
  return result
})

/** Measures one contender at one rate: a new process on empty tables. */
const measureOne = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  contender: Contenders.Contender,
  rate: number,
  options: Options
) {
  yield* Rates.reset(testBed, contender)
  return yield* Effect.scoped(
    Effect.gen(function* () {
      const port = yield* Ports.free
      yield* contender.serve(port)
      const subject = contender.site.trackingToken
      yield* Wrk.send(testBed.folder, contender.name, {
        ...{ port, subject, kind: "view" as const, seconds: 3, connections: options.connections }
      })
      return yield* send(testBed.folder, contender.name, {
        ...{ port, subject, rate, seconds: options.seconds, connections: options.connections }
      })
    })
  )
})

/** The latencies of a contender in one round, at half of the service's top rate (`own`) or of Fastify's (`peer`). */
export interface Sample {
  readonly contender: string
  readonly at: "own" | "peer"
  readonly median: number
  readonly p99: number
}

/** The measures of all rounds. */
export const measuresOf = (contenders: ReadonlyArray<string>, samples: ReadonlyArray<Sample>): ReadonlyArray<Measure> =>
  (["own", "peer"] as const).flatMap((at) =>
    (["median", "p99"] as const).map((kind) => ({
      ...GrowthTables.latency(kind, at),
      rows: contenders.map((contender) => ({
        contender,
        samples: samples
          .filter((sample) => sample.contender === contender && sample.at === at)
          .map((sample) => sample[kind])
      }))
    }))
  )

/** Measures the service and Fastify at half of the service's top rate and at half of Fastify's. */
export const measure = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  contenders: ReadonlyArray<Contenders.Contender>,
  top: { readonly own: number; readonly peer: number },
  options: Options
) {
  const pair = contenders.filter(({ name }) => name === names.edge || name === names.fastify)
  const rates = { own: top.own / 2, peer: top.peer / 2 }
  const samples: Array<Sample> = []
  for (let round = 0; round < options.rounds; round++) {
    for (const contender of Statistics.orderOf(pair, round)) {
      for (const at of ["own", "peer"] as const) {
        const result = yield* measureOne(testBed, contender, rates[at], options)
        console.error(
          `round ${round + 1}  ${contender.name} at ${Math.round(rates[at])}/s: median ${result.median.toFixed(2)} ms, p99 ${result.p99.toFixed(2)} ms, ${result.unanswered} unanswered`
        )
        samples.push({ contender: contender.name, at, median: result.median, p99: result.p99 })
      }
    }
  }
  return measuresOf(
    pair.map(({ name }) => name),
    samples
  )
})
