/**
 * One clear sentence for every error that can end a command. Pure.
 *
 * @module
 */
import { Config } from "effect"
import type { CliError } from "effect/cli"
import * as TerminalText from "../core/TerminalText.ts"
import { NotReady } from "../services/Readiness.ts"
import { StorageUnavailable } from "../services/Storage.ts"

const unreachable = "The database cannot be reached; check that it runs and that DATABASE_URL is right."
const notMigrated =
  "The database is not migrated to this version; run `npm run -s hydracore -- migrate`, then try again."
const readOnly = "The database takes no writes; it may be a standby. Set DATABASE_URL to the primary."

const storage = {
  unreachable,
  "read-only": readOnly,
  timeout: "The database did not answer in time; try again in a moment.",
  overloaded: "The database has too much to do; try again in a moment."
} as const

const notReady: Record<NotReady["reason"], string> = {
  "database-unreachable": unreachable,
  "database-not-migrated": notMigrated,
  "database-read-only": readOnly
}

/** No token and no key is as short as this, in UTF-16 units. */
const longestShown = 16

/** A word that nobody expected, as it may be repeated: whatever is longer may be a secret that was pasted there. */
const quoted = (text: string, otherwise: string): string =>
  text.length <= longestShown ? `"${TerminalText.printable(text)}"` : otherwise

const suggestion = (names: ReadonlyArray<string>): string | undefined =>
  names.length === 0 ? undefined : `did you mean ${names.map((name) => TerminalText.printable(name)).join(" or ")}?`

/** What a flag takes, in the parser's words: `Expected "ndjson" | "csv", got "xml"` is brought to what it expects. */
const expectation = (expected: string): string =>
  TerminalText.cut(
    TerminalText.printable(
      expected
        .replace(/^Expected:? /, "")
        .replace(/, got .*$/s, "")
        .replaceAll(" | ", " or ")
    ),
    200
  )

/** The sentence for a command line that cannot be read. `path` is the command as far as it was understood. */
const ofInvocation = (error: CliError.NonShowHelpErrors, path: string): string => {
  const help = `see \`${path} --help\`.`
  switch (error._tag) {
    case "UnrecognizedOption":
      return `There is no flag ${TerminalText.cut(TerminalText.printable(error.option), 80)} in \`${path}\`; ${suggestion(error.suggestions) ?? help}`
    case "UnknownSubcommand":
      return `There is no command ${quoted(error.subcommand, "of that name")} in \`${path}\`; ${suggestion(error.suggestions) ?? help}`
    case "MissingOption":
      return `The flag --${error.option} is missing; ${help}`
    case "MissingArgument":
      return `The argument <${error.argument}> is missing; ${help}`
    case "UnexpectedArgument":
      return `Only flags and their values are expected here, not ${error.arguments
        .slice(0, 3)
        .map((text) => quoted(text, `a text of ${text.length} characters`))
        .join(", ")}; ${help}`
    case "InvalidValue":
      // The value is not repeated: nobody knows what it holds.
      return error.value === ""
        ? `The flag --${error.option} needs a value; ${help}`
        : `The flag --${error.option} takes ${expectation(error.expected)}; ${help}`
    case "DuplicateOption":
    case "ValidationError":
    case "UserError":
      return firstLine(error.message)
  }
}

/** The first line of a message, as a sentence that a terminal shows as it is. */
const firstLine = (message: string): string => {
  const line = TerminalText.cut(TerminalText.printable(message.trim().split(/\r?\n/, 1)[0] ?? ""), 400)
  return line === "" ? "The command failed and gave no reason." : /[.!?]$/.test(line) ? line : `${line}.`
}

/** The sentence for a setting that is missing or wrong. Settings name themselves; anything else is brought to one line. */
const ofConfig = ({ cause }: Config.ConfigError): string =>
  cause._tag === "SourceError"
    ? firstLine(cause.message)
    : firstLine(`A setting in the environment cannot be used: ${cause.message.replace(/\s+/g, " ")}`)

/** The sentence for a command that ended with this error. */
export const of = (error: unknown): string => {
  if (error instanceof StorageUnavailable) return storage[error.reason]
  if (error instanceof NotReady) return notReady[error.reason]
  if (error instanceof Config.ConfigError) return ofConfig(error)
  if (isShowHelp(error)) {
    const path = error.commandPath.join(" ")
    const [first] = error.errors
    return first === undefined
      ? `A command is missing after \`${path}\`; see \`${path} --help\`.`
      : ofInvocation(first, path)
  }
  return firstLine(error instanceof Error ? error.message : String(error))
}

const isShowHelp = (error: unknown): error is CliError.ShowHelp =>
  error instanceof Error && "_tag" in error && error._tag === "ShowHelp" && "commandPath" in error
