/**
 * A closed-loop load from wrk on connections that stay open, and the processor time that it costs the server.
 *
 * @module
 */
import path from "node:path"
import { Effect, Option, Schema } from "effect"
import * as ProcessorTime from "./ProcessorTime.ts"
import * as Program from "./Program.ts"
import type * as TestBed from "./TestBed.ts"

const Result = Schema.fromJsonString(
  Schema.Struct({
    requests: Schema.Int,
    /** The duration of the load. */
    micros: Schema.Int,
    bytes: Schema.Finite,
    /** Responses with a status of 400 or more. */
    refused: Schema.Int,
    /** Connection errors and timeouts. */
    broken: Schema.Int,
    p50: Schema.Finite,
    p99: Schema.Finite
  })
)

/** What wrk counted. */
export type Result = typeof Result.Type

/** Parses the line that `load.lua` prints at the end. Pure. */
export const parseResult = (output: string): Option.Option<Result> => {
  const line = /^RESULT (\{.*\})$/m.exec(output)?.[1]
  return line === undefined ? Option.none() : Schema.decodeUnknownOption(Result)(line)
}

export const perSecond = (result: Result): number => (result.requests / result.micros) * 1e6

export type Kind = "view" | "views" | "event" | "invalid" | "form" | "chat" | "completion"

export interface Load {
  readonly port: number
  readonly kind: Kind
  /** The id of the site; for a chat the path; for `views` the number of websites that share them. */
  readonly subject: string
  readonly message?: string
  readonly token?: string
  readonly seconds: number
  readonly connections: number
}

const script = path.resolve(import.meta.dirname, "../load/load.lua")

/**
 * Sends a load with one thread. Fails if a valid request was refused or an invalid one accepted, because the rate of wrong
 * responses means nothing.
 */
export const send = Effect.fnUntraced(function* (folder: string, contender: string, load: Load) {
  const seed = String(Math.floor(Math.random() * 1e9))
  const output = yield* Program.run(folder, {
    name: `wrk-${contender}-${load.kind}`,
    file: "wrk",
    args: [
      ...["-t1", `-c${load.connections}`, `-d${load.seconds}s`, "--timeout", "30s", "-s", script],
      ...[`http://127.0.0.1:${load.port}`, "--", load.kind, load.subject, load.message ?? "", load.token ?? "", seed]
    ]
  })
  const result = parseResult(output)
  if (Option.isNone(result)) {
    return yield* new Program.BenchError({ message: `wrk printed no result for ${contender}: ${output.slice(-400)}` })
  }
  const { broken, refused, requests } = result.value
  const expected = load.kind === "invalid" ? requests : 0
  if (requests === 0 || broken > 0 || refused !== expected) {
    return yield* new Program.BenchError({
      message: `${contender} refused ${refused} of ${requests} requests of kind ${load.kind}, and ${broken} broke`
    })
  }
  return result.value
})

/** A rate, and the processor time of one request in microseconds. */
export interface Cost {
  readonly requests: number
  readonly perSecond: number
  /** Of the contender's processes. */
  readonly own: number
  /** Of the processes of the PostgreSQL cluster, and of ClickHouse's where it stores page views. */
  readonly postgres: number
}

/**
 * Sends a load to a program and measures what it costs. `others` are PostgreSQL processes that do other work meanwhile: their
 * time is not counted. `stores` are other databases: their time is added to PostgreSQL's.
 */
export const measure = Effect.fnUntraced(function* (
  testBed: TestBed.TestBed,
  program: Program.Program,
  contender: string,
  load: Load,
  others: ReadonlyArray<number> = [],
  stores: ReadonlyArray<Program.Program> = []
) {
  const now = () => ({
    own: ProcessorTime.read(program.pid),
    postgres: [
      ProcessorTime.read(testBed.postmaster),
      ...stores.map(({ pid }) => ProcessorTime.read(pid)),
      ...others.map((pid) => -ProcessorTime.read(pid))
    ].reduce((sum, time) => sum + time)
  })
  const before = now()
  const result = yield* send(testBed.folder, contender, load)
  const after = now()
  return {
    requests: result.requests,
    perSecond: perSecond(result),
    own: (after.own - before.own) / result.requests,
    postgres: (after.postgres - before.postgres) / result.requests
  } satisfies Cost
})
