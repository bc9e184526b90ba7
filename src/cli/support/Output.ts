/**
 * Command output: the result on stdout, everything else on stderr. With `--json` the result is exactly one JSON document;
 * without, text for people. An error is one line on stderr: a sentence, or with `--json` the object `{"error": {"message"}}`.
 *
 * @module
 */
import { Effect, type PlatformError, Runtime, Schema, Stdio, Stream, Terminal } from "effect"
import { Flag, GlobalFlag } from "effect/cli"
import * as Calendar from "../../platform/text/Calendar.ts"
import * as SystemErrorCode from "../../platform/text/SystemErrorCode.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"

export class CliFailure extends Schema.TaggedError<CliFailure>()("CliFailure", {
  /** One line for the user, without secrets. */
  message: Schema.String
}) {
  override readonly [Runtime.errorExitCode] = 1
  // `Cli` prints the message, so the runtime must not.
  override readonly [Runtime.errorReported] = false
}

/** `--json` prints one document, and CSV is none. */
export const jsonOrCsv = new CliFailure({ message: "The flags --json and --format csv cannot be combined." })

/** The command that lists the records of each kind, with the flags that it needs. */
const lists = {
  website: "site list",
  instance: "instance list",
  conversation: "conversation list --instance <instance_id>",
  submission: "submissions list --site <website_config_id>",
  token: "token list --instance <instance_id>",
  key: "key list",
  goal: "goal list --site <website_config_id>",
  webhook: "webhook list --site <website_config_id>",
  delivery: "delivery list --webhook-id <webhook_id>",
  notification: "notify list --site <website_config_id>",
  mark: "spam list --site <website_config_id>",
  session: "console sessions",
  "shared dashboard": "share list"
} as const

/** No record of this kind has the id. */
export const notFound = (kind: keyof typeof lists, id: string): CliFailure =>
  new CliFailure({
    message: `There is no ${kind} ${TerminalText.printable(id)}; \`hydracore ${lists[kind]}\` lists them.`
  })

/** The reader of stdout closed it, as `head` does. This is not an error. */
export class StdoutClosed extends Schema.TaggedError<StdoutClosed>()("StdoutClosed", {}) {}

/** The flag `--json`, allowed anywhere on the command line. */
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
 * Writes texts to stdout with backpressure: a slow reader slows down the source. If the reader closes stdout, the source
 * ends at once.
 */
export const writeAll = <E, R>(
  texts: Stream.Stream<string, E, R>
): Effect.Effect<void, E | CliFailure | StdoutClosed, R | Stdio.Stdio> =>
  Stdio.Stdio.use((stdio) =>
    // Failures of the source pass unchanged; only failures of the sink are write failures.
    texts.pipe(
      Stream.mapError((error) => ({ _tag: "Source" as const, error })),
      Stream.run(stdio.stdout()),
      Effect.mapError((error) => (error._tag === "Source" ? error.error : writeFailure(error)))
    )
  )

/**
 * One JSON array of serialized documents, one per line. A missing end of the array means that the command failed or was
 * interrupted.
 */
export const jsonArray = <E, R>(documents: Stream.Stream<string, E, R>): Stream.Stream<string, E, R> =>
  Stream.suspend(() => {
    let separator = "["
    const lines = Stream.map(documents, (document) => {
      const line = `${separator}\n${document}`
      separator = ","
      return line
    })
    return Stream.concat(
      Stream.mapArray(lines, (chunk) => [chunk.join("")]),
      Stream.sync(() => (separator === "[" ? "[]\n" : "\n]\n"))
    )
  })

export const write = (text: string) => writeAll(Stream.succeed(text))

/** Writes a line to stderr. Failures are ignored. */
export const note = (text: string) =>
  Stdio.Stdio.use((stdio) => Effect.ignore(Stream.run(Stream.succeed(`${text}\n`), stdio.stderr())))

/** Writes an export: its lines, or with `--json` one array of them. If there are no lines, notes `empty`. */
export const writeExport = <E, R>(texts: Stream.Stream<string, E, R>, empty?: string) =>
  Effect.gen(function* () {
    let isEmpty = true
    const found = Effect.sync(() => {
      isEmpty = false
    })
    const tapped = Stream.tap(texts, () => found)
    yield* writeAll((yield* Json) ? jsonArray(Stream.splitLines(tapped)) : tapped)
    if (isEmpty && empty !== undefined) yield* note(empty)
  })

/** A command's result in both formats. The text ends with a newline; a long one is a function, which `--json` does not call. */
export interface Answer {
  /** An entity of the contract, mostly. */
  readonly json: object
  readonly text: string | (() => string)
}

/** Prints a command's result. */
export const answer = (value: Answer) =>
  Effect.flatMap(Json, (json) => {
    if (json) return write(`${TerminalText.inertJson(JSON.stringify(value.json))}\n`)
    return write(typeof value.text === "string" ? value.text : value.text())
  })

/** The width of a line in cells: the terminal's, at most 100; 80 without a terminal. */
export const lineWidth: Effect.Effect<number, never, Terminal.Terminal> = Terminal.Terminal.use(({ columns }) =>
  Effect.map(columns, (cells) => (cells > 0 ? Math.min(cells, 100) : 80))
)

/** Named values, one per line, aligned. */
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

/** A time for people, to the second in UTC; a dash for none. */
export const moment = (time: number | null): string =>
  time === null ? "-" : `${Calendar.iso(time).slice(0, 19).replace("T", " ")} UTC`

/** A time of the contract for people; a dash for none. */
export const time = (iso: string | null): string => moment(iso === null ? null : Date.parse(iso))
