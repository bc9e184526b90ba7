/**
 * A worker of `serve --workers`: runs the service on the sockets that the primary opened and this process inherited.
 *
 * @module
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import { Cause, Effect, Layer, Option, Runtime } from "effect"
import * as App from "../App.ts"
import { Settings } from "../Config.ts"
import * as Protocol from "../platform/cluster/Protocol.ts"
import { channelOf, type FromWorker, type ToWorker } from "../platform/cluster/Protocol.ts"
import * as Environment from "../platform/settings/Environment.ts"
import * as Serve from "./commands/Serve.ts"
import * as ErrorMessages from "./support/ErrorMessages.ts"
import * as Output from "./support/Output.ts"

/** From the primary: the worker's slot, and the number of workers. */
const [slot, workers, ...unknown] = process.argv.slice(3).map(Number)
const link = channelOf<ToWorker, FromWorker>(process)

const main = Effect.gen(function* () {
  if (slot === undefined || workers === undefined || unknown.length > 0) {
    return yield* new Output.CliFailure({
      message: "The service that runs is of another version; restart it instead of reloading it."
    })
  }
  const settings = yield* Settings
  const database = yield* Serve.databaseOf(settings)
  let isDraining = false
  link.listen(({ _tag }) => {
    if (_tag === "Drain") isDraining = true
  })
  const service = Serve.service(settings, database, {
    isDraining: () => isDraining,
    worker: {
      listen: { fd: Serve.firstSocket },
      ownerListen: { fd: Serve.firstSocket + 1 },
      workers,
      limiter: App.workerRateLimiter(settings, link)
    }
  })
  yield* Protocol.run(process, link, service).pipe(
    Effect.annotateLogs({ worker: slot }),
    Effect.provide(App.telemetry(settings, "json"))
  )
}).pipe(Effect.provide(Layer.provide(Environment.layer, NodeFileSystem.layer)))

/** The message for the primary. A defect's cause goes to standard error. */
const explain = (cause: Cause.Cause<unknown>): string => {
  const error = Cause.findErrorOption(cause)
  if (Option.isSome(error)) return ErrorMessages.of(error.value)
  process.stderr.write(`Internal error in a worker; please report the following.\n${Cause.pretty(cause)}\n`)
  return "Internal error in a worker."
}

/** Without signal handlers: `platform/cluster/Protocol` has them. */
const runMain = Runtime.makeRunMain(({ fiber, teardown }) => {
  fiber.addObserver((exit) => teardown(exit, (code) => process.exit(code)))
})

runMain(
  Effect.tapCause(main, (cause) => Protocol.send(link, { _tag: "Failed", message: explain(cause) })),
  { disableErrorReporting: true }
)
