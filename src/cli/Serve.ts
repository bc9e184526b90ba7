/**
 * `serve`: the service on the database of `DATABASE_URL`, until it is told to end; in this process, or with `--workers` in
 * several that share one port, one rate limit and one set of metrics.
 *
 * @module
 */
import { fork } from "node:child_process"
import { Clock, Context, Duration, Effect, Latch, Layer, Option, Schedule } from "effect"
import { Command } from "effect/cli"
import { HttpServer } from "effect/http"
import * as App from "../App.ts"
import { Settings } from "../Config.ts"
import * as Primary from "../cluster/Primary.ts"
import * as Snapshot from "../core/metrics/Snapshot.ts"
import { NotReady, Readiness } from "../services/Readiness.ts"
import * as MetricsServer from "../telemetry/MetricsServer.ts"
import * as ErrorMessages from "./support/ErrorMessages.ts"
import * as Inputs from "./support/Inputs.ts"
import * as LocalDatabase from "./support/LocalDatabase.ts"
import * as Output from "./support/Output.ts"

/** How long `serve` waits for another process to begin with the migrations, in milliseconds. */
const patienceForMigrations = 2_000

/**
 * Waits for a database that is still starting, being migrated or made the primary, and fails for one that is not migrated or
 * stays a standby. Where migrations and `serve` begin at once, `serve` may look before the other process has begun.
 */
const requireReady = Effect.fnUntraced(function* (settings: Settings) {
  const { check } = yield* Readiness
  const begun = yield* Clock.monotonicTimeNanos
  let last: NotReady | undefined
  const mayWait = Effect.map(Clock.monotonicTimeNanos, (now) => Number(now - begun) / 1e6 < patienceForMigrations)
  yield* check.pipe(
    Effect.retry({
      while: (error) => {
        last = error
        return error.reason === "database-not-migrated" || error.reason === "database-denied"
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

/** Says why the service cannot listen, by what the system gave as `cause`. */
export const cannotListen = ({ host, port }: Settings, cause: unknown) =>
  new Output.CliFailure({
    message: ErrorMessages.cannotListen({ host, port, names: { host: "HOST", port: "PORT" } }, cause)
  })

export const noDatabase =
  "DATABASE_URL is not set; set it to a PostgreSQL database, or run `npm start` for a demo that brings its own."

/** The service on a database, once that can be used; it ends with the scope. */
export const service = Effect.fnUntraced(function* (
  settings: Settings,
  address: App.DatabaseAddress,
  worker?: App.Worker
) {
  const database = yield* Layer.build(App.database(settings, address))
  const storage = yield* Effect.provide(Layer.build(App.storage(settings)), database)
  yield* Effect.provide(requireReady(settings), storage)
  const running = yield* Layer.build(App.live({ settings, worker })).pipe(
    Effect.provide(Context.merge(database, storage)),
    Effect.catchTag("ServeError", ({ cause }) => Effect.fail(cannotListen(settings, cause)))
  )
  return yield* Effect.provide(HttpServer.HttpServer, running)
})

/** Every request leaves the fast path then, which is worth a line in the log. */
export const tellOfTracing = (settings: Settings): Effect.Effect<void> =>
  Option.exists(settings.otlp, ({ traceRatio }) => traceRatio === 1)
    ? Effect.logInfo("All requests are traced, so the fast path is off; set OTEL_TRACES_SAMPLER_ARG to trace a share")
    : Effect.void

/** Serves the metrics on their own address, if one is set. */
const serveMetrics = (settings: Settings, snapshot: Effect.Effect<Snapshot.Snapshot>) =>
  Option.match(settings.metricsPort, {
    onNone: () => Effect.void,
    onSome: (port) =>
      Effect.gen(function* () {
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

const ending = Effect.addFinalizer(() => Effect.logInfo("Ending: no new connections, open requests go on"))

/** The service in this process. */
const alone = Effect.fnUntraced(function* (settings: Settings, address: App.DatabaseAddress) {
  yield* serveMetrics(
    settings,
    Effect.contextWith((context) => Effect.sync(() => Snapshot.take(context)))
  )
  const server = yield* service(settings, address)
  yield* Effect.logInfo(`Listening on ${HttpServer.formatAddress(server.address)}`)
  yield* ending
  return yield* Effect.never
})

/**
 * Hears SIGHUP for as long as the scope is open, since it ends a process that does not. Gives how to do what it asks for,
 * also when it came before that; it is done once more for any number of them that came meanwhile.
 */
const hangups = Effect.gen(function* () {
  const asked = Latch.makeUnsafe(false)
  const ask = () => asked.openUnsafe()
  yield* Effect.acquireRelease(
    Effect.sync(() => process.on("SIGHUP", ask)),
    () => Effect.sync(() => process.off("SIGHUP", ask))
  )
  return <R>(act: Effect.Effect<void, never, R>) =>
    asked.await.pipe(
      Effect.andThen(Effect.sync(() => asked.closeUnsafe())),
      Effect.andThen(act),
      Effect.forever,
      Effect.forkScoped
    )
})

/** How much longer than its grace period a worker may take to end before it is killed: what it does after the last answer. */
const workerKillGrace = Duration.seconds(6)

/** How much longer than it waits for its database a worker may take to start. */
const loading = Duration.seconds(60)

/** The service in `workers` processes, and this one at their door. */
const withWorkers = Effect.fnUntraced(function* (settings: Settings, workers: number) {
  // Before the start, which may take a minute, and until the last worker has ended, which may take as long.
  const onHangup = yield* hangups
  const primary = yield* Primary.start({
    workers,
    address: { host: settings.host, port: settings.port },
    // The program as it was called, and not as it was found: behind a link that is moved, a restart finds the new version.
    fork: (slot, { host, port }) =>
      fork(process.argv[1] ?? "", ["worker", String(slot), host, String(port), String(workers)]),
    startPatience: Duration.sum(settings.databaseTimeout, loading),
    endPatience: Duration.sum(settings.shutdownGrace, workerKillGrace)
  }).pipe(
    Effect.provide(App.rateLimiter(settings)),
    Effect.catchTags({
      CannotListen: ({ cause }) => Effect.fail(cannotListen(settings, cause)),
      WorkerFailed: ({ message }) => Effect.fail(new Output.CliFailure({ message }))
    })
  )
  yield* serveMetrics(settings, primary.snapshot)
  yield* onHangup(primary.replaceAll)
  const { host, port } = primary.address
  yield* Effect.logInfo(
    `Listening on http://${host.includes(":") ? `[${host}]` : host}:${port} with ${workers} workers`
  )
  yield* ending
  return yield* Effect.never
})

export const command = Command.make(
  "serve",
  { workers: Inputs.workers },
  Effect.fnUntraced(function* ({ workers }) {
    const settings = yield* Settings
    const address = LocalDatabase.configured(settings)
    if (Option.isNone(address)) return yield* new Output.CliFailure({ message: noDatabase })
    const serve = workers === null ? alone(settings, address.value) : withWorkers(settings, workers)
    yield* Effect.andThen(tellOfTracing(settings), serve).pipe(
      Effect.scoped,
      Effect.provide(App.telemetry(settings, "json"))
    )
  })
).pipe(Command.withDescription("Serve on the database of DATABASE_URL"))
