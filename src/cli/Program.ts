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

const storage = Layer.unwrap(
  Effect.map(Settings, (settings) => App.storage(settings).pipe(Layer.provide(LocalDatabase.layer(settings))))
)

const delivery = Cli.ready(
  Layer.unwrap(
    Effect.gen(function* () {
      const settings = yield* LocalDatabase.withSecretsKey(yield* Settings)
      return App.testDeliveries(settings).pipe(
        Layer.provide(App.outwardClient(settings)),
        Layer.provideMerge(App.storage(settings)),
        Layer.provide(LocalDatabase.layer(settings))
      )
    })
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
