/**
 * A worker process, as the primary manages it.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process"
import { performance } from "node:perf_hooks"
import { Deferred, type Duration, Effect, Latch, Schema } from "effect"
import type { RateLimiter } from "../limits/RateLimiter.ts"
import { cumulative, type Snapshot } from "../telemetry/Snapshot.ts"
import * as SystemErrorCode from "../text/SystemErrorCode.ts"
import { channelOf, type FromWorker, type ToWorker } from "./Protocol.ts"
import * as Limiter from "./RateLimiter.ts"

/** A worker could not start, or ended before it served. */
export class WorkerFailed extends Schema.TaggedError<WorkerFailed>()("WorkerFailed", {
  /** One line, without secrets. */
  message: Schema.String
}) {}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** How long the worker served, in milliseconds; 0 if it never served. */
  readonly servedMillis: number
}

/** How a process ended; completes a sentence after "ended". */
export const howEnded = ({ code, signal }: Pick<Ended, "code" | "signal">): string =>
  signal === null ? `with code ${code}` : `by ${signal}`

export interface WorkerProcess {
  readonly drain: () => void
  /** Succeeds when the worker serves; fails if it ends first. */
  readonly serving: Effect.Effect<void, WorkerFailed>
  readonly ended: Effect.Effect<Ended>
  readonly hasServed: () => boolean
  readonly isOver: () => boolean
  /** The metrics that the worker reported last. */
  readonly measured: () => Snapshot
  /** Requests the worker's metrics, and waits up to a second for them. */
  readonly measure: Effect.Effect<void>
  /** Requests the worker's end and waits for its exit; kills it after `timeout`. */
  readonly end: (timeout: Duration.Duration) => Effect.Effect<Ended>
}

export interface Options {
  readonly fork: () => ChildProcess
  readonly limiter: RateLimiter["Service"]
  /** The worker received a signal to end that the primary did not send. */
  readonly onEndRequested: () => void
  /** Runs what a message of the worker asks for, in a fiber of its own. */
  readonly run: (effect: Effect.Effect<void>) => void
  /** Receives the final metrics when the worker has ended. */
  readonly onEnded: (ended: Ended, snapshot: Snapshot) => Effect.Effect<void>
}

/**
 * The process could not be spawned. Node emits some errors and throws others. Only the error's code (`ENOMEM`, ...) is used,
 * since the message could contain the arguments.
 */
const notStarted = (error: unknown): WorkerFailed => {
  const reason = SystemErrorCode.of(error) ?? (error instanceof Error ? error.name : typeof error)
  return new WorkerFailed({ message: `The system cannot start a worker process (${reason}).` })
}

/** Starts a worker. Fails if `fork` throws; if Node reports later that it cannot spawn the process, `serving` fails. */
export const start = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<WorkerProcess, WorkerFailed> {
  const { run } = options
  const serving = yield* Deferred.make<void, WorkerFailed>()
  const ended = yield* Deferred.make<Ended>()
  /** Closed while a `Measure` is in flight: one at a time, so that messages to a hanging worker do not pile up. */
  const isMeasured = Latch.makeUnsafe(true)
  let isMeasuring = false
  let snapshot: Snapshot = []
  let servesSince: number | undefined
  let failure: string | undefined
  let isOver = false

  const onMeasured = () => {
    isMeasuring = false
    isMeasured.openUnsafe()
  }
  const child = yield* Effect.try({ try: options.fork, catch: notStarted })
  const { listen, send } = channelOf<FromWorker, ToWorker>(child)
  listen((message) => {
    switch (message._tag) {
      case "Serving":
        servesSince = performance.now()
        Deferred.doneUnsafe(serving, Effect.void)
        break
      case "Failed":
        failure = message.message
        break
      case "Take":
        run(Effect.map(Limiter.answer(options.limiter, message.batch, message.requests), (answer) => send(answer)))
        break
      case "Measured":
        snapshot = message.snapshot
        onMeasured()
        break
      case "EndRequested":
        options.onEndRequested()
        break
      default:
    }
  })
  const onExit = (code: number | null, signal: NodeJS.Signals | null): void => {
    isOver = true
    const message = failure ?? `A worker ended before it served, ${howEnded({ code, signal })}.`
    Deferred.doneUnsafe(serving, Effect.fail(new WorkerFailed({ message })))
    onMeasured()
    const how = { code, signal, servedMillis: servesSince === undefined ? 0 : performance.now() - servesSince }
    run(options.onEnded(how, cumulative(snapshot)))
    Deferred.doneUnsafe(ended, Effect.succeed(how))
  }
  child.once("exit", onExit)
  child.on("error", (error) => {
    // Without a pid the spawn failed, and no `exit` event follows.
    if (child.pid !== undefined) return
    failure = notStarted(error).message
    onExit(null, null)
  })

  return {
    drain: () => send({ _tag: "Drain" }),
    serving: Deferred.await(serving),
    ended: Deferred.await(ended),
    hasServed: () => servesSince !== undefined,
    isOver: () => isOver,
    measured: () => snapshot,
    measure: Effect.suspend(() => {
      if (!isMeasuring) {
        isMeasuring = true
        isMeasured.closeUnsafe()
        send({ _tag: "Measure" })
      }
      return isMeasured.await
    }).pipe(Effect.timeoutOrElse({ duration: "1 second", orElse: () => Effect.void })),
    end: (timeout) =>
      Effect.suspend(() => {
        send({ _tag: "End" })
        const kill = Effect.andThen(
          Effect.sync(() => child.kill("SIGKILL")),
          Deferred.await(ended)
        )
        return Effect.timeoutOrElse(Deferred.await(ended), { duration: timeout, orElse: () => kill })
      })
  }
})
