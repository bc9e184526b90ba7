/**
 * All commands, with the database and the agents that the settings name.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import * as App from "../App.ts"
import { Settings } from "../Config.ts"
import * as Cli from "./Cli.ts"
import * as Demo from "./commands/Demo.ts"
import * as Doctor from "./commands/Doctor.ts"
import * as Migrate from "./commands/Migrate.ts"
import * as Serve from "./commands/Serve.ts"
import * as LocalDatabase from "./support/LocalDatabase.ts"

const loadSettings = Effect.flatMap(Settings, LocalDatabase.withSecretsKey)

const client = Layer.unwrap(
  Effect.gen(function* () {
    const settings = yield* loadSettings
    const Local = yield* Effect.promise(() => import("./client/Local.ts"))
    const services = Layer.mergeAll(
      App.outwardClient(settings),
      App.mails(App.mail(settings)),
      App.agentOnDemand(settings)
    ).pipe(Layer.provideMerge(App.storage(settings)), Layer.provide(LocalDatabase.layer(settings)))
    return Local.layer(settings).pipe(Layer.provide(Cli.requireReady(services)))
  })
)

/** The flags with a value that may precede the command. */
const valuedFlags = ["--log-level", "--completions", "--url", "--key"]

/** Whether the command of these arguments is `serve` or `demo`, which run until they are interrupted. */
export const isService = (args: ReadonlyArray<string>): boolean => {
  const command = args.find((arg, index) => !arg.startsWith("-") && !valuedFlags.includes(args[index - 1] ?? ""))
  return command === "serve" || command === "demo"
}

/** Runs the command of these arguments. */
export const run = Cli.make({
  client,
  commands: [Demo.command, Serve.command, Migrate.command, Doctor.command]
})
