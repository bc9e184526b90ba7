/**
 * Where the log goes. It is written to standard error, so that standard output is left to what a command answers.
 *
 * @module
 */
import { Layer, Logger, type LogLevel, References } from "effect"

export interface Options {
  /** What is less severe is not logged. */
  readonly level: LogLevel.LogLevel
  /** `json`: one object a line, for programs; control characters in it are escaped. `pretty`: for a person. */
  readonly format: "json" | "pretty"
}

/** The logger of a running service. */
export const layer = (options: Options): Layer.Layer<never> =>
  Layer.mergeAll(
    Logger.layer([options.format === "json" ? Logger.withConsoleError(Logger.formatJson) : Logger.consolePretty()]),
    Layer.succeed(Logger.LogToStderr, true),
    Layer.succeed(References.MinimumLogLevel, options.level)
  )
