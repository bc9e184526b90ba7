/**
 * Where the log goes. It is written to standard error, so that standard output is left to what a command answers.
 *
 * @module
 */
import { Clock, Effect, Layer, Logger, type LogLevel, References } from "effect"
import * as Time from "./core/text/Time.ts"
import * as LogOutput from "./LogOutput.ts"

export interface Options {
  /** What is less severe is not logged. */
  readonly level: LogLevel.LogLevel
  /** `json`: one object a line, for programs; control characters in it are escaped. `pretty`: for a person. */
  readonly format: "json" | "pretty"
}

/** JSON leaves these as they are, and a terminal obeys some of them: DEL, the C1 controls, the line separators. */
const unescaped = /[\u007f-\u009f\u2028\u2029]/g

const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/** One entry as one line of JSON, in which every control character is escaped, whoever wrote it. */
export const formatJson: Logger.Logger<unknown, string> = Logger.map(Logger.formatJson, (line) =>
  line.replace(unescaped, escape)
)

/** The line that stands where others were lost, as one entry of the log. */
const lost = (lines: number, now: number): string =>
  JSON.stringify({
    message: `${lines} lines of the log were lost here: whoever reads standard error is too slow`,
    level: "WARN",
    timestamp: Time.iso(now)
  })

/** One line of JSON an entry, to standard error. What waits there is written before the scope ends. */
const jsonLogger = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const output = LogOutput.standardError((lines) => lost(lines, clock.currentTimeMillisUnsafe()))
  yield* Effect.addFinalizer(() => output.flush)
  return Logger.make<unknown, void>((entry) => output.write(formatJson.log(entry)))
})

/** The logger of a running service. */
export const layer = (options: Options): Layer.Layer<never> =>
  Layer.mergeAll(
    Logger.layer([options.format === "json" ? jsonLogger : Logger.consolePretty()]),
    Layer.succeed(Logger.LogToStderr, true),
    Layer.succeed(References.MinimumLogLevel, options.level),
    // Nobody collects spans here, and each statement would make one with a dozen attributes. Whoever adds a tracer takes
    // this out.
    Layer.succeed(References.TracerEnabled, false)
  )
