/**
 * The load of wrk: as much as the server takes, on connections that stay open.
 *
 * @module
 */
import path from "node:path"
import { Effect, Option, Schema } from "effect"
import * as Program from "./Program.ts"

const Result = Schema.fromJsonString(
  Schema.Struct({
    requests: Schema.Int,
    micros: Schema.Int,
    bytes: Schema.Finite,
    refused: Schema.Int,
    broken: Schema.Int,
    p50: Schema.Finite,
    p99: Schema.Finite
  })
)

/** What wrk saw: how many were answered, in how many microseconds, how many of them with a status of 400 or more. */
export type Result = typeof Result.Type

/** Reads what `load.lua` prints at the end. Pure. */
export const read = (output: string): Option.Option<Result> => {
  const line = /^RESULT (\{.*\})$/m.exec(output)?.[1]
  return line === undefined ? Option.none() : Schema.decodeUnknownOption(Result)(line)
}

export const perSecond = (result: Result): number => (result.requests / result.micros) * 1e6

export type Kind = "view" | "invalid" | "form" | "chat" | "completion"

export interface Load {
  readonly port: number
  readonly kind: Kind
  /** The site's id; for a chat the path. */
  readonly subject: string
  readonly message?: string
  readonly token?: string
  readonly seconds: number
  readonly connections: number
}

const script = path.resolve(import.meta.dirname, "../load/load.lua")

/**
 * Sends a load with one thread and gives what it came to. Fails if a request was refused that should not be, or not
 * refused that should: a server that answers errors fast has not won.
 */
export const load = Effect.fnUntraced(function* (folder: string, name: string, load: Load) {
  const seed = String(Math.floor(Math.random() * 1e9))
  const output = yield* Program.run(folder, {
    name: `wrk-${name}-${load.kind}`,
    file: "wrk",
    args: [
      ...["-t1", `-c${load.connections}`, `-d${load.seconds}s`, "--timeout", "30s", "-s", script],
      ...[`http://127.0.0.1:${load.port}`, "--", load.kind, load.subject, load.message ?? "", load.token ?? "", seed]
    ]
  })
  const result = read(output)
  if (Option.isNone(result)) {
    return yield* new Program.BenchError({ message: `wrk said nothing of ${name}: ${output.slice(-400)}` })
  }
  const { broken, refused, requests } = result.value
  const expected = load.kind === "invalid" ? requests : 0
  if (requests === 0 || broken > 0 || refused !== expected) {
    return yield* new Program.BenchError({
      message: `${name} answered ${refused} of ${requests} requests of the kind ${load.kind} with a refusal, and ${broken} broke`
    })
  }
  return result.value
})
