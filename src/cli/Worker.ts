/**
 * A worker of `serve --workers`: runs the service on connections that the primary sends to this process.
 *
 * @module
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Cause, Effect, Layer, Option, Runtime } from "effect"
import * as App from "../App.ts"
import { Settings } from "../Config.ts"
import { channelOf, type FromWorker, type ToWorker } from "../cluster/Protocol.ts"
import * as Worker from "../cluster/Worker.ts"
import * as WorkerServer from "../cluster/WorkerServer.ts"
import * as SettingFiles from "../runtime/SettingFiles.ts"
import * as Serve from "./commands/Serve.ts"
import * as ErrorMessages from "./support/ErrorMessages.ts"
import * as Output from "./support/Output.ts"

/** Parses the arguments from the primary: the worker's slot, the primary's address, and the number of workers. */
const parse = ([slot = "", host = "", port = "", workers = "1"]: ReadonlyArray<string>) => ({
  slot: Number(slot),
  workers: Number(workers),
  address: { host, port: Number(port) }
})

const { address, slot, workers } = parse(process.argv.slice(3))
const link = channelOf<ToWorker, FromWorker>(process)

const main = Effect.gen(function* () {
  const settings = yield* Settings
  const database = yield* Option.match(settings.databaseUrl, {
    onNone: () => Effect.fail(new Output.CliFailure({ message: Serve.noDatabase })),
    onSome: (url) => Effect.succeed({ url })
  })
  let isDraining = false
  link.listen(({ _tag }) => {
    if (_tag === "Drain") isDraining = true
  })
  const service = Serve.service(settings, database, {
    isDraining: () => isDraining,
    worker: {
      create: WorkerServer.create(link, address),
      createOwner: WorkerServer.create(
        link,
        { host: settings.ownerHost, port: Option.getOrElse(settings.ownerPort, () => 0) },
        "owner"
      ),
      workers,
      limiter: App.workerRateLimiter(settings, link)
    }
  })
  yield* Worker.run(process, link, service).pipe(
    Effect.annotateLogs({ worker: slot }),
    Effect.provide(App.telemetry(settings, "json"))
  )
}).pipe(Effect.provide(Layer.provide(SettingFiles.layer, NodeFileSystem.layer)))

/** The message for the primary. A defect's cause goes to standard error. */
const explain = (cause: Cause.Cause<unknown>): string =>
  Option.match(Cause.findErrorOption(cause), {
    onSome: ErrorMessages.of,
    onNone: () => {
      process.stderr.write(`Internal error in a worker; please report the following.\n${Cause.pretty(cause)}\n`)
      return "Internal error in a worker."
    }
  })

/** Without signal handlers: `cluster/Worker` has them. */
const runMain = Runtime.makeRunMain(({ fiber, teardown }) => {
  fiber.addObserver((exit) => teardown(exit, (code) => process.exit(code)))
})

runMain(Worker.reportingFailure(link, explain)(main), { disableErrorReporting: true })
