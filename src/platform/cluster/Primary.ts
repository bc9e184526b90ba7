/**
 * The primary of `serve --workers`: opens the sockets on which all workers listen, keeps the configured number of workers
 * running and, without Redis, holds the rate-limit counts. It accepts no connection and serves no HTTP request.
 *
 * The workers share the sockets: a worker that is free takes the next connection. While there is no worker, connections wait
 * in the system. Node's `cluster` closes the port when the last worker ends. Where its primary distributes the connections, one
 * in transit to a worker that is killed hangs; where it does not, a stop resets connections.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process"
import { lookup } from "node:dns/promises"
import { performance } from "node:perf_hooks"
import { Deferred, type Duration, Effect, FiberSet, Latch, Result, Schema, type Scope, Semaphore } from "effect"
import { RateLimiter } from "../limits/RateLimit.ts"
import * as NodeInternals from "../runtime/NodeInternals.ts"
import * as Metrics from "../telemetry/Metrics.ts"
import { observeGauge } from "../telemetry/Metrics.ts"
import { cumulative, merge, type Snapshot, take, withProcess } from "../telemetry/Snapshot.ts"
import * as SystemErrorCode from "../text/SystemErrorCode.ts"
import { channelOf, type FromWorker, type ToWorker } from "./Protocol.ts"
import { answer } from "./RateLimiter.ts"

/** The address cannot be bound. For example, it is in use, or this process lacks permission. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  cause: Schema.Defect(),
  /** The place of the address in `Options.addresses`. */
  index: Schema.Int
}) {}

/** A worker could not start, or ended before it served. */
export class WorkerFailed extends Schema.TaggedError<WorkerFailed>()("WorkerFailed", {
  /** One line, without secrets. */
  message: Schema.String
}) {}

export interface Address {
  readonly host: string
  readonly port: number
}

export interface Options {
  readonly workers: number
  /** Where the workers listen. */
  readonly addresses: ReadonlyArray<Address>
  /** Starts a worker process with an IPC channel to this process. It inherits these sockets, in the order of `addresses`. */
  readonly fork: (slot: number, sockets: ReadonlyArray<number>) => ChildProcess
  /** How long a worker may take to start serving. */
  readonly startTimeout: Duration.Duration
  /** How long a worker may take to end: the grace period of its open requests and streams, and a margin. */
  readonly endTimeout: Duration.Duration
}

export interface Primary {
  /** The bound addresses, in the order of `Options.addresses`. */
  readonly addresses: ReadonlyArray<Address>
  /** Replaces the workers one by one; each replacement serves before the old worker ends. */
  readonly replaceAll: Effect.Effect<void>
  /** Makes all workers unready, also those that start later. They go on serving. */
  readonly drain: Effect.Effect<void>
  /** The merged metrics of all processes. */
  readonly snapshot: Effect.Effect<Snapshot>
}

/** A worker process that has not ended. */
interface Worker {
  readonly slot: Slot
  readonly send: (message: ToWorker) => void
  /** Requests the worker's metrics, and waits up to a second for them. */
  readonly measure: Effect.Effect<unknown>
  /** The metrics that the worker reported last. */
  metrics: Snapshot
  /** Requests the worker's end and waits for its exit. Kills a worker that does not end in time; at once if it never served. */
  readonly end: Effect.Effect<void>
}

/** A worker's number. A process that replaces another gets its slot. */
interface Slot {
  readonly number: number
  /** The worker that serves. */
  serving: Worker | undefined
  /** The failures of the current series, see `failuresAfter`. */
  failures: number
  /** Held while a worker of the slot starts. */
  readonly turn: Semaphore.Semaphore
}

/** A worker that served for this long, in milliseconds, was healthy: its death begins a series of failures. */
const healthyMillis = 10_000

/** The number of failures in the series, with that of a worker that served for `servedMillis`. */
export const failuresAfter = (failures: number, servedMillis: number): number =>
  servedMillis >= healthyMillis ? 1 : failures + 1

/**
 * The delay before the next restart, in milliseconds, so that a worker that cannot start causes no busy loop. It doubles with each failure, from 100 ms up to 10 s.
 */
export const delayMillis = (failures: number): number => Math.min(10_000, 100 * 2 ** Math.min(failures - 1, 10))

/** Binds a socket that listens as soon as a worker does. */
const open = ({ host, port }: Address, index: number) =>
  Effect.acquireRelease(
    Effect.tryPromise({
      try: async () => {
        const { address, family } = await lookup(host)
        return NodeInternals.bind(address, family, port)
      },
      catch: (cause) => new CannotListen({ cause, index })
    }),
    ({ close }) => Effect.sync(close)
  )

/**
 * The process could not be spawned. Node emits some errors and throws others. Only the error's code (`ENOMEM`, ...) is used,
 * since the message could contain the arguments.
 */
const notStarted = (error: unknown): WorkerFailed => {
  const reason = SystemErrorCode.of(error) ?? (error instanceof Error ? error.name : typeof error)
  return new WorkerFailed({ message: `The system cannot start a worker process (${reason}).` })
}

/**
 * Starts the workers and succeeds when all of them serve; fails if a worker cannot serve. When the scope closes, ends all
 * workers gracefully.
 */
export const start = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Primary, CannotListen | WorkerFailed, RateLimiter | Scope.Scope> {
  const limiter = yield* RateLimiter
  const context = yield* Effect.context<never>()
  /** Runs the answers to the workers, also while they end. */
  const runAnswer = yield* FiberSet.makeRuntime()
  const sockets = yield* Effect.forEach(options.addresses, open)
  const slots = Array.from(
    { length: options.workers },
    (_, index): Slot => ({ number: index + 1, serving: undefined, failures: 0, turn: Semaphore.makeUnsafe(1) })
  )
  /** All live processes, including those that are starting or ending. */
  const alive = new Set<Worker>()
  let isDraining = false
  /** The merged metrics of workers that have ended. */
  let endedMetrics: Snapshot = []
  yield* observeGauge(Metrics.workers({}), () => slots.filter(({ serving }) => serving !== undefined).length)
  const restarts = Metrics.workerRestarts({})
  restarts.updateUnsafe(0, context)

  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      // This process first: the last worker to stop listening then refuses connections, after it accepted those that wait.
      for (const { close } of sockets) close()
      return Effect.forEach(alive, ({ end }) => end, { concurrency: "unbounded", discard: true })
    })
  )
  /** Runs the restarts and replacements of workers. They end before the finalizer above runs, and later ones do not run. */
  const runChange = yield* FiberSet.makeRuntime()

  /** Starts a worker, and waits until it serves. Fails also if Node reports later that it cannot spawn the process. */
  const launch = Effect.fnUntraced(function* (slot: Slot) {
    const serving = yield* Deferred.make<void, WorkerFailed>()
    const ended = yield* Deferred.make<void>()
    /** Closed while a `Measure` is in flight: one at a time, so that messages to a hanging worker do not pile up. */
    const isMeasured = Latch.makeUnsafe(true)
    let servesSince: number | undefined
    let failure: string | undefined
    const fds = sockets.map(({ fd }) => fd)
    const child = yield* Effect.try({ try: () => options.fork(slot.number, fds), catch: notStarted })
    const { listen, send } = channelOf<FromWorker, ToWorker>(child)
    const worker: Worker = {
      slot,
      send,
      measure: Effect.suspend(() => {
        if (isMeasured.isOpen()) send({ _tag: "Measure" })
        isMeasured.closeUnsafe()
        return isMeasured.await
      }).pipe(Effect.timeoutOption("1 second")),
      metrics: [],
      end: Effect.suspend(() => {
        send({ _tag: "End" })
        return Effect.timeoutOrElse(Deferred.await(ended), {
          duration: servesSince === undefined ? 0 : options.endTimeout,
          orElse: () => {
            child.kill("SIGKILL")
            return Deferred.await(ended)
          }
        })
      })
    }
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
          runAnswer(Effect.map(answer(limiter, message.batch, message.requests), send))
          break
        case "Measured":
          worker.metrics = message.snapshot
          isMeasured.openUnsafe()
          break
        case "EndRequested":
          runChange(replace(slot, worker))
      }
    })
    const onExit = (code: number | null, signal: NodeJS.Signals | null): void => {
      const how = signal === null ? `with code ${code}` : `by ${signal}`
      alive.delete(worker)
      endedMetrics = merge([endedMetrics, cumulative(worker.metrics)])
      isMeasured.openUnsafe()
      Deferred.doneUnsafe(ended, Effect.void)
      const message = failure ?? `A worker ended before it served, ${how}.`
      Deferred.doneUnsafe(serving, Effect.fail(new WorkerFailed({ message })))
      // A replaced worker is expected to end.
      if (slot.serving !== worker) return
      slot.serving = undefined
      runChange(
        Effect.andThen(
          Effect.logWarning(`Worker ${slot.number} ended ${how}; starting another`),
          restart(slot, performance.now() - (servesSince ?? 0))
        )
      )
    }
    // The last messages of a worker can arrive after its exit.
    child.once("exit", (code, signal) => {
      if (child.connected) child.once("disconnect", () => onExit(code, signal))
      else onExit(code, signal)
    })
    child.on("error", (error) => {
      // Without a pid the spawn failed, and no `exit` event follows.
      if (child.pid !== undefined) return
      failure = notStarted(error).message
      onExit(null, null)
    })
    alive.add(worker)
    yield* Effect.timeoutOrElse(Deferred.await(serving), {
      duration: options.startTimeout,
      orElse: () => Effect.andThen(worker.end, new WorkerFailed({ message: "A worker did not serve in time." }))
    })
    if (!alive.has(worker)) return yield* new WorkerFailed({ message: "A worker ended as soon as it served." })
    if (isDraining) send({ _tag: "Drain" })
    slot.serving = worker
  })

  /** Restarts a worker that died, retrying with backoff until one serves; a replacement that serves already will do. */
  const restart = (slot: Slot, servedMillis: number): Effect.Effect<void> =>
    Effect.gen(function* () {
      slot.failures = failuresAfter(slot.failures, servedMillis)
      while (slot.serving === undefined) {
        yield* Effect.sleep(delayMillis(slot.failures))
        const started = yield* Effect.result(launch(slot))
        if (Result.isSuccess(started)) yield* Effect.logInfo(`Worker ${slot.number} serves again`)
        else {
          slot.failures++
          yield* Effect.logError(`Worker ${slot.number} could not be started: ${started.failure.message}`)
        }
      }
      restarts.updateUnsafe(1, context)
    }).pipe(slot.turn.withPermits(1))

  /**
   * Replaces the worker that serves, unless it is no longer the `wanted` one. Succeeds when the old worker has ended, or when the
   * new one cannot start; with whether none failed to start. An old worker that dies meanwhile is also restarted, after this.
   */
  const replace = (slot: Slot, wanted?: Worker): Effect.Effect<boolean> =>
    Effect.gen(function* () {
      const old = slot.serving
      if (old === undefined || (wanted !== undefined && wanted !== old)) return Effect.succeed(true)
      const started = yield* Effect.result(launch(slot))
      if (Result.isFailure(started)) {
        yield* Effect.logError(`Worker ${slot.number} could not be replaced: ${started.failure.message}`)
        return Effect.succeed(false)
      }
      yield* Effect.logInfo(`A new worker ${slot.number} serves`)
      return Effect.as(old.end, true)
    }).pipe(slot.turn.withPermits(1), Effect.flatten)

  // The first worker starts alone, so that a fault that all share is reported once.
  yield* Effect.forEach(slots.slice(0, 1), launch)
  yield* Effect.forEach(slots.slice(1), launch, { concurrency: "unbounded" })

  return {
    addresses: sockets.map(({ address: { address, port } }) => ({ host: address, port })),
    replaceAll: Effect.gen(function* () {
      yield* Effect.logInfo("Replacing all workers")
      for (const slot of slots) {
        if (!(yield* replace(slot))) return yield* Effect.logError("The other workers are not replaced")
      }
      yield* Effect.logInfo("All workers are replaced")
    }),
    drain: Effect.sync(() => {
      isDraining = true
      for (const worker of alive) worker.send({ _tag: "Drain" })
    }),
    snapshot: Effect.map(
      Effect.forEach(alive, ({ measure }) => measure, { concurrency: "unbounded", discard: true }),
      () => {
        // The metrics of one that has ended meanwhile are in `endedMetrics`.
        const ofWorkers = Array.from(alive, ({ metrics, slot }) => withProcess(String(slot.number), metrics))
        return merge([endedMetrics, withProcess("primary", take(context)), ...ofWorkers])
      }
    )
  }
})
