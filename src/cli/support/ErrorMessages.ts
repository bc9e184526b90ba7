/**
 * The one-line message of every error that can end a command. Pure.
 *
 * @module
 */
import { Config } from "effect"
import { CliError } from "effect/cli"
import { SecretsKeyUnusable } from "../../delivery/Webhook.ts"
import * as Certificate from "../../platform/outward/Certificate.ts"
import { StorageUnavailable } from "../../platform/Storage.ts"
import { distance } from "../../platform/settings/Environment.ts"
import { errorsOf } from "../../platform/settings/Setting.ts"
import { hydracore } from "../../platform/text/CommandName.ts"
import * as SystemErrorCode from "../../platform/text/SystemErrorCode.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import { NotReady } from "../../server/Readiness.ts"

/** What to set in a pooler that does not keep prepared statements. */
export const poolerAdvice =
  "In PgBouncer 1.21 or newer, set max_prepared_statements = 200 and reload it; in an older one or another pooler, use pool_mode = session."

/** Why the database is unavailable, by SQLSTATE or system error code. */
const databaseErrors: Readonly<Record<string, string>> = {
  "3D000":
    "The database server has no database of the name in DATABASE_URL; create it, or set DATABASE_URL to one that exists.",
  "26000": `The database has lost a prepared statement (SQLSTATE 26000), as behind a pooler that does not keep them. ${poolerAdvice}`,
  "28000":
    'The database server rejects the user in DATABASE_URL; check that the user exists, and that pg_hba.conf allows it from this host (its method "peer" allows only the system\'s user of the same name).',
  "28P01": "The database server refused the login; check the user and the password in DATABASE_URL.",
  "42501": `The user in DATABASE_URL lacks a privilege (SQLSTATE 42501); \`${hydracore} migrate\` needs the owner of the tables. For anything else, run as their owner what \`${hydracore} migrate --print-grants <user>\` prints.`,
  "53300":
    "The database server has no connection left; lower DATABASE_CONNECTIONS, close other connections, or raise its max_connections.",
  "57P03": "The database server is starting or shutting down; try again in a moment.",
  ENOTFOUND:
    "The host in DATABASE_URL is not known (ENOTFOUND); check its spelling, and that characters such as @ and / in the password are written as %40 and %2F.",
  ENOENT:
    "There is no socket where DATABASE_URL points (ENOENT); check that PostgreSQL runs, that the host is the folder of its socket, and its port.",
  ENOTDIR: "The host in DATABASE_URL is a path to a file (ENOTDIR); name the folder of PostgreSQL's socket.",
  EAI_AGAIN: "The host in DATABASE_URL cannot be looked up now (EAI_AGAIN); check its spelling, and the DNS server.",
  "3F000":
    "The search_path of the user in DATABASE_URL names no schema that exists; create the schema, or change the search_path.",
  NO_TLS:
    "The database server has no TLS, which the sslmode in DATABASE_URL requires; enable it there (ssl = on), or remove the sslmode if the network in between is private.",
  ECONNREFUSED:
    "Nothing listens where DATABASE_URL points (ECONNREFUSED); check that the database runs, and its host and port."
}

/** The message of an unavailable database. Unknown codes are included as they are. */
const unreachable = (code: string | undefined): string => {
  if (code === undefined) return "The database cannot be reached; check that it runs and that DATABASE_URL is right."
  const fault = Certificate.faultOf(code)
  if (fault !== undefined) {
    return `The database server's certificate was refused (${code}): ${Certificate.descriptions[fault]}; ${Certificate.advice(fault, "DATABASE_URL")}.`
  }
  return (
    databaseErrors[code] ??
    (/[0-9]/.test(code)
      ? `The database answers with an error (SQLSTATE ${code}); see its log.`
      : `The database cannot be reached (${code}); check that it runs and that DATABASE_URL is right.`)
  )
}

const notMigrated = `The database is not migrated to this version; run \`${hydracore} migrate\`, then try again.`
const readOnly =
  "The database accepts no writes; it may be a standby, or default_transaction_read_only is on. Set DATABASE_URL to the primary."

const storage = {
  "read-only": readOnly,
  timeout: "The database did not answer in time; try again in a moment.",
  failed: "The database answers with an error; see its log.",
  overloaded: "The database is overloaded; try again in a moment."
} as const

/** The SQLSTATE `query_canceled`. */
const cancelled = "57014"
const cancelledMessage =
  "The database cancelled a statement (SQLSTATE 57014); check the statement_timeout of the user and the database."

const notReady = {
  "database-not-migrated": notMigrated,
  "database-read-only": readOnly,
  "database-denied": `The user in DATABASE_URL may not write to the tables; make it their owner, or run as their owner what \`${hydracore} migrate --print-grants <user>\` prints.`,
  "database-not-storing": "The database answers but cannot store; check its disk space and its log.",
  "analytics-not-migrated": `ClickHouse lacks a migration. Run \`${hydracore} migrate\`.`,
  "shutting-down": "The process is shutting down."
} as const

export const clickHouseGrants =
  "Grant the user in ANALYTICS_URL all rights on its database, and SELECT on system.mutations and system.parts."

/** What to do about a ClickHouse that cannot be used, by its code or the system's. */
const clickHouseAdvice: Readonly<Record<string, string>> = {
  AUTHENTICATION_FAILED: "Check the user and the password in ANALYTICS_URL.",
  UNKNOWN_DATABASE: "Create the database that ANALYTICS_URL names: CREATE DATABASE <name>.",
  ACCESS_DENIED: clickHouseGrants,
  timeout: "Check that ClickHouse runs, and that no firewall drops the connection."
}

/** The maximum number of characters that are shown of an error without a code, such as the page of a proxy. */
const maxClickHouseMessage = 200

/** The message of an unavailable ClickHouse. An error without a code is named by the beginning of its message. */
const ofClickHouse = ({ cause, code, reason }: StorageUnavailable): string => {
  const message = cause instanceof Error ? cause.message.trim().split("\n", 1)[0] : ""
  const name = code ?? (message ? TerminalText.truncate(TerminalText.printable(message), maxClickHouseMessage) : reason)
  const advice =
    clickHouseAdvice[name] ??
    (reason === "failed"
      ? "ClickHouse answered with this error; its log has more."
      : "Check that ClickHouse runs, and that ANALYTICS_URL names the port of its HTTP interface.")
  return `ClickHouse cannot be used (${name}). ${advice}`
}

const secretsKey = {
  missing:
    "SECRETS_KEY is not set; set it to 32 random bytes, such as the output of `openssl rand -hex 32`, here and where the service runs.",
  wrong:
    "SECRETS_KEY is not the key that encrypted this webhook's secret; set the one that the service had then, or, if it is lost, delete the webhook and create it again."
} as const

/** The maximum length of a quoted text, in UTF-16 units. Every token and key is longer. */
const maxQuoted = 16

/** A short text in quotes; for a longer one, which may be a pasted secret, `otherwise`. */
export const quoted = (text: string, otherwise: string): string =>
  text.length <= maxQuoted ? `"${TerminalText.printable(text)}"` : otherwise

export const suggestion = (names: ReadonlyArray<string>): string | undefined =>
  names.length === 0 ? undefined : `did you mean ${names.map((name) => TerminalText.printable(name)).join(" or ")}?`

/** The maximum length of the valid values of a flag. All names of events fit in. */
const maxExpectation = 1000

/** The valid values of a flag, from the parser's message such as `Expected "ndjson" | "csv", got "xml"`. */
const expectation = (expected: string): string =>
  TerminalText.truncate(
    TerminalText.printable(
      expected
        .replace(/^Expected:? /, "")
        .replace(/, got .*$/s, "")
        .replaceAll(" | ", " or ")
    ),
    maxExpectation
  )

/** More flags than this would be no suggestion. */
const maxSuggested = 3

/** In a short name, two mistakes can make any other word. */
const maxMistakes = (flag: string): number => (flag.length < 4 ? 1 : flag.length < 8 ? 2 : 3)

/** Of some names, those that a mistyped one may be meant to be: those with the fewest mistakes. */
export const nearest = (typed: string, names: ReadonlyArray<string>): ReadonlyArray<string> => {
  const near = names
    .map((name) => ({ name, mistakes: distance(typed, name) }))
    .filter(({ mistakes, name }) => mistakes <= maxMistakes(name))
  const fewest = Math.min(...near.map(({ mistakes }) => mistakes))
  return near.filter(({ mistakes }) => mistakes === fewest).map(({ name }) => name)
}

/** The flags that an unknown one may be meant to be: the nearest, or else those with a word in common. */
const similarFlags = (option: string, flags: ReadonlyArray<string>): ReadonlyArray<string> => {
  const typed = option
    .replace(/^-+/, "")
    .replace(/([a-z])([A-Z])/g, "$1-$2")
    .replaceAll("_", "-")
    .toLowerCase()
  const near = nearest(typed, flags)
  const found =
    near.length > 0
      ? near
      : flags.filter((flag) => (flag.length > 3 && typed.includes(flag)) || (typed.length > 2 && flag.includes(typed)))
  return found.slice(0, maxSuggested).map((flag) => `--${flag}`)
}

/** A flag that was given several times, in the error of the library. */
const several = /^([0-9]+) occurrences$/

/** The message of an invalid command line. `path` is the command as far as it was parsed, and `flags` are its flags. */
const ofInvocation = (error: CliError.NonShowHelpErrors, path: string, flags: ReadonlyArray<string>): string => {
  const help = `see \`${path} --help\`.`
  switch (error._tag) {
    case "UnrecognizedOption":
      return `There is no flag ${TerminalText.truncate(TerminalText.printable(error.option), 80)} in \`${path}\`; ${suggestion(similarFlags(error.option, flags)) ?? help}`
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
    case "InvalidValue": {
      const times = error.expected === "at most 1 value" ? several.exec(error.value)?.[1] : undefined
      if (times !== undefined) return `The flag --${error.option} is given ${times} times; give it once.`
      // The value may be a secret, so it is not repeated.
      return error.value === ""
        ? `The flag --${error.option} needs a value; ${help}`
        : `The flag --${error.option} takes ${expectation(error.expected)}; ${help}`
    }
    case "DuplicateOption":
    case "ValidationError":
    case "UserError":
      return firstLine(error.message)
  }
}

/** The first line of a message, as a sentence without control characters. */
const firstLine = (message: string): string => {
  const line = TerminalText.truncate(TerminalText.printable(message.trim().split(/\r?\n/, 1)[0] ?? ""), 400)
  return line === "" ? "The command failed and gave no reason." : /[.!?]$/.test(line) ? line : `${line}.`
}

/** The message of missing or invalid settings. The message of a `SourceError` is a sentence already (see `platform/settings/Setting`). */
const ofConfig = (error: Config.ConfigError): string =>
  errorsOf(error)
    .map(({ cause }) =>
      cause._tag === "SourceError"
        ? firstLine(cause.message)
        : firstLine(`A setting in the environment cannot be used: ${cause.message.replace(/\s+/g, " ")}`)
    )
    .join(" ")

/** The address that a server should listen on, and the settings that name it. */
export interface ListenAddress {
  readonly host: string
  readonly port: number
  readonly names: { readonly host: string; readonly port: string }
}

/** The message of an address that cannot be listened on. `cause` is the system's error. */
export const cannotListen = ({ host, names, port }: ListenAddress, cause: unknown): string => {
  const named = TerminalText.truncate(TerminalText.printable(host), 80)
  const where = `Cannot listen on ${named.includes(":") ? `[${named}]` : named}:${port}`
  const toSet = `set ${names.host} to an address of this machine, such as 127.0.0.1, or to 0.0.0.0 for all of them.`
  switch (SystemErrorCode.of(cause)) {
    case "EADDRINUSE":
      return `${where}: another program uses this port; set ${names.port} to another one.`
    case "EACCES":
      return `${where}: this user may not use this port; set ${names.port} to one above 1023.`
    case "EADDRNOTAVAIL":
      return `${where}: this machine does not have that address; ${toSet}`
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return `${where}: no address is known for that name; ${toSet}`
    default:
      return `${where}${SystemErrorCode.suffix(cause)}; check ${names.host} and ${names.port}.`
  }
}

/** The message of an error that ended a command. `flags` are the flags of the command, of which one may be mistyped. */
export const of = (error: unknown, flags: ReadonlyArray<string> = []): string => {
  if (error instanceof StorageUnavailable) {
    if (error.setting === "ANALYTICS_URL") return ofClickHouse(error)
    if (error.reason === "timeout" && error.code === cancelled) return cancelledMessage
    const message = error.reason === "unreachable" ? unreachable(error.code) : storage[error.reason]
    return error.setting === undefined ? message : message.replaceAll("DATABASE_URL", error.setting)
  }
  if (error instanceof SecretsKeyUnusable) return secretsKey[error.reason]
  if (error instanceof NotReady) {
    return error.reason === "database-unreachable" ? unreachable(error.code) : notReady[error.reason]
  }
  if (error instanceof Config.ConfigError) return ofConfig(error)
  if (isShowHelp(error)) {
    const path = error.commandPath.join(" ")
    const [first] = error.errors
    return first === undefined
      ? `A command is missing after \`${path}\`; see \`${path} --help\`.`
      : ofInvocation(first, path, flags)
  }
  return firstLine(error instanceof Error ? error.message : String(error))
}

const isShowHelp = (error: unknown): error is CliError.ShowHelp =>
  CliError.isCliError(error) && error._tag === "ShowHelp"
