/**
 * What a command says, and where: its answer on stdout, everything else on stderr. With `--json` the answer is exactly one
 * JSON document; without, something a person likes to read. An error is one sentence on stderr.
 *
 * @module
 */
import { Effect, type PlatformError, Runtime, Schema, Stdio, Stream, Terminal } from "effect"
import { Flag, GlobalFlag } from "effect/cli"
import * as Calendar from "../../core/text/Calendar.ts"
import * as SystemErrorCode from "../../core/text/SystemErrorCode.ts"
import * as TerminalText from "../../core/text/TerminalText.ts"

/** A command could not do what was asked. */
export class CliFailure extends Schema.TaggedError<CliFailure>()("CliFailure", {
  /** One sentence for the person who called, without secrets. */
  message: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 1
  // `Cli` prints the sentence itself: the runtime has nothing to add.
  override readonly [Runtime.errorReported] = false
}

/** Nothing of a kind has the id that was given. */
export const notFound = (
  kind: "website" | "instance" | "conversation" | "submission" | "token",
  id: string
): CliFailure => new CliFailure({ message: `There is no ${kind} ${TerminalText.printable(id)}.` })

/** Whoever read our stdout has gone (`| head`). There is nobody left to tell, and nothing is wrong. */
export class StdoutClosed extends Schema.TaggedError<StdoutClosed>()("StdoutClosed", {}) {}

/** The flag `--json`, which may stand anywhere on the command line. */
export const Json = GlobalFlag.Setting("json")({
  flag: Flag.Boolean("json").pipe(
    Flag.withoutNegation,
    Flag.withDescription("Print exactly one JSON document, for programs"),
    Flag.withDefault(false)
  )
})

const writeFailure = ({ reason: { cause } }: PlatformError.PlatformError): CliFailure | StdoutClosed => {
  const code = SystemErrorCode.of(cause)
  return code === "EPIPE" || code === "ERR_STREAM_DESTROYED"
    ? new StdoutClosed()
    : new CliFailure({ message: `The output could not be written${SystemErrorCode.suffix(cause)}.` })
}

/**
 * Writes texts to stdout as fast as its reader takes them, and no faster: a slow reader slows the source down. If the
 * reader goes, the source ends at once.
 */
export const writeAll = <E, R>(
  texts: Stream.Stream<string, E, R>
): Effect.Effect<void, E | CliFailure | StdoutClosed, R | Stdio.Stdio> =>
  Stdio.Stdio.use((stdio) =>
    // The source's own failures pass the sink as they are; only those of the sink are failed writes.
    texts.pipe(
      Stream.mapError((error) => ({ _tag: "Source" as const, error })),
      Stream.run(stdio.stdout()),
      Effect.mapError((error) => (error._tag === "Source" ? error.error : writeFailure(error)))
    )
  )

/**
 * One JSON array of documents that are JSON already, a line each. An array without its end tells the reader that the
 * command was interrupted.
 */
export const jsonArray = <E>(documents: Stream.Stream<string, E>): Stream.Stream<string, E> =>
  Stream.suspend(() => {
    let separator = "["
    const lines = Stream.map(documents, (document) => {
      const line = `${separator}\n${document}`
      separator = ","
      return line
    })
    return Stream.concat(
      lines,
      Stream.sync(() => (separator === "[" ? "[]\n" : "\n]\n"))
    )
  })

/** Writes a text to stdout. */
export const write = (text: string) => writeAll(Stream.succeed(text))

/** Writes a line to stderr, if anyone reads it. */
export const note = (text: string) =>
  Stdio.Stdio.use((stdio) => Effect.ignore(Stream.run(Stream.succeed(`${text}\n`), stdio.stderr())))

/** A command's answer in both its forms. The text ends with a line end. */
export interface Answer {
  readonly json: Schema.Json
  readonly text: string
}

/** Prints a command's answer. */
export const answer = (value: Answer) =>
  Effect.flatMap(Json, (json) => write(json ? `${TerminalText.inertJson(JSON.stringify(value.json))}\n` : value.text))

/** How many cells a line may fill: the terminal's width, 100 at most, and 80 where there is no terminal. */
export const lineWidth: Effect.Effect<number, never, Terminal.Terminal> = Terminal.Terminal.use(({ columns }) =>
  Effect.map(columns, (cells) => (cells > 0 ? Math.min(cells, 100) : 80))
)

/** Named values, one a line, the values aligned. */
export const facts = (values: ReadonlyArray<readonly [name: string, value: string]>): string => {
  const width = values.reduce((most, [name]) => Math.max(most, TerminalText.width(name)), 0)
  return values
    .map(([name, value]) => `${TerminalText.padEnd(name, width)}  ${TerminalText.printable(value)}`.trimEnd())
    .map((line) => `${line}\n`)
    .join("")
}

/** A table, or a sentence if it has no rows. */
export const table = (
  header: ReadonlyArray<string>,
  rows: ReadonlyArray<ReadonlyArray<string>>,
  none: string
): string => (rows.length === 0 ? `${none}\n` : TerminalText.table(header, rows))

/** A moment as JSON has it: ISO 8601, or null. */
export const isoOrNull = (time: number | null): string | null => (time === null ? null : Calendar.iso(time))

/** A moment as a person reads it: to the second, UTC; a dash for none. */
export const moment = (time: number | null): string =>
  time === null ? "-" : `${Calendar.iso(time).slice(0, 19).replace("T", " ")} UTC`
