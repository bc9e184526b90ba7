/**
 * Telemetry of a process: its log on standard error (standard output is for a command's result), its metrics, and their export.
 *
 * A slow or stopped reader of the log neither blocks the process nor fills its memory. A write to a full pipe blocks the whole
 * process unless the pipe is non-blocking. Node sets O_NONBLOCK, but the flag belongs to the open file description, which all
 * processes share: each child that inherits standard error (esbuild, a worker) resets it for all. So a pipe is opened again for
 * the log alone. A socket, such as the systemd journal's, cannot be opened again; it is set to non-blocking before each line.
 *
 * @module
 */
import { constants, fstatSync, openSync } from "node:fs"
import { Socket } from "node:net"
import type { Writable } from "node:stream"
import { isatty } from "node:tty"
import { Clock, Effect, Layer, Logger, type LogLevel, Option, References } from "effect"
import * as NodeInternals from "../runtime/NodeInternals.ts"
import * as Calendar from "../text/Calendar.ts"
import * as Metrics from "./Metrics.ts"
import type * as Otlp from "./Otlp.ts"

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

/** The buffer limit in bytes. Lines are dropped once the buffer exceeds it. */
const maxBuffered = 1024 * 1024

/** The time limit of a flush, in milliseconds. */
const flushTimeout = 1_000

/** A new, non-blocking description of the pipe behind standard error; undefined if it is not a pipe or cannot be opened. */
const reopenPipe = (): Writable | undefined => {
  try {
    if (!fstatSync(2).isFIFO()) return undefined
    const fd = openSync("/dev/fd/2", constants.O_WRONLY | constants.O_NONBLOCK)
    return new Socket({ fd, readable: false, writable: true }).unref()
  } catch {
    return undefined
  }
}

export interface LogOutput {
  /** Buffers a line, or counts it as dropped if the buffer is full. Never blocks, never fails. */
  readonly write: (line: string) => void
  /** Waits until the buffer is empty, for a second at most. */
  readonly flush: Effect.Effect<void>
}

/** Output to a stream. `lost` formats the line that replaces a number of dropped lines. */
export const makeOutput = (output: Writable, lost: (lines: number) => string): LogOutput => {
  let dropped = 0
  /** The number of lines in the buffer. */
  let pending = 0
  const idle = new Set<() => void>()
  const put = (line: string) => {
    pending += 1
    output.write(`${line}\n`, () => {
      pending -= 1
      reportDropped()
      if (pending === 0) for (const resume of idle) resume()
    })
  }
  const reportDropped = () => {
    if (dropped === 0 || output.writableLength > maxBuffered) return
    const line = lost(dropped)
    dropped = 0
    put(line)
  }
  // The reader has closed the pipe; there is nowhere to report that.
  output.on("error", () => {})
  return {
    write: (line) => {
      reportDropped()
      if (output.writableLength > maxBuffered) dropped += 1
      else put(line)
    },
    flush: Effect.callback<void>((resume) => {
      const done = () => resume(Effect.void)
      if (pending === 0 || output.destroyed) return done()
      idle.add(done)
      output.once("close", done)
      return Effect.sync(() => {
        idle.delete(done)
        output.off("close", done)
      })
    }).pipe(Effect.timeoutOrElse({ duration: flushTimeout, orElse: () => Effect.void }))
  }
}

/** Sets the stream to non-blocking before each line, since a child process that shares the stream may have reset the flag. */
const nonBlocking = (output: LogOutput, stream: object): LogOutput => {
  const setBlocking = NodeInternals.setBlockingOf(stream)
  if (setBlocking === undefined) return output
  return {
    ...output,
    write: (line) => {
      setBlocking(false)
      output.write(line)
    }
  }
}

/** Output to the process's standard error. Terminals and files accept every line at once. */
export const standardError = (lost: (lines: number) => string): LogOutput => {
  const stream = reopenPipe() ?? process.stderr
  NodeInternals.writeEachChunk(stream)
  const output = makeOutput(stream, lost)
  return isatty(2) ? output : nonBlocking(output, stream)
}

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
  const output = standardError((lines) => droppedLinesEntry(lines, clock.currentTimeMillisUnsafe()))
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
  const processMetrics = options.metrics ? Metrics.layerProcess(options.version) : Layer.empty
  return Option.match(options.otlp, {
    onNone: () => processMetrics,
    onSome: (otlp) => Layer.merge(processMetrics, exporter(otlp, options.version))
  }).pipe(Layer.provideMerge(logger(options)))
}
