/** Captures the lines that an effect logs, in the JSON format of the service. */
import { Effect, Logger, Schema } from "effect"

const Line = Schema.fromJsonString(
  Schema.Struct({
    message: Schema.Unknown,
    level: Schema.String,
    annotations: Schema.Record(Schema.String, Schema.Unknown)
  })
)

/** Runs an effect and returns its log lines. */
export const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const lines: Array<string> = []
    yield* Effect.provide(effect, Logger.layer([Logger.map(Logger.formatJson, (line) => void lines.push(line))]))
    return lines.map((line) => Schema.decodeUnknownSync(Line)(line))
  })
