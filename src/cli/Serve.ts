/**
 * `serve`: the service on the database of `DATABASE_URL`, until it is told to end.
 *
 * @module
 */
import { Clock, Effect, Layer, Option, Schedule } from "effect"
import { Command } from "effect/cli"
import { HttpServer } from "effect/http"
import * as App from "../App.ts"
import { Settings } from "../Config.ts"
import { Readiness } from "../services/Readiness.ts"
import { StorageUnavailable } from "../services/Storage.ts"
import * as Telemetry from "../Telemetry.ts"
import * as LocalDatabase from "./LocalDatabase.ts"
import * as Output from "./Output.ts"

/** How long `serve` waits for another process to begin with the migrations, in milliseconds. */
const patienceForMigrations = 2_000

/**
 * Waits for a database that is still starting or being migrated, and fails for one that is not migrated. Where both begin
 * at once, `serve` may look before the other process has begun.
 */
const requireReady = (settings: Settings) =>
  Effect.gen(function* () {
    const { check } = yield* Readiness
    const begun = yield* Clock.monotonicTimeNanos
    const mayWait = Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - begun) / 1e6 < patienceForMigrations)
    yield* check.pipe(
      Effect.retry({
        while: (error) => (error.reason === "database-unreachable" ? Effect.succeed(true) : mayWait),
        schedule: Schedule.spaced("200 millis")
      }),
      Effect.timeoutOrElse({
        duration: settings.databaseTimeout,
        orElse: () => Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
      })
    )
  })

/** Names a port that is taken, or may not be taken, in place of the system's words. */
export const cannotListen = (settings: Settings) =>
  new Output.CliFailure({
    message: `Cannot listen on ${settings.host}:${settings.port}; another program may use this port. Set PORT (and HOST) to another one.`
  })

export const command = Command.make(
  "serve",
  {},
  Effect.fnUntraced(function* () {
    const settings = yield* Settings
    const address = LocalDatabase.configured(settings)
    if (Option.isNone(address)) {
      return yield* new Output.CliFailure({
        message:
          "DATABASE_URL is not set; set it to a PostgreSQL database, or run `npm start` for a demo that brings its own."
      })
    }
    yield* Effect.gen(function* () {
      const database = yield* Layer.build(App.database(settings, address.value))
      yield* Layer.build(App.storage(settings)).pipe(
        Effect.flatMap((storage) => Effect.provide(requireReady(settings), storage)),
        Effect.scoped,
        Effect.provide(database)
      )
      const service = yield* Layer.build(App.live(settings)).pipe(
        Effect.provide(database),
        Effect.catchTag("ServeError", () => Effect.fail(cannotListen(settings)))
      )
      const server = yield* Effect.provide(HttpServer.HttpServer, service)
      yield* Effect.logInfo(`Listening on ${HttpServer.formatAddress(server.address)}`)
      yield* Effect.addFinalizer(() => Effect.logInfo("Ending: no new connections, open requests go on"))
      return yield* Effect.never
    }).pipe(Effect.scoped, Effect.provide(Telemetry.layer({ level: settings.logLevel, format: "json" })))
  })
).pipe(Command.withDescription("Serve on the database of DATABASE_URL"))
