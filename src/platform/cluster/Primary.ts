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
import { Deferred, Duration, Effect, FiberSet, Latch, Result, Schema, type Scope } from "effect"
import { RateLimiter } from "../limits/RateLimiter.ts"
import * as NodeInternals from "../runtime/NodeInternals.ts"
import { observeGauge } from "../runtime/Observe.ts"
import * as Metrics from "../telemetry/Metrics.ts"
import { merge, type Snapshot, take, withProcess } from "../telemetry/Snapshot.ts"
import * as Restart from "./Restart.ts"
import * as WorkerProcess from "./WorkerProcess.ts"

/** The address cannot be bound. For example, it is in use, or this process lacks permission. */
export class CannotListen extends Schema.TaggedError<CannotListen>()("CannotListen", {
  cause: Schema.Defect(),
  /** The place of the address in `Options.addresses`. */
  index: Schema.Int
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

type Worker = WorkerProcess.WorkerProcess

/** A worker's number. A process that replaces another gets its slot. */
interface Slot {
  readonly number: number
  /** The worker that serves. */
  serving: Worker | undefined
  /** Pending requests to replace the worker; each completes with whether that succeeded. */
  readonly replacements: Array<Deferred.Deferred<boolean>>
  /** Open while a replacement is requested. */
  readonly replacementLatch: Latch.Latch
}

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
 * Starts the workers and succeeds when all of them serve; fails if a worker cannot serve. When the scope closes, ends all
 * workers gracefully.
 */
export const start = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<Primary, CannotListen | WorkerProcess.WorkerFailed, RateLimiter | Scope.Scope> {
  const limiter = yield* RateLimiter
  const context = yield* Effect.context<never>()
  const scope = yield* Effect.scope
  const run = yield* FiberSet.makeRuntime()
  const sockets = yield* Effect.forEach(options.addresses, open)
  const slots = Array.from(
    { length: options.workers },
    (_, index): Slot => ({
      number: index + 1,
      serving: undefined,
      replacements: [],
      replacementLatch: Latch.makeUnsafe(false)
    })
  )
  /** All live processes with their slots' numbers, including those that are starting or ending. */
  const alive = new Map<Worker, number>()
  /** The processes that are being replaced or have been. Further signals to them request no other replacement. */
  const replaced = new WeakSet<Worker>()
  let isDraining = false
  let isClosing = false
  /** The merged metrics of workers that have ended. */
  let endedMetrics: Snapshot = []
  yield* observeGauge(Metrics.workers({}), () => slots.filter(({ serving }) => serving !== undefined).length)
  const restarts = Metrics.workerRestarts({})
  restarts.updateUnsafe(0, context)
  const countRestart = () => restarts.updateUnsafe(1, context)

  const requestReplacement = (slot: Slot): Deferred.Deferred<boolean> => {
    const replacement = Deferred.makeUnsafe<boolean>()
    slot.replacements.push(replacement)
    slot.replacementLatch.openUnsafe()
    return replacement
  }

  /** Starts a worker, and waits until it serves. */
  const launch = Effect.fnUntraced(function* (slot: Slot) {
    const worker: Worker = yield* WorkerProcess.start({
      fork: () =>
        options.fork(
          slot.number,
          sockets.map(({ fd }) => fd)
        ),
      limiter,
      run,
      onEndRequested: () => {
        if (!replaced.has(worker)) requestReplacement(slot)
      },
      onEnded: (ended, snapshot) => {
        alive.delete(worker)
        endedMetrics = merge([endedMetrics, snapshot])
        // A replaced worker, or one that ends at shutdown, is expected to end.
        if (slot.serving !== worker || isClosing) return Effect.void
        slot.serving = undefined
        return Effect.logWarning(`Worker ${slot.number} ended ${WorkerProcess.howEnded(ended)}; starting another`)
      }
    })
    alive.set(worker, slot.number)
    const tooLate = new WorkerProcess.WorkerFailed({ message: "A worker did not serve in time." })
    yield* Effect.timeoutOrElse(worker.serving, {
      duration: options.startTimeout,
      orElse: () => Effect.andThen(worker.end(Duration.zero), tooLate)
    })
    if (isDraining) worker.drain()
    if (!worker.isOver()) slot.serving = worker
    return worker
  })

  const logStartFailure = (slot: Slot, { message }: WorkerProcess.WorkerFailed) =>
    Effect.logError(`Worker ${slot.number} could not be started: ${message}`)

  /** Restarts a worker that died, retrying with backoff until one serves. */
  const restart = Effect.fnUntraced(function* (slot: Slot, dead: Worker, failuresBefore: Restart.Failures) {
    let { failures, delayMillis } = Restart.after(failuresBefore, (yield* dead.ended).servedMillis)
    for (;;) {
      yield* Effect.sleep(delayMillis)
      const started = yield* Effect.result(launch(slot))
      if (Result.isSuccess(started)) {
        countRestart()
        yield* Effect.logInfo(`Worker ${slot.number} serves again`)
        return { worker: started.success, failures }
      }
      ;({ failures, delayMillis } = Restart.after(failures, 0))
      yield* logStartFailure(slot, started.failure)
    }
  })

  /**
   * Replaces a serving worker. The pending requests complete when the old worker has ended, or when the new one cannot
   * start. If the old worker dies and the new one cannot start, the slot stays empty until `restart` succeeds.
   */
  const replace = Effect.fnUntraced(function* (slot: Slot, old: Worker) {
    const requests = slot.replacements.splice(0)
    slot.replacementLatch.closeUnsafe()
    replaced.add(old)
    const started = yield* Effect.result(launch(slot))
    const complete = (done: boolean) =>
      Effect.forEach(requests, (replacement) => Deferred.succeed(replacement, done), { discard: true })
    if (Result.isFailure(started)) {
      replaced.delete(old)
      yield* old.isOver()
        ? logStartFailure(slot, started.failure)
        : Effect.logError(`Worker ${slot.number} could not be replaced and keeps serving: ${started.failure.message}`)
      yield* complete(false)
      return old
    }
    const isDead = old.isOver()
    if (isDead) countRestart()
    yield* Effect.logInfo(`A new worker ${slot.number} serves${isDead ? "" : "; the old one ends"}`)
    yield* Effect.forkIn(Effect.andThen(old.end(options.endTimeout), complete(true)), scope)
    return started.success
  })

  /** Keeps a worker serving in a slot. */
  const supervise = Effect.fnUntraced(function* (slot: Slot, first: Worker) {
    let worker = first
    let failures = Restart.none
    for (;;) {
      yield* Effect.raceFirst(worker.ended, slot.replacementLatch.await)
      if (worker.isOver()) ({ worker, failures } = yield* restart(slot, worker, failures))
      else worker = yield* replace(slot, worker)
    }
  })

  // Added before the supervising fibers are forked, so that the finalizer runs after they end.
  yield* Effect.addFinalizer(() =>
    Effect.suspend(() => {
      isClosing = true
      // This process first: the last worker to stop listening then refuses connections, after it accepted those that wait.
      for (const { close } of sockets) close()
      return Effect.forEach(
        alive.keys(),
        (worker) => worker.end(worker.hasServed() ? options.endTimeout : Duration.zero),
        {
          concurrency: "unbounded",
          discard: true
        }
      )
    })
  )

  const begin = (slot: Slot) => Effect.map(launch(slot), (worker) => ({ slot, worker }))
  const [firstSlot, ...others] = slots
  // The first worker starts alone, so that a fault that all share is reported once.
  const first = firstSlot === undefined ? [] : [yield* begin(firstSlot)]
  const begun = [...first, ...(yield* Effect.forEach(others, begin, { concurrency: "unbounded" }))]
  for (const { slot, worker } of begun) yield* Effect.forkScoped(supervise(slot, worker))

  return {
    addresses: sockets.map(({ address: { address, port } }) => ({ host: address, port })),
    replaceAll: Effect.gen(function* () {
      yield* Effect.logInfo("Replacing all workers")
      for (const slot of slots) {
        if (!(yield* Deferred.await(requestReplacement(slot))))
          return yield* Effect.logError("The other workers are not replaced")
      }
      yield* Effect.logInfo("All workers are replaced")
    }),
    drain: Effect.sync(() => {
      isDraining = true
      for (const worker of alive.keys()) worker.drain()
    }),
    snapshot: Effect.suspend(() =>
      Effect.forEach(alive.keys(), ({ measure }) => measure, { concurrency: "unbounded", discard: true })
    ).pipe(
      Effect.map(() =>
        merge([
          endedMetrics,
          withProcess("primary", take(context)),
          ...[...alive].map(([worker, slot]) => withProcess(String(slot), worker.measured()))
        ])
      )
    )
  }
})
