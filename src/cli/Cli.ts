/**
 * The command line `hydracore`: its commands, what they share, and how they end.
 *
 * @module
 */
import { Cause, Effect, Layer, Logger, Option, Stdio } from "effect"
import { CliConfig, CliOutput, Command, GlobalFlag, type HelpDoc, TerminalCapabilities } from "effect/cli"
import manifest from "../../package.json" with { type: "json" }
import type { Reports } from "../services/analytics/Reports.ts"
import type { AgentStream } from "../services/chat/AgentStream.ts"
import type { ConversationStore } from "../services/chat/ConversationStore.ts"
import type { InstanceDirectory } from "../services/chat/InstanceDirectory.ts"
import type { WidgetTokens } from "../services/chat/WidgetTokens.ts"
import type { SubmissionRepo } from "../services/forms/SubmissionRepo.ts"
import { Readiness } from "../services/Readiness.ts"
import type { Decisions } from "../services/sites/Decisions.ts"
import type { SiteDirectory } from "../services/sites/SiteDirectory.ts"
import type { SiteErasure } from "../services/sites/SiteErasure.ts"
import * as Conversation from "./Conversation.ts"
import * as Instance from "./Instance.ts"
import * as Site from "./Site.ts"
import * as Stats from "./Stats.ts"
import * as Submissions from "./Submissions.ts"
import * as ErrorMessages from "./support/ErrorMessages.ts"
import * as Output from "./support/Output.ts"
import * as Token from "./Token.ts"

/** What the commands that read and write the store need of it. */
export type Storage =
  | SiteDirectory
  | SiteErasure
  | InstanceDirectory
  | WidgetTokens
  | ConversationStore
  | SubmissionRepo
  | Reports
  | Decisions
  | Readiness

export interface Options<E, R, RCommands = never> {
  /** Opened when a command that needs it runs; `--help` and a wrong command line open nothing. */
  readonly storage: Layer.Layer<Storage, E, R>
  /** Asks the agents, for commands that check one. */
  readonly agent: Layer.Layer<AgentStream, E, R>
  /** Commands that bring their own storage (`serve`, `demo`, `migrate`). Help lists them first. */
  // biome-ignore lint/suspicious/noExplicitAny: a command's name is invariant, and here it may be any.
  readonly commands: ReadonlyArray<Command.Command<any, never, unknown, unknown, RCommands>>
}

/**
 * A storage that was asked whether it can be used, so that an unmigrated database is named as what it is. One that takes no
 * writes, or none from us, can be read; a command that writes names it when it meets it.
 */
const ready = <E, R>(storage: Layer.Layer<Storage, E, R>) =>
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
  const storage = ready(options.storage)
  return Command.make("hydracore").pipe(
    Command.withDescription("The public edge of HydraCore: page views, forms and chat on PostgreSQL"),
    Command.withSubcommands([
      ...options.commands,
      Site.command(storage),
      Instance.command(storage, options.agent),
      Token.command(storage),
      Conversation.command(storage),
      Submissions.command(storage),
      Stats.command(storage)
    ]),
    Command.withGlobalFlags([Output.Json])
  )
}

/** A command's help, with a word at each flag that must be given. */
const marked = (help: HelpDoc.HelpDoc): HelpDoc.HelpDoc => ({
  ...help,
  flags: help.flags.map((flag) =>
    flag.required ? { ...flag, description: Option.map(flag.description, (text) => `${text} (required)`) } : flag
  )
})

/** Help and the version on stdout. What is wrong with a command line is not shown with its help, but as a sentence. */
const presenter = (stdio: Stdio.Stdio, colors: boolean): CliOutput.Presenter => {
  const formatter = CliOutput.defaultFormatter({ colors })
  const print = (text: string) =>
    Output.write(`${text}\n`).pipe(Effect.provideService(Stdio.Stdio, stdio), Effect.ignore)
  return {
    present: (event) =>
      event._tag === "Version"
        ? print(`${event.name} ${event.version}`)
        : event._tag === "Help" && event.reason === "Requested"
          ? print(formatter.formatHelpDoc(marked(event.helpDoc)))
          : Effect.void
  }
}

/** A fault of ours: a sentence, and beneath it what whoever mends it needs. */
const complainOfDefect = (cause: Cause.Cause<unknown>) =>
  Output.note(`The command met a fault of its own; please report what follows.\n${Cause.pretty(cause)}`)

/** Says why a command ended, and gives the error with which the process ends. */
const end = (cause: Cause.Cause<unknown>): Effect.Effect<void, Output.CliFailure, Stdio.Stdio> => {
  const error = Cause.findErrorOption(cause)
  if (Option.isNone(error)) {
    return Effect.andThen(complainOfDefect(cause), new Output.CliFailure({ message: "A fault of our own." }))
  }
  if (error.value instanceof Output.StdoutClosed) return Effect.void
  const message = ErrorMessages.of(error.value)
  return Effect.andThen(Output.note(message), new Output.CliFailure({ message }))
}

/**
 * The command line, given its arguments. It has said everything that there is to say when it ends: a `CliFailure` means
 * only that the process must not exit with 0.
 */
export const make = <E, R, RCommands = never>(options: Options<E, R, RCommands>) => {
  const command = root(options)
  const run = Command.runWith(command, { version: manifest.version, renderErrors: false })
  return Effect.fnUntraced(function* (args: ReadonlyArray<string>) {
    const stdio = yield* Stdio.Stdio
    const { canColor } = yield* TerminalCapabilities.TerminalCapabilities
    // Nothing asked is a question too.
    return yield* run(args.length === 0 ? ["--help"] : args).pipe(
      Effect.provideService(CliOutput.Presenter, presenter(stdio, canColor)),
      Effect.provideService(
        CliConfig.CliConfig,
        CliConfig.make({
          builtIns: [GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions, GlobalFlag.LogLevel]
        })
      ),
      Effect.catchCause((cause) => (Cause.hasInterruptsOnly(cause) ? Effect.interrupt : end(cause))),
      Effect.provideService(Logger.LogToStderr, true)
    )
  })
}
