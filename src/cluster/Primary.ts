/**
 * The primary of `serve --workers`: owns the listening sockets and, without Redis, the rate-limit counts, and keeps the
 * configured number of workers running. It does not serve HTTP requests.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process"
import { Deferred, Duration, Effect, Latch, Result, type Scope } from "effect"
import * as Restart from "../core/cluster/Restart.ts"
import * as Metrics from "../core/metrics/Metrics.ts"
import { merge, type Snapshot, take, withProcess } from "../core/metrics/Snapshot.ts"
import { observeGauge } from "../runtime/Observe.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import * as ConnectionDispatcher from "./ConnectionDispatcher.ts"
import type { Address } from "./Protocol.ts"
import * as WorkerProcess from "./WorkerProcess.ts"

export interface Options {
  readonly workers: number
  readonly address: Address
  /** Where the owner API listens, if it has an address of its own. */
  readonly ownerAddress?: Address | undefined
  /** Starts a worker process with an IPC channel to this process. */
  readonly fork: (slot: number, address: Address) => ChildProcess
  /** How long a worker may take to start serving. */
  readonly startTimeout: Duration.Duration
  /** How long a worker may take to end: the grace period of its open requests and streams, and a margin. */
  readonly endTimeout: Duration.Duration
}

export interface Primary {
  /** The bound address. */
  readonly address: Address
  readonly ownerAddress: Address | undefined
  /** Replaces the workers one by one; each replacement serves before the old worker ends. */
  readonly replaceAll: Effect.Effect<void>
  /** Makes all workers unready, also those that start later. They go on serving. */
  readonly drain: Effect.Effect<void>
  /** The merged metrics of all processes. */
  readonly snapshot: Effect.Effect<Snapshot>
}

/** A serving worker and its registrations with the dispatchers. */
interface Member {
  readonly worker: WorkerProcess.WorkerProcess
  /** One per dispatcher. */
  readonly registrations: ReadonlyArray<ConnectionDispatcher.Registration>
}

/** A worker's number. A process that replaces another gets its slot. */
interface Slot {
  readonly number: number
  /** Pending requests to replace the worker; each completes with whether that succeeded. */
  readonly replacements: Array<Deferred.Deferred<boolean>>
  /** Open while a replacement is requested. */
  readonly replacementLatch: Latch.Latch
}

/**
 * Starts the workers and succeeds when all of them serve; fails if a worker cannot serve. When the scope closes, stops
 * listening, drains the queue of connections, and ends all workers gracefully.
 */
export const start = Effect.fnUntraced(function* (
  options: Options
): Effect.fn.Return<
  Primary,
  ConnectionDispatcher.CannotListen | WorkerProcess.WorkerFailed,
  RateLimiter | Scope.Scope
> {
  const limiter = yield* RateLimiter
  const context = yield* Effect.context<never>()
  const scope = yield* Effect.scope
  const dispatcher = yield* ConnectionDispatcher.open(options.address, context)
  const owner =
    options.ownerAddress === undefined
      ? undefined
      : yield* ConnectionDispatcher.open(options.ownerAddress, context, "owner")
  const dispatchers = owner === undefined ? [dispatcher] : [dispatcher, owner]
  const slots = Array.from({ length: options.workers }, (_, index): Slot => {
    return { number: index + 1, replacements: [], replacementLatch: Latch.makeUnsafe(false) }
  })
  /** All live processes, including those that are starting or ending. */
  const alive = new Set<WorkerProcess.WorkerProcess>()
  const members = new Map<Slot, Member>()
  /** The processes that are being replaced or have been. Further signals to them request no other replacement. */
  const replaced = new WeakSet<WorkerProcess.WorkerProcess>()
  let isDraining = false
  /** The merged metrics of workers that have ended. */
  let endedMetrics: Snapshot = []
  yield* observeGauge(Metrics.workers({}), () => members.size)
  const restarts = Metrics.workerRestarts({})
  restarts.updateUnsafe(0, context)
  const countRestart = () => restarts.updateUnsafe(1, context)

  const requestReplacement = (slot: Slot): Deferred.Deferred<boolean> => {
    const replacement = Deferred.makeUnsafe<boolean>()
    slot.replacements.push(replacement)
    slot.replacementLatch.openUnsafe()
    return replacement
  }

  /** Starts a worker and waits until it serves. */
  const launch = Effect.fnUntraced(function* (slot: Slot) {
    const worker = yield* WorkerProcess.start({
      slot: slot.number,
      fork: () => options.fork(slot.number, dispatcher.address),
      limiter,
      onEndRequested: () => {
        if (!replaced.has(worker)) requestReplacement(slot)
      },
      onEnded: (snapshot) => {
        alive.delete(worker)
        endedMetrics = merge([endedMetrics, snapshot])
      }
    })
    alive.add(worker)
    yield* worker.serving.pipe(
      Effect.timeoutOrElse({
        duration: options.startTimeout,
        orElse: () =>
          Effect.andThen(
            worker.end(Duration.zero),
            new WorkerProcess.WorkerFailed({ message: "A worker did not serve in time." })
          )
      })
    )
    return worker
  })

  /** Removes a worker from the dispatchers once it has ended. */
  const removeWhenEnded = Effect.fnUntraced(function* (slot: Slot, member: Member) {
    const ended = yield* member.worker.ended
    for (const registration of member.registrations) registration.remove()
    // A replaced worker, or one that ends at shutdown, is expected to end.
    if (members.get(slot) !== member) return
    members.delete(slot)
    yield* Effect.logWarning(`Worker ${slot.number} ended ${WorkerProcess.howEnded(ended)}; starting another`)
  })

  const register = Effect.fnUntraced(function* (slot: Slot, worker: WorkerProcess.WorkerProcess) {
    if (isDraining) worker.channel.send({ _tag: "Drain" })
    const member: Member = { worker, registrations: dispatchers.map(({ add }) => add(worker.channel)) }
    members.set(slot, member)
    // A connection sent to a dead worker waits until the worker is removed. A separate fiber removes it, because `supervise` may
    // be waiting. Detached, so that the fiber also runs while the scope closes.
    yield* Effect.forkDetach(removeWhenEnded(slot, member))
    return member
  })

  const logStartFailure = (slot: Slot, { message }: WorkerProcess.WorkerFailed) =>
    Effect.logError(`Worker ${slot.number} could not be started: ${message}`)

  /** Restarts a worker that died, retrying with backoff until one serves. */
  const restart = Effect.fnUntraced(function* (slot: Slot, dead: Member, failuresBefore: Restart.Failures) {
    const ended = yield* dead.worker.ended
    let { failures, delayMillis } = Restart.after(failuresBefore, ended.servedMillis)
    for (;;) {
      yield* Effect.sleep(delayMillis)
      const started = yield* Effect.result(launch(slot))
      if (Result.isSuccess(started)) {
        countRestart()
        yield* Effect.logInfo(`Worker ${slot.number} serves again`)
        return { member: yield* register(slot, started.success), failures }
      }
      ;({ failures, delayMillis } = Restart.after(failures, 0))
      yield* logStartFailure(slot, started.failure)
    }
  })

  /** Ends a worker that has been replaced. */
  const retire = ({ registrations, worker }: Member) => {
    for (const registration of registrations) registration.retire()
    return worker.end(options.endTimeout)
  }

  /**
   * Replaces a serving worker. The pending requests complete when the old worker has ended, or when the new one cannot
   * start. If the old worker dies and the new one cannot start, the slot stays empty until `restart` succeeds.
   */
  const replace = Effect.fnUntraced(function* (slot: Slot, old: Member) {
    const requests = slot.replacements.splice(0)
    slot.replacementLatch.closeUnsafe()
    replaced.add(old.worker)
    const started = yield* Effect.result(launch(slot))
    const complete = (done: boolean) =>
      Effect.forEach(requests, (replacement) => Deferred.succeed(replacement, done), { discard: true })
    if (Result.isFailure(started)) {
      replaced.delete(old.worker)
      yield* old.worker.isOver()
        ? logStartFailure(slot, started.failure)
        : Effect.logError(`Worker ${slot.number} could not be replaced and keeps serving: ${started.failure.message}`)
      yield* complete(false)
      return old
    }
    const isDead = old.worker.isOver()
    const member = yield* register(slot, started.success)
    if (isDead) countRestart()
    yield* Effect.logInfo(`A new worker ${slot.number} serves${isDead ? "" : "; the old one ends"}`)
    yield* Effect.forkIn(Effect.andThen(retire(old), complete(true)), scope)
    return member
  })

  /** Keeps a worker serving in a slot. */
  const supervise = Effect.fnUntraced(function* (slot: Slot, first: Member) {
    let member = first
    let failures = Restart.none
    for (;;) {
      yield* Effect.raceFirst(member.worker.ended, slot.replacementLatch.await)
      if (member.worker.isOver()) ({ member, failures } = yield* restart(slot, member, failures))
      else member = yield* replace(slot, member)
    }
  })

  // Added before the supervising fibers are forked, so that the finalizer runs after they end.
  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      // From here on every worker is expected to end.
      members.clear()
      yield* Effect.forEach(dispatchers, ({ close }) => close, { concurrency: "unbounded", discard: true })
      yield* Effect.forEach(alive, (worker) => worker.end(worker.hasServed() ? options.endTimeout : Duration.zero), {
        concurrency: "unbounded",
        discard: true
      })
    })
  )

  const begin = (slot: Slot) =>
    Effect.flatMap(launch(slot), (worker) => Effect.map(register(slot, worker), (member) => ({ slot, member })))
  const [firstSlot, ...others] = slots
  // The first worker starts alone, so that a fault that all share is reported once.
  const first = firstSlot === undefined ? [] : [yield* begin(firstSlot)]
  const begun = [...first, ...(yield* Effect.forEach(others, begin, { concurrency: "unbounded" }))]
  for (const { member, slot } of begun) yield* Effect.forkScoped(supervise(slot, member))

  return {
    address: dispatcher.address,
    ownerAddress: owner?.address,
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
      for (const { channel } of alive) channel.send({ _tag: "Drain" })
    }),
    snapshot: Effect.suspend(() =>
      Effect.forEach(alive, ({ measure }) => measure, { concurrency: "unbounded", discard: true })
    ).pipe(
      Effect.map(() =>
        merge([
          endedMetrics,
          withProcess("primary", take(context)),
          ...[...alive].map((worker) => withProcess(String(worker.slot), worker.measured()))
        ])
      )
    )
  }
})
