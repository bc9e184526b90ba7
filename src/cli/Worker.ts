/**
 * A worker of `serve --workers`: the service in a process of its own, which the primary started and hands connections to.
 *
 * @module
 */
import { Cause, Effect, Exit, Option, Runtime } from "effect"
import * as App from "../App.ts"
import { Settings } from "../Config.ts"
import * as HandedServer from "../cluster/HandedServer.ts"
import { channelOf, type FromWorker, type ToWorker } from "../cluster/Protocol.ts"
import * as Worker from "../cluster/Worker.ts"
import * as Serve from "./Serve.ts"
import * as ErrorMessages from "./support/ErrorMessages.ts"
import * as Output from "./support/Output.ts"

/** What the primary says to whom it starts: which worker it is, where the primary listens, and how many workers there are. */
const read = ([slot = "", host = "", port = "", workers = "1"]: ReadonlyArray<string>) => ({
  slot: Number(slot),
  workers: Number(workers),
  address: { host, port: Number(port) }
})

const { address, slot, workers } = read(process.argv.slice(3))
const link = channelOf<ToWorker, FromWorker>(process)

const main = Effect.gen(function* () {
  const settings = yield* Settings
  const database = yield* Option.match(settings.databaseUrl, {
    onNone: () => Effect.fail(new Output.CliFailure({ message: Serve.noDatabase })),
    onSome: (url) => Effect.succeed({ url })
  })
  const service = Serve.service(settings, database, {
    create: HandedServer.create(link, address),
    workers,
    limiter: App.workerRateLimiter(settings, link)
  })
  yield* Worker.run(process, link, service).pipe(
    Effect.annotateLogs({ worker: slot }),
    Effect.provide(App.telemetry(settings, "json"))
  )
})

/** The sentence for the primary; of a fault of ours, whoever mends it needs more, which goes to the log. */
const explain = (cause: Cause.Cause<unknown>): string =>
  Option.match(Cause.findErrorOption(cause), {
    onSome: ErrorMessages.of,
    onNone: () => {
      process.stderr.write(`A worker met a fault of its own; please report what follows.\n${Cause.pretty(cause)}\n`)
      return "A worker met a fault of its own."
    }
  })

/** Signals are `cluster/Worker`'s matter. */
const runMain = Runtime.makeRunMain(({ fiber }) => {
  fiber.addObserver((exit) => process.exit(Exit.isSuccess(exit) ? 0 : 1))
})

runMain(Worker.telling(link, explain)(main), { disableErrorReporting: true })
