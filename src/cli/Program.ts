/**
 * All commands, with the database and the agents that the settings name.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import * as App from "../App.ts"
import { Settings } from "../Config.ts"
import * as Cli from "./Cli.ts"
import * as Delivery from "./commands/Delivery.ts"
import * as Demo from "./commands/Demo.ts"
import * as Doctor from "./commands/Doctor.ts"
import * as Migrate from "./commands/Migrate.ts"
import * as Notify from "./commands/Notify.ts"
import * as Serve from "./commands/Serve.ts"
import * as Webhook from "./commands/Webhook.ts"
import * as LocalDatabase from "./support/LocalDatabase.ts"

const settings = Effect.flatMap(Settings, LocalDatabase.withSecretsKey)

const storage = Layer.unwrap(
  Effect.map(settings, (found) => App.storage(found).pipe(Layer.provide(LocalDatabase.layer(found))))
)

const delivery = Cli.requireReady(
  Layer.unwrap(
    Effect.map(settings, (found) =>
      App.testDeliveries(found).pipe(
        Layer.provide(App.outwardClient(found)),
        Layer.provideMerge(App.storage(found)),
        Layer.provide(LocalDatabase.layer(found))
      )
    )
  )
)

const agent = Layer.unwrap(Effect.map(Settings, App.agent))

/** Runs the command of these arguments. */
export const run = Cli.make({
  storage,
  agent,
  commands: [
    Demo.command,
    Serve.command,
    Migrate.command,
    Doctor.command,
    Webhook.command(delivery),
    Delivery.command(delivery),
    Notify.command(delivery)
  ]
})
