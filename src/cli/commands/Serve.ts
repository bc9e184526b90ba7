/**
 * `serve`: runs the service on the database of `DATABASE_URL` until SIGTERM or SIGINT. With `--workers`, several processes
 * share one port, one rate limiter and one set of metrics. With `--check`, it only checks the settings.
 *
 * @module
 */
import { fork } from "node:child_process"
import { Clock, Context, Duration, Effect, Latch, Layer, Option, Schedule } from "effect"
import { Command } from "effect/cli"
import { HttpServer } from "effect/http"
import * as App from "../../App.ts"
import { databaseUrl, faults, geoDatabase, Settings, unknownSettings } from "../../Config.ts"
import * as Primary from "../../platform/cluster/Primary.ts"
import * as Countries from "../../platform/http/Countries.ts"
import * as Rounds from "../../platform/rounds/Rounds.ts"
import * as Environment from "../../platform/settings/Environment.ts"
import * as Snapshot from "../../platform/telemetry/Snapshot.ts"
import { startDemo } from "../../platform/text/CommandName.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import { NotReady, Readiness } from "../../server/Readiness.ts"
import * as AnalyticsTables from "../support/AnalyticsTables.ts"
import * as ErrorMessages from "../support/ErrorMessages.ts"
import * as Inputs from "../support/Inputs.ts"
import * as LocalDatabase from "../support/LocalDatabase.ts"
import * as Output from "../support/Output.ts"
import * as ServePlan from "../support/ServePlan.ts"

/** How long `serve` waits for another process to start the migrations, in milliseconds. */
const migrationGrace = 2_000

/**
 * Waits while the database starts, is being migrated or is being promoted. Fails if it or ClickHouse is not migrated, or if it
 * stays a standby.
 * If `migrate` and `serve` start together, `serve` may check before the migrations begin, so it waits for them for
 * `migrationGrace`.
 */
const requireReady = Effect.fnUntraced(function* (settings: Settings) {
  const { check } = yield* Readiness
  const startedAt = yield* Clock.monotonicTimeNanos
  let last: NotReady | undefined
  const mayWait = Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - startedAt) / 1e6 < migrationGrace)
  yield* check.pipe(
    Effect.retry({
      while: (error) => {
        last = error
        return error.reason.endsWith("-not-migrated") || error.reason === "database-denied"
          ? mayWait
          : Effect.succeed(true)
      },
      schedule: Schedule.spaced("200 millis")
    }),
    Effect.timeoutOrElse({
      duration: settings.databaseTimeout,
      orElse: () => Effect.fail(last ?? new NotReady({ reason: "database-unreachable" }))
    })
  )
})

/** The error of an address that the service cannot listen on. */
export const cannotListen = ({ host, port }: Settings, cause: unknown) =>
  new Output.CliFailure({
    message: ErrorMessages.cannotListen({ host, port, names: { host: "HOST", port: "PORT" } }, cause)
  })

/** The error of an address that the owner API cannot listen on. */
export const ownerCannotListen = ({ ownerHost: host, ownerPort }: Settings, cause: unknown) =>
  new Output.CliFailure({
    message: ErrorMessages.cannotListen(
      { host, port: Option.getOrElse(ownerPort, () => 0), names: { host: "OWNER_HOST", port: "OWNER_PORT" } },
      cause
    )
  })

const noDatabase = `DATABASE_URL is not set; set it to a PostgreSQL database, or run \`${startDemo}\` for a demo with its own database.`

/** The database that the service runs on. Fails if none is configured. */
export const databaseOf = (settings: Settings) =>
  Effect.mapError(
    Effect.fromOption(LocalDatabase.configured(settings)),
    () => new Output.CliFailure({ message: noDatabase })
  )

/** A readiness that fails while `isDraining`. */
const unlessDraining = ({ check }: Readiness["Service"], isDraining: () => boolean): Readiness["Service"] => ({
  check: Effect.suspend(() => (isDraining() ? new NotReady({ reason: "shutting-down" }) : check))
})

/**
 * Starts the service once the database is ready, and returns its addresses. The service stops when the scope closes. While
 * `isDraining`, it serves and is not ready.
 */
export const service = Effect.fnUntraced(function* (
  settings: Settings,
  address: App.DatabaseAddress,
  { isDraining, worker }: { readonly isDraining?: () => boolean; readonly worker?: App.Worker } = {}
) {
  const database = yield* Layer.build(App.database(settings, address))
  const stores = yield* Effect.provide(Layer.build(App.storage(settings)), database)
  const storage =
    isDraining === undefined
      ? stores
      : Context.add(stores, Readiness, unlessDraining(Context.get(stores, Readiness), isDraining))
  yield* Effect.provide(requireReady(settings), storage)
  yield* AnalyticsTables.warnIfUnusable(settings)
  const running = yield* Layer.build(App.live({ settings, worker })).pipe(
    Effect.provide(Context.merge(database, storage)),
    Effect.catchTags({
      ServeError: ({ cause }) => Effect.fail(cannotListen(settings, cause)),
      OwnerServeError: ({ cause }) => Effect.fail(ownerCannotListen(settings, cause))
    })
  )
  const { OwnerServer } = yield* Effect.promise(() => import("../../server/OwnerServer.ts"))
  return { address: Context.get(running, HttpServer.HttpServer).address, owner: Context.get(running, OwnerServer) }
})

/** Logs that tracing every request turns the fast path of page views off. */
export const logTracing = (settings: Settings): Effect.Effect<void> =>
  Option.exists(settings.otlp, ({ traceRatio }) => traceRatio === 1)
    ? Effect.logInfo("All requests are traced, so the fast path is off; set OTEL_TRACES_SAMPLER_ARG to trace a share")
    : Effect.void

/** Serves the metrics on `METRICS_PORT`, if it is set. */
const serveMetrics = (settings: Settings, snapshot: Effect.Effect<Snapshot.Snapshot>) =>
  Option.match(settings.metricsPort, {
    onNone: () => Effect.void,
    onSome: (port) =>
      Effect.gen(function* () {
        const MetricsServer = yield* Effect.promise(() => import("../../platform/telemetry/MetricsServer.ts"))
        const built = yield* Layer.build(MetricsServer.layer({ host: settings.metricsHost, port }, snapshot))
        const { address } = yield* Effect.provide(HttpServer.HttpServer, built)
        yield* Effect.logInfo(`Metrics on ${HttpServer.formatAddress(address)}/metrics`)
      }).pipe(
        Effect.catchTag("ServeError", ({ cause }) => {
          const names = { host: "METRICS_HOST", port: "METRICS_PORT" }
          const message = ErrorMessages.cannotListen({ host: settings.metricsHost, port, names }, cause)
          return Effect.fail(new Output.CliFailure({ message }))
        })
      )
  })

/** Before the rest of the scope closes: calls `drain`, goes on serving for `DRAIN_DELAY`, and logs both steps. */
const shutDownInOrder = ({ drainDelay }: Settings, drain: Effect.Effect<void>) =>
  Effect.addFinalizer(() =>
    Option.match(drainDelay, {
      onNone: () => Effect.void,
      onSome: (delay) =>
        drain.pipe(
          Effect.andThen(
            Effect.logInfo(`Shutting down: not ready, new connections for ${Duration.format(delay)} more`)
          ),
          Effect.andThen(Effect.sleep(delay))
        )
    }).pipe(Effect.andThen(Effect.logInfo("Shutting down: no new connections, open requests continue")))
  )

/** Runs the service in this process. */
const inThisProcess = Effect.fnUntraced(function* (settings: Settings, address: App.DatabaseAddress) {
  yield* serveMetrics(
    settings,
    Effect.contextWith((context) => Effect.sync(() => Snapshot.take(context)))
  )
  let isDraining = false
  const started = yield* service(settings, address, { isDraining: () => isDraining })
  yield* Effect.logInfo(`Listening on ${HttpServer.formatAddress(started.address)}`)
  if (Option.isSome(started.owner)) {
    yield* Effect.logInfo(`Owner API on ${HttpServer.formatAddress(started.owner.value)}`)
  }
  yield* shutDownInOrder(
    settings,
    Effect.sync(() => {
      isDraining = true
    })
  )
  return yield* Effect.never
})

/**
 * Handles SIGHUP while the scope is open; unhandled, the signal would end the process. Returns a function that sets the action
 * of the signal. If a signal arrived before, the action runs at once. If signals arrive while it runs, it runs once more.
 */
const hangups = Effect.gen(function* () {
  const requested = Latch.makeUnsafe(false)
  const request = () => requested.openUnsafe()
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("SIGHUP", request)),
    () => Effect.sync(() => process.off("SIGHUP", request))
  )
  return <R>(action: Effect.Effect<void, never, R>) =>
    requested.await.pipe(
      Effect.andThen(Effect.sync(() => requested.closeUnsafe())),
      Effect.andThen(action),
      Rounds.recover("The signal could not be handled; send it again"),
      Effect.forever,
      Effect.forkScoped
    )
})

/** A worker may still commit and flush for this time after its grace period. Then it is killed. */
const workerKillGrace = Duration.seconds(6)

/** The time a worker may take to start, besides its wait for the database. */
const startGrace = Duration.seconds(60)

/** The file descriptor in a worker of the public socket. That of the owner API, if it has its own address, follows. */
export const firstSocket = 4

const urlOf = ({ host, port }: Primary.Address): string => `http://${host.includes(":") ? `[${host}]` : host}:${port}`

/** Runs the service in `workers` processes, which listen on sockets of this process. */
const withWorkers = Effect.fnUntraced(function* (settings: Settings, workers: number) {
  // The signal is also handled while the workers start or end, because either may take a minute.
  const onHangup = yield* hangups
  const primary = yield* Primary.start({
    workers,
    addresses: [
      { host: settings.host, port: settings.port },
      ...Option.toArray(Option.map(settings.ownerPort, (port) => ({ host: settings.ownerHost, port })))
    ],
    // The path is not resolved: after a symbolic link moves to a new version, a restarted worker runs that version.
    fork: (slot, sockets) =>
      fork(process.argv[1] ?? "", ["worker", String(slot), String(workers)], {
        stdio: ["inherit", "inherit", "inherit", "ipc", ...sockets]
      }),
    startTimeout: Duration.sum(settings.databaseTimeout, startGrace),
    endTimeout: Duration.sum(settings.shutdownGrace, workerKillGrace)
  }).pipe(
    Effect.provide(App.rateLimiter(settings)),
    Effect.catchTags({
      CannotListen: ({ cause, index }) =>
        Effect.fail(index === 0 ? cannotListen(settings, cause) : ownerCannotListen(settings, cause)),
      WorkerFailed: ({ message }) => Effect.fail(new Output.CliFailure({ message }))
    })
  )
  yield* serveMetrics(settings, primary.snapshot)
  yield* onHangup(primary.replaceAll)
  const [address, owner] = primary.addresses.map(urlOf)
  yield* Effect.logInfo(`Listening on ${address} with ${workers} workers`)
  if (owner !== undefined) yield* Effect.logInfo(`Owner API on ${owner}`)
  yield* shutDownInOrder(settings, primary.drain)
  return yield* Effect.never
})

/** A sentence about each variable that is probably a misspelt setting. */
const warnings = Effect.map(unknownSettings, (unknown) => unknown.map(Environment.describe))

const logWarnings = Effect.flatMap(warnings, (texts) =>
  Effect.all(
    texts.map((text) => Effect.logWarning(text)),
    { discard: true }
  )
)

/** Whether the file of `GEO_DATABASE` can be used. */
const checkCountries = Effect.flatMap(
  geoDatabase,
  Option.match({ onNone: () => Effect.void, onSome: Countries.check })
).pipe(
  // An invalid setting is one of `faults`.
  Effect.catchTag("ConfigError", () => Effect.void)
)

/** Prints what the settings mean, or which of them are invalid. */
const check = Effect.fnUntraced(function* (workers: number | null) {
  const errors = (yield* faults).map((fault) => ErrorMessages.of(fault))
  const database = yield* Effect.option(databaseUrl)
  if (Option.isSome(database) && Option.isNone(database.value)) errors.push(noDatabase)
  yield* Effect.catchTag(checkCountries, "GeoDatabaseUnusable", (error) =>
    Effect.sync(() => errors.push(ErrorMessages.of(error)))
  )
  const warned = yield* warnings
  const notes = warned.map((warning) => `Warning: ${TerminalText.printable(warning)}\n`).join("")
  const plan =
    errors.length === 0 && Option.isSome(database) && Option.isSome(database.value)
      ? ServePlan.of(yield* Settings, database.value.value, workers)
      : []
  yield* Output.answer({
    json: {
      valid: errors.length === 0,
      errors,
      warnings: warned,
      plan: plan.map(([subject, says]) => ({ subject, says }))
    },
    text:
      errors.length === 0
        ? `${Output.facts(plan)}${notes}All settings are valid. \`hydracore doctor\` checks the servers that they name.\n`
        : errors.map((error) => `${TerminalText.printable(error)}\n`).join("") + notes
  })
  if (errors.length > 0) {
    return yield* new Output.CliFailure({
      message: `${errors.length === 1 ? "One setting is" : `${errors.length} settings are`} not valid; see above.`
    })
  }
})

export const command = Command.make(
  "serve",
  {
    workers: Inputs.workers,
    check: Inputs.withoutValue("check", "Check all settings, print what they mean, and exit; connects to nothing")
  },
  Effect.fnUntraced(function* ({ check: isCheck, workers }) {
    if (isCheck) return yield* check(workers)
    const settings = yield* Settings
    const address = yield* databaseOf(settings)
    const serve = workers === null ? inThisProcess(settings, address) : withWorkers(settings, workers)
    yield* Effect.all([logTracing(settings), logWarnings, serve], { discard: true }).pipe(
      Effect.scoped,
      Effect.provide(App.telemetry(settings, "json"))
    )
  })
).pipe(Command.withDescription("Serve on the database of DATABASE_URL"))
