/**
 * The command line `hydracore`: its commands, their shared setup, and their exit.
 *
 * @module
 */
import { Cause, Effect, Layer, Logger, Option, Stdio } from "effect"
import { CliConfig, CliOutput, Command, GlobalFlag, type HelpDoc, TerminalCapabilities } from "effect/cli"
import manifest from "../../package.json" with { type: "json" }
import type { AnalyticsExport } from "../analytics/AnalyticsExport.ts"
import type { Reports } from "../analytics/reports/Reports.ts"
import type { AgentStream } from "../chat/AgentStream.ts"
import type { ConversationStore } from "../chat/ConversationStore.ts"
import type { InstanceDirectory } from "../chat/InstanceDirectory.ts"
import type { WidgetTokens } from "../chat/WidgetTokens.ts"
import type { Notifications } from "../delivery/mail/Notifications.ts"
import type { SubmissionRepo } from "../forms/SubmissionRepo.ts"
import type { Persons } from "../privacy/Persons.ts"
import { Readiness } from "../server/Readiness.ts"
import type { ConsoleSessions } from "../sites/access/ConsoleSession.ts"
import type { Decisions } from "../sites/Decisions.ts"
import type { SiteDirectory } from "../sites/SiteDirectory.ts"
import type { SiteErasure } from "../sites/SiteErasure.ts"
import type * as Client from "./client/Client.ts"
import * as Connection from "./client/Connection.ts"
import * as Analytics from "./commands/Analytics.ts"
import * as Console from "./commands/Console.ts"
import * as Conversation from "./commands/Conversation.ts"
import * as Form from "./commands/Form.ts"
import * as Goal from "./commands/Goal.ts"
import * as Instance from "./commands/Instance.ts"
import * as Key from "./commands/Key.ts"
import * as Person from "./commands/Person.ts"
import * as Report from "./commands/Report.ts"
import * as Share from "./commands/Share.ts"
import * as Site from "./commands/Site.ts"
import * as Stats from "./commands/Stats.ts"
import * as Submissions from "./commands/Submissions.ts"
import * as Token from "./commands/Token.ts"
import * as ErrorMessages from "./support/ErrorMessages.ts"
import * as Output from "./support/Output.ts"
import type { SecretsKey } from "./support/SecretsKey.ts"

/** The services that the storage commands need. */
export type Storage =
  | SiteDirectory
  | SiteErasure
  | InstanceDirectory
  | WidgetTokens
  | ConsoleSessions
  | ConversationStore
  | SubmissionRepo
  | Persons
  | Notifications
  | Reports
  | AnalyticsExport
  | Decisions
  | Readiness

export interface Options<E, R, RCommands = never> {
  /** Built when a command needs it. `--help` and an invalid command line do not build it. */
  readonly storage: Layer.Layer<Storage, E, R>
  /** The owner API in this process, for commands that are its clients. Built when such a command runs without `--url`. */
  readonly client: Layer.Layer<Client.Client, E, R>
  /** For commands that check an agent, or store its secrets. */
  readonly agent: Layer.Layer<AgentStream | SecretsKey, E, R>
  /** Commands with storage of their own, such as `serve`, `demo` and `migrate`. Help lists them first. */
  // biome-ignore lint/suspicious/noExplicitAny: a command's name is invariant, and any name is allowed here.
  readonly commands: ReadonlyArray<Command.Command<any, never, unknown, unknown, RCommands>>
}

/**
 * Checks readiness first, so that an unmigrated database gets its own error. A database that accepts no writes passes:
 * commands that only read work on it, and a failed write has its own error.
 */
export const requireReady = <A, E, R>(storage: Layer.Layer<A | Readiness, E, R>) =>
  Layer.effectDiscard(
    Readiness.use(({ check }) =>
      Effect.catchIf(
        check,
        ({ reason }) =>
          reason === "database-read-only" || reason === "database-denied" || reason === "database-not-storing",
        () => Effect.void
      )
    )
  ).pipe(Layer.provideMerge(storage))

const root = <E, R, RCommands = never>(options: Options<E, R, RCommands>) => {
  const storage = Layer.unwrap(Effect.as(Connection.requireLocal, requireReady(options.storage)))
  const client = Connection.layer(options.client)
  return Command.make("hydracore").pipe(
    Command.withDescription("The public edge of HydraCore: page views, forms and chat on PostgreSQL"),
    Command.withSubcommands([
      ...options.commands.map((command) => Command.provideEffectDiscard(command, Connection.requireLocal)),
      Site.command(client, storage),
      Instance.command(storage, options.agent),
      Token.command(storage),
      Key.command(client),
      Console.command(client),
      Share.command(client),
      Conversation.command(storage),
      Form.command(client),
      Submissions.command(client),
      Person.command(client, storage),
      Stats.command(client),
      Goal.command(client),
      Analytics.command(client),
      Report.command(client)
    ]),
    Command.withGlobalFlags([Output.Json, Connection.Url, Connection.Key])
  )
}

/** Adds "(required)" to the descriptions of required flags. */
const markRequired = (help: HelpDoc.HelpDoc): HelpDoc.HelpDoc => ({
  ...help,
  flags: help.flags.map((flag) =>
    flag.required ? { ...flag, description: Option.map(flag.description, (text) => `${text} (required)`) } : flag
  )
})

/** Prints requested help and the version to stdout. For an invalid command line it prints nothing: `fail` does. */
const presenter = (stdio: Stdio.Stdio, colors: boolean): CliOutput.Presenter => {
  const formatter = CliOutput.defaultFormatter({ colors })
  const print = (text: string) =>
    Output.write(`${text}\n`).pipe(Effect.provideService(Stdio.Stdio, stdio), Effect.ignore)
  return {
    present: (event) =>
      event._tag === "Version"
        ? print(`${event.name} ${event.version}`)
        : event._tag === "Help" && event.reason === "Requested"
          ? print(formatter.formatHelpDoc(markRequired(event.helpDoc)))
          : Effect.void
  }
}

/** Reports a defect, with its cause for the bug report. */
const reportDefect = (cause: Cause.Cause<unknown>) =>
  Output.note(`Internal error; please report the following.\n${Cause.pretty(cause)}`)

/** Reports why a command failed, and fails with the error that ends the process. A closed stdout is not a failure. */
const fail = (cause: Cause.Cause<unknown>): Effect.Effect<void, Output.CliFailure, Stdio.Stdio> => {
  const error = Cause.findErrorOption(cause)
  if (Option.isNone(error)) {
    return Effect.andThen(reportDefect(cause), new Output.CliFailure({ message: "Internal error." }))
  }
  if (error.value instanceof Output.StdoutClosed) return Effect.void
  const message = ErrorMessages.of(error.value)
  return Effect.andThen(Output.note(message), new Output.CliFailure({ message }))
}

/**
 * Runs the command line with its arguments. Errors are printed here: a `CliFailure` only means that the process must not
 * exit with 0.
 */
export const make = <E, R, RCommands = never>(options: Options<E, R, RCommands>) => {
  const command = root(options)
  const run = Command.runWith(command, { version: manifest.version, renderErrors: false })
  return Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
    const stdio = yield* Stdio.Stdio
    const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
    return yield* run(args.length === 0 ? ["--help"] : args).pipe(
      Effect.provideService(CliOutput.Presenter, presenter(stdio, canColor)),
      Effect.provideService(
        CliConfig.CliConfig,
        CliConfig.make({
          builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions, GlobalFlag.LogLevel]
        })
      ),
      Effect.catchCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.interrupt : fail(cause))),
      Effect.provideService(Logger.LogToStderr, true)
    )
  })
}
