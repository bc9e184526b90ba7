/**
 * All commands, with the database and the agents that the settings name.
 *
 * @module
 */
import { Effect, Layer } from "effect"
import * as App from "../App.ts"
import { Settings } from "../Config.ts"
import * as Cli from "./Cli.ts"
import * as Delivery from "./Delivery.ts"
import * as Demo from "./Demo.ts"
import * as Doctor from "./Doctor.ts"
import * as Migrate from "./Migrate.ts"
import * as Notify from "./Notify.ts"
import * as Serve from "./Serve.ts"
import * as LocalDatabase from "./support/LocalDatabase.ts"
import * as Webhook from "./Webhook.ts"

const settings = Effect.flatMap(Settings, LocalDatabase.withSecretsKey)

const storage = Layer.unwrap(
  Effect.map(settings, (found) => App.storage(found).pipe(Layer.provide(LocalDatabase.layer(found))))
)

const delivery = Cli.ready(
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
