/**
 * The telemetry of a process: its log on standard error (standard output is for a command's result), its metrics, and the
 * export of all of it.
 *
 * @module
 */
import { Clock, Effect, Layer, Logger, type LogLevel, Option, References } from "effect"
import * as Calendar from "../core/text/Calendar.ts"
import * as LogOutput from "./LogOutput.ts"
import type * as Otlp from "./Otlp.ts"
import * as ProcessMetrics from "./ProcessMetrics.ts"

export interface Options {
  /** What is less severe is not logged. */
  readonly level: LogLevel.LogLevel
  /** `json`: one object a line, for programs; control characters in it are escaped. `pretty`: for a person. */
  readonly format: "json" | "pretty"
  /** The version of the service. */
  readonly version: string
  /** Whether the process is measured. */
  readonly metrics: boolean
  /** Where traces, logs and metrics are exported, besides. */
  readonly otlp: Option.Option<Otlp.Options>
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
    timestamp: Calendar.iso(now)
  })

/** One line of JSON an entry, to standard error. What waits there is written before the scope ends. */
const jsonLogger = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const output = LogOutput.standardError((lines) => lost(lines, clock.currentTimeMillisUnsafe()))
  yield* Effect.addFinalizer(() => output.flush)
  return Logger.make<unknown, void>((entry) => output.write(formatJson.log(entry)))
})

/** The logger of a running service. */
const logger = ({ format, level }: Options): Layer.Layer<never> =>
  Layer.mergeAll(
    Logger.layer([format === "json" ? jsonLogger : Logger.consolePretty()]),
    Layer.succeed(Logger.LogToStderr, true),
    Layer.succeed(References.MinimumLogLevel, level),
    // Spans are made only where a request is sampled (`http/middleware/Trace`).
    Layer.succeed(References.TracerEnabled, false)
  )

/** Loaded only if needed: most services have no collector. */
const exporter = (options: Otlp.Options, version: string) =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./Otlp.ts")),
      ({ layer }) => layer(options, version)
    )
  )

/** The telemetry of a running service. */
export const layer = (options: Options): Layer.Layer<never> => {
  const processes = options.metrics ? ProcessMetrics.layer(options.version) : Layer.empty
  return Option.match(options.otlp, {
    onNone: () => processes,
    onSome: (otlp) => Layer.merge(processes, exporter(otlp, options.version))
  }).pipe(Layer.provideMerge(logger(options)))
}
