/**
 * The command line `hydracore`: its commands, their shared setup, and their exit.
 *
 * @module
 */
import { Cause, Effect, Layer, Logger, Option, Stdio } from "effect"
import { CliConfig, CliError, CliOutput, Command, GlobalFlag, type HelpDoc, TerminalCapabilities } from "effect/cli"
import manifest from "../../package.json" with { type: "json" }
import * as TerminalText from "../platform/text/TerminalText.ts"
import { Readiness } from "../server/Readiness.ts"
import type * as Client from "./client/Client.ts"
import * as Connection from "./client/Connection.ts"
import * as Analytics from "./commands/Analytics.ts"
import * as Console from "./commands/Console.ts"
import * as Conversation from "./commands/Conversation.ts"
import * as Delivery from "./commands/Delivery.ts"
import * as Form from "./commands/Form.ts"
import * as Goal from "./commands/Goal.ts"
import * as Health from "./commands/Health.ts"
import * as Instance from "./commands/Instance.ts"
import * as Key from "./commands/Key.ts"
import * as Notify from "./commands/Notify.ts"
import * as Person from "./commands/Person.ts"
import * as Report from "./commands/Report.ts"
import * as Share from "./commands/Share.ts"
import * as Site from "./commands/Site.ts"
import * as Spam from "./commands/Spam.ts"
import * as Stats from "./commands/Stats.ts"
import * as Submissions from "./commands/Submissions.ts"
import * as Token from "./commands/Token.ts"
import * as Webhook from "./commands/Webhook.ts"
import * as ErrorMessages from "./support/ErrorMessages.ts"
import * as Output from "./support/Output.ts"

export interface Options<E, R, RCommands = never> {
  /**
   * The owner API in this process. Built when a command that is its client runs without `--url`: `--help` and an invalid command
   * line do not build it.
   */
  readonly client: Layer.Layer<Client.Client, E, R>
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
      check.pipe(
        // A check has less than two seconds, as a load balancer waits no longer. A command may wait for a busy machine.
        Effect.retry({
          while: ({ code, reason }) => reason === "database-unreachable" && code === undefined,
          times: 4
        }),
        Effect.catchIf(
          ({ reason }) =>
            reason === "database-read-only" || reason === "database-denied" || reason === "database-not-storing",
          () => Effect.void
        )
      )
    )
  ).pipe(Layer.provideMerge(storage))

/** Without `--log-level`, a client writes no log: its handlers log for services, and a command says in its message what went wrong. */
const withoutLog = Layer.unwrap(
  // The type of a command does not say that the flags of the library are given.
  Effect.map(Effect.serviceOption(GlobalFlag.LogLevel), (level) =>
    Option.isNone(Option.flatten(level)) ? Logger.layer([]) : Layer.empty
  )
)

const root = <E, R, RCommands = never>(options: Options<E, R, RCommands>) => {
  const client = Layer.provideMerge(Connection.layer(options.client), withoutLog)
  return Command.make("hydracore").pipe(
    Command.withDescription("The public edge of HydraCore: page views, forms and chat on PostgreSQL"),
    Command.withSubcommands([
      ...options.commands.map((command) => Command.provideEffectDiscard(command, Connection.requireLocal)),
      Site.command(client),
      Instance.command(client),
      Token.command(client),
      Key.command(client),
      Console.command(client),
      Share.command(client),
      Conversation.command(client),
      Form.command(client),
      Submissions.command(client),
      Spam.command(client),
      Person.command(client),
      Stats.command(client),
      Goal.command(client),
      Health.command(client),
      Webhook.command(client),
      Delivery.command(client),
      Notify.command(client),
      Analytics.command(client),
      Report.command(client)
    ]),
    Command.withGlobalFlags([Output.Json, Connection.Url, Connection.Key])
  )
}

/** Adds "(required)" to the descriptions of required flags, and leaves out global flags that the command has under the same name. */
const shownHelp = (help: HelpDoc.HelpDoc): HelpDoc.HelpDoc => ({
  ...help,
  ...(help.globalFlags && {
    globalFlags: help.globalFlags.filter(({ name }) => help.flags.every((flag) => flag.name !== name))
  }),
  flags: help.flags.map((flag) =>
    flag.required ? { ...flag, description: Option.map(flag.description, (text) => `${text} (required)`) } : flag
  )
})

/** The names of all flags of a command. */
const flagsOf = ({ flags, globalFlags = [], inheritedFlags = [] }: HelpDoc.HelpDoc): ReadonlyArray<string> =>
  [...flags, ...inheritedFlags, ...globalFlags].map(({ name }) => name)

const print = (text: string) => Effect.ignore(Output.write(`${text}\n`))

/**
 * Prints the version to stdout, and hands over requested help. For an invalid command line it prints nothing, since `fail` does, but
 * hands over the flags of the command.
 */
const presenter = (
  stdio: Stdio.Stdio,
  onHelp: (help: HelpDoc.HelpDoc) => void,
  onInvalid: (flags: ReadonlyArray<string>) => void
): CliOutput.Presenter => ({
  present: (event) => {
    if (event._tag === "Version") {
      return Effect.provideService(print(`${event.name} ${event.version}`), Stdio.Stdio, stdio)
    }
    return Effect.sync(() =>
      event._tag === "Help" && event.reason === "Requested" ? onHelp(event.helpDoc) : onInvalid(flagsOf(event.helpDoc))
    )
  }
})

/** The error of a command line that names an unknown command, as if it had no other. */
const unknownCommand = (error: unknown): Option.Option<CliError.ShowHelp> => {
  if (!CliError.isCliError(error) || error._tag !== "ShowHelp") return Option.none()
  const errors = error.errors.filter(({ _tag }) => _tag === "UnknownSubcommand")
  return errors.length === 0
    ? Option.none()
    : Option.some(new CliError.ShowHelp({ commandPath: error.commandPath, errors }))
}

/** Reports a defect, with its cause for the bug report. */
const reportDefect = (cause: Cause.Cause<unknown>) =>
  Output.note(`Internal error; please report the following.\n${Cause.pretty(cause)}`)

/**
 * Reports why a command failed, and fails with the error that ends the process. A closed stdout is not a failure. With `--json`, the
 * last line of stderr is a JSON object: stdout may hold the part of an export that was written before the failure.
 */
const fail = (
  cause: Cause.Cause<unknown>,
  isJson: boolean,
  flags: ReadonlyArray<string>
): Effect.Effect<void, Output.CliFailure, Stdio.Stdio> => {
  const error = Cause.findErrorOption(cause)
  if (Option.isSome(error) && error.value instanceof Output.StdoutClosed) return Effect.void
  const message = Option.match(error, {
    onNone: () => "Internal error.",
    onSome: (error) => ErrorMessages.of(error, flags)
  })
  const line = isJson
    ? Output.note(TerminalText.inertJson(JSON.stringify({ error: { message } })))
    : Option.isSome(error)
      ? Output.note(message)
      : Effect.void
  return (Option.isNone(error) ? reportDefect(cause) : Effect.void).pipe(
    Effect.andThen(line),
    Effect.andThen(new Output.CliFailure({ message }))
  )
}

/** The flags of the library that do something else than to run the command. */
type Action = typeof GlobalFlag.Help | typeof GlobalFlag.Version | typeof GlobalFlag.Completions

/** `help` and `help COMMAND` are `--help` and `COMMAND --help`. */
const requested = (args: ReadonlyArray<string>): ReadonlyArray<string> =>
  args.length === 0 || args[0] === "help" ? [...args.slice(1), "--help"] : args

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
    let help = Option.none<HelpDoc.HelpDoc>()
    let flags: ReadonlyArray<string> = []
    const onHelp = (requested: HelpDoc.HelpDoc) => {
      help = Option.some(requested)
    }
    const onInvalid = (ofCommand: ReadonlyArray<string>) => {
      flags = ofCommand
    }
    const runWith = (...actions: ReadonlyArray<Action>) =>
      run(requested(args)).pipe(
        Effect.provideService(CliOutput.Presenter, presenter(stdio, onHelp, onInvalid)),
        Effect.provideService(CliConfig.CliConfig, CliConfig.make({ builtIns: [...actions, GlobalFlag.LogLevel] }))
      )
    /**
     * Prints help, unless a command is unknown: for that, the library shows the help of the group. Without the flag for help, which is
     * then an unknown flag, no handler runs, and the errors of the command line are known.
     */
    const printHelp = Effect.fnUntraced(function* (help: HelpDoc.HelpDoc) {
      if (help.subcommands !== undefined) {
        const unknown = Option.flatMap(yield* Effect.option(Effect.flip(runWith())), unknownCommand)
        if (Option.isSome(unknown)) return yield* unknown.value
      }
      yield* print(CliOutput.defaultFormatter({ colors: canColor }).formatHelpDoc(shownHelp(help)))
    })
    return yield* runWith(GlobalFlag.Help, GlobalFlag.Version, GlobalFlag.Completions).pipe(
      Effect.andThen(Effect.suspend(() => Option.match(help, { onNone: () => Effect.void, onSome: printHelp }))),
      Effect.catchCause((cause) =>
        Cause.hasInterruptsOnly(cause) ? Effect.interrupt : fail(cause, args.includes("--json"), flags)
      ),
      Effect.provideService(Logger.LogToStderr, true)
    )
  })
}
