/**
 * A worker as its primary sees it: a process that is started, serves, is told to end, and ends.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process"
import { performance } from "node:perf_hooks"
import { Deferred, Duration, Effect, Schema } from "effect"
import { lasting, type Snapshot } from "../core/metrics/Snapshot.ts"
import * as SystemErrorCode from "../core/text/SystemErrorCode.ts"
import type { RateLimiter } from "../services/RateLimiter.ts"
import { type Channel, channelOf, type FromWorker, type ToWorker } from "./Protocol.ts"
import * as Limiter from "./RateLimiter.ts"

/** A worker ended before it served. */
export class WorkerFailed extends Schema.TaggedError<WorkerFailed>()("WorkerFailed", {
  /** One sentence, without secrets. */
  message: Schema.String
}) {}

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** For how long it had served, in milliseconds; 0 if it never did. */
  readonly servedMillis: number
}

/** How a process ended, in words that follow "ended". */
export const howEnded = ({ code, signal }: Pick<Ended, "code" | "signal">): string =>
  signal === null ? `with code ${code}` : `by ${signal}`

export interface WorkerProcess {
  /** Which of the workers it is, from 1 on; one that takes another's place has its number. */
  readonly slot: number
  readonly pid: number | undefined
  readonly channel: Channel<FromWorker, ToWorker>
  /** Succeeds when it serves; fails if it ends before. */
  readonly serving: Effect.Effect<void, WorkerFailed>
  readonly ended: Effect.Effect<Ended>
  readonly hasServed: () => boolean
  readonly isOver: () => boolean
  /** What it said last of what it measured. */
  readonly measured: () => Snapshot
  /** Asks it for what it measured, and waits for it for a moment. */
  readonly measure: Effect.Effect<void>
  /** Tells it to end and waits until it has: when `patience` is over, it is killed. */
  readonly end: (patience: Duration.Duration) => Effect.Effect<Ended>
}

/** How long one answer of a worker to `Measure` is waited for. */
const measuring = Duration.seconds(1)

export interface Options {
  readonly slot: number
  readonly fork: () => ChildProcess
  readonly limiter: RateLimiter["Service"]
  /** Somebody told the worker's process to end, and not us. */
  readonly onAskedToEnd: () => void
  /** What it measured in its life, when it has ended. */
  readonly onEnded: (snapshot: Snapshot) => void
}

/**
 * There is no process. Node tells some of the system's reasons as an event and throws the others; it is named by its code
 * (`ENOMEM`, ...) alone, since what is thrown could repeat what the process was to be called with.
 */
const notStarted = (error: unknown): WorkerFailed => {
  const reason = SystemErrorCode.of(error) ?? (error instanceof Error ? error.name : typeof error)
  return new WorkerFailed({ message: `The system gives no process for a worker (${reason}).` })
}

/** Starts a worker. It lives on when the effect is done, and is ended with `end`. Fails if there is no process for it. */
export const start = Effect.fnUntraced(function* (options: Options): Effect.fn.Return<WorkerProcess, WorkerFailed> {
  const run = Effect.runForkWith(yield* Effect.context())
  const serving = yield* Deferred.make<void, WorkerFailed>()
  const ended = yield* Deferred.make<Ended>()
  let reported: Deferred.Deferred<void> | undefined
  let snapshot: Snapshot = []
  let since: number | undefined
  let failure: string | undefined
  let isOver = false

  const child = yield* Effect.try({ try: options.fork, catch: notStarted })
  const channel = channelOf<FromWorker, ToWorker>(child)
  channel.listen((message) => {
    switch (message._tag) {
      case "Serving":
        since = performance.now()
        Deferred.doneUnsafe(serving, Effect.void)
        break
      case "Failed":
        failure = message.message
        break
      case "Take":
        run(Effect.map(Limiter.answer(options.limiter, message.batch, message.asks), (answer) => channel.send(answer)))
        break
      case "Measured":
        snapshot = message.snapshot
        if (reported !== undefined) Deferred.doneUnsafe(reported, Effect.void)
        reported = undefined
        break
      case "AskedToEnd":
        options.onAskedToEnd()
        break
      default:
    }
  })
  const over = (code: number | null, signal: NodeJS.Signals | null): void => {
    isOver = true
    const message = failure ?? `A worker ended before it served, ${howEnded({ code, signal })}.`
    Deferred.doneUnsafe(serving, Effect.fail(new WorkerFailed({ message })))
    if (reported !== undefined) Deferred.doneUnsafe(reported, Effect.void)
    options.onEnded(lasting(snapshot))
    snapshot = []
    const servedMillis = since === undefined ? 0 : performance.now() - since
    Deferred.doneUnsafe(ended, Effect.succeed({ code, signal, servedMillis }))
  }
  child.once("exit", over)
  child.on("error", (error) => {
    // It could not be started: there is no process, and there will be no exit.
    if (child.pid !== undefined) return
    failure = notStarted(error).message
    over(null, null)
  })

  return {
    slot: options.slot,
    pid: child.pid,
    channel,
    serving: Deferred.await(serving),
    ended: Deferred.await(ended),
    hasServed: () => since !== undefined,
    isOver: () => isOver,
    measured: () => snapshot,
    measure: Effect.suspend(() => {
      // One question at a time: a worker that hangs must not be sent ever more of them.
      if (reported === undefined) {
        reported = Deferred.makeUnsafe()
        channel.send({ _tag: "Measure" })
      }
      return Deferred.await(reported)
    }).pipe(Effect.timeoutOrElse({ duration: measuring, orElse: () => Effect.void })),
    end: (patience) =>
      Effect.suspend(() => {
        channel.send({ _tag: "End" })
        return Deferred.await(ended).pipe(
          Effect.timeoutOrElse({
            duration: patience,
            orElse: () =>
              Effect.andThen(
                Effect.sync(() => child.kill("SIGKILL")),
                Deferred.await(ended)
              )
          })
        )
      })
  }
})
