/**
 * The telemetry of a process: its log on standard error (standard output is for a command's result), its metrics, and
 * their export.
 *
 * @module
 */
import { Clock, Effect, Layer, Logger, type LogLevel, Option, References } from "effect"
import * as Calendar from "../text/Calendar.ts"
import * as LogOutput from "./LogOutput.ts"
import type * as Otlp from "./Otlp.ts"
import * as ProcessMetrics from "./ProcessMetrics.ts"

export interface Options {
  /** The least severe level that is logged. */
  readonly level: LogLevel.LogLevel
  /** `json`: one object per line, with control characters escaped. `pretty`: for people. */
  readonly format: "json" | "pretty"
  readonly version: string
  /** Whether process metrics are collected. */
  readonly metrics: boolean
  /** The export of traces, logs and metrics. */
  readonly otlp: Option.Option<Otlp.Options>
}

/** Characters that JSON does not escape and a terminal may interpret: DEL, the C1 controls, the line separators. */
const unescaped = /[\u007f-\u009f\u2028\u2029]/g

const escape = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/** Formats an entry as one line of JSON with every control character escaped. */
export const formatJson: Logger.Logger<unknown, string> = Logger.map(Logger.formatJson, (line) =>
  line.replace(unescaped, escape)
)

/** The entry that replaces dropped lines. */
const droppedLinesEntry = (lines: number, now: number): string =>
  JSON.stringify({
    message: `${lines} log lines were dropped here: the reader of standard error is too slow`,
    level: "WARN",
    timestamp: Calendar.iso(now)
  })

/** Writes one line of JSON per entry to standard error, and flushes before the scope closes. */
const jsonLogger = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const output = LogOutput.standardError((lines) => droppedLinesEntry(lines, clock.currentTimeMillisUnsafe()))
  yield* Effect.addFinalizer(() => output.flush)
  return Logger.make<unknown, void>((entry) => output.write(formatJson.log(entry)))
})

const logger = ({ format, level }: Options): Layer.Layer<never> =>
  Layer.mergeAll(
    Logger.layer([format === "json" ? jsonLogger : Logger.consolePretty()]),
    Layer.succeed(Logger.LogToStderr, true),
    Layer.succeed(References.MinimumLogLevel, level),
    // `platform/http/Trace` enables spans for sampled requests only.
    Layer.succeed(References.TracerEnabled, false)
  )

/** Loaded only if needed: most deployments have no collector. */
const exporter = (options: Otlp.Options, version: string) =>
  Layer.unwrap(
    Effect.map(
      Effect.promise(() => import("./Otlp.ts")),
      ({ layer }) => layer(options, version)
    )
  )

export const layer = (options: Options): Layer.Layer<never> => {
  const processMetrics = options.metrics ? ProcessMetrics.layer(options.version) : Layer.empty
  return Option.match(options.otlp, {
    onNone: () => processMetrics,
    onSome: (otlp) => Layer.merge(processMetrics, exporter(otlp, options.version))
  }).pipe(Layer.provideMerge(logger(options)))
}
