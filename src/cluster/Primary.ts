/**
 * The primary of `serve --workers`: it holds the listening socket and the counts of the rate limit, and keeps as many
 * workers serving as it was told to. It serves nothing itself.
 *
 * @module
 */
import type { ChildProcess } from "node:child_process"
import { Deferred, Duration, Effect, Latch, Result, type Scope } from "effect"
import * as Restart from "../core/cluster/Restart.ts"
import * as Metrics from "../core/metrics/Metrics.ts"
import { merge, named, type Snapshot, take } from "../core/metrics/Snapshot.ts"
import { observeGauge } from "../runtime/Observe.ts"
import { RateLimiter } from "../services/RateLimiter.ts"
import * as ConnectionDispatcher from "./ConnectionDispatcher.ts"
import type { Address } from "./Protocol.ts"
import * as WorkerProcess from "./WorkerProcess.ts"

export interface Options {
  readonly workers: number
  readonly address: Address
  /** Starts the process of a worker, which finds its channel to us in `process`. */
  readonly fork: (slot: number, address: Address) => ChildProcess
  /** How long a worker may take from its start until it serves. */
  readonly startPatience: Duration.Duration
  /** How long a worker may take to end: what its open requests and streams may go on for, and a little more. */
  readonly endPatience: Duration.Duration
}

export interface Primary {
  /** Where all of it listens. */
  readonly address: Address
  /** Puts a new worker in the place of each, one after the other; each serves before the old one ends. */
  readonly replaceAll: Effect.Effect<void>
  /** What all processes measured together. */
  readonly snapshot: Effect.Effect<Snapshot>
}

/** A worker in its slot, with its place at the dispatcher. */
interface Member {
  readonly worker: WorkerProcess.WorkerProcess
  readonly registration: ConnectionDispatcher.Registration
}

/** What belongs to one of the workers' numbers, whichever process has it. */
interface Slot {
  readonly number: number
  /** Who asks for another process here; each is told whether there is one. */
  readonly wanted: Array<Deferred.Deferred<boolean>>
  /** Open while somebody does. */
  readonly isWanted: Latch.Latch
}

/**
 * Starts the workers and succeeds when all of them serve; if one of them cannot, that ends the whole start. When the scope
 * closes, it stops listening, hands over what came before, and has all workers end as one process does.
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
  const slots = Array.from({ length: options.workers }, (_, index): Slot => {
    return { number: index + 1, wanted: [], isWanted: Latch.makeUnsafe(false) }
  })
  /** All processes that live, also those that are about to serve or to end. */
  const alive = new Set<WorkerProcess.WorkerProcess>()
  const members = new Map<Slot, Member>()
  /** What those measured that have ended. */
  let retired: Snapshot = []
  yield* observeGauge(Metrics.workers({}), () => members.size)
  const restarts = Metrics.workerRestarts({})
  restarts.updateUnsafe(0, context)
  const restarted = () => restarts.updateUnsafe(1, context)

  const want = (slot: Slot): Effect.Effect<boolean> => {
    const replacement = Deferred.makeUnsafe<boolean>()
    slot.wanted.push(replacement)
    slot.isWanted.openUnsafe()
    return Deferred.await(replacement)
  }

  /** Starts a worker and waits until it serves. */
  const launch = Effect.fnUntraced(function* (slot: Slot) {
    const worker = yield* WorkerProcess.start({
      slot: slot.number,
      fork: () => options.fork(slot.number, dispatcher.address),
      limiter,
      onAskedToEnd: () => void want(slot),
      onEnded: (snapshot) => {
        alive.delete(worker)
        retired = merge([retired, snapshot])
      }
    })
    alive.add(worker)
    yield* worker.serving.pipe(
      Effect.timeoutOrElse({
        duration: options.startPatience,
        orElse: () =>
          Effect.andThen(
            worker.end(Duration.zero),
            new WorkerProcess.WorkerFailed({ message: "A worker did not serve in time." })
          )
      })
    )
    return worker
  })

  /** Takes a worker that has ended from the dispatcher. */
  const removeWhenEnded = Effect.fnUntraced(function* (slot: Slot, member: Member) {
    const ended = yield* member.worker.ended
    member.registration.remove()
    // One that another has replaced, or that ends with all, was told to.
    if (members.get(slot) !== member) return
    members.delete(slot)
    yield* Effect.logWarning(
      `Worker ${slot.number} ended ${WorkerProcess.howEnded(ended)}; another one takes its place`
    )
  })

  const register = Effect.fnUntraced(function* (slot: Slot, worker: WorkerProcess.WorkerProcess) {
    const member: Member = { worker, registration: dispatcher.add(worker.channel) }
    members.set(slot, member)
    // At once, whatever its keeper waits for then: what is handed to a worker that has ended waits. It ends with the worker
    // and not with the scope, so that it holds while all of them end as well.
    yield* Effect.forkDetach(removeWhenEnded(slot, member))
    return member
  })

  const couldNotStart = (slot: Slot, { message }: WorkerProcess.WorkerFailed) =>
    Effect.logError(`Worker ${slot.number} could not be started: ${message}`)

  /** Puts a worker in the place of one that died, however long it takes. */
  const revive = Effect.fnUntraced(function* (slot: Slot, dead: Member, failuresBefore: Restart.Failures) {
    const ended = yield* dead.worker.ended
    let { failures, delayMillis } = Restart.after(failuresBefore, ended.servedMillis)
    for (;;) {
      yield* Effect.sleep(delayMillis)
      const started = yield* Effect.result(launch(slot))
      if (Result.isSuccess(started)) {
        restarted()
        yield* Effect.logInfo(`Worker ${slot.number} serves again`)
        return { member: yield* register(slot, started.success), failures }
      }
      ;({ failures, delayMillis } = Restart.after(failures, 0))
      yield* couldNotStart(slot, started.failure)
    }
  })

  /** Has a worker end that another one has taken the place of. */
  const retire = ({ registration, worker }: Member) => {
    registration.retire()
    return worker.end(options.endPatience)
  }

  /**
   * Puts a new worker in the place of one that serves, and tells who asked when the old one has ended. The old one may
   * die meanwhile; if the new one cannot serve then, there is none until it is revived.
   */
  const replace = Effect.fnUntraced(function* (slot: Slot, old: Member) {
    const asked = slot.wanted.splice(0)
    slot.isWanted.closeUnsafe()
    const started = yield* Effect.result(launch(slot))
    const tell = (done: boolean) =>
      Effect.forEach(asked, (replacement) => Deferred.succeed(replacement, done), { discard: true })
    if (Result.isFailure(started)) {
      yield* old.worker.isOver()
        ? couldNotStart(slot, started.failure)
        : Effect.logError(
            `No worker takes the place of worker ${slot.number}, which serves on: ${started.failure.message}`
          )
      yield* tell(false)
      return old
    }
    const isDead = old.worker.isOver()
    const member = yield* register(slot, started.success)
    if (isDead) restarted()
    yield* Effect.logInfo(`A new worker ${slot.number} serves${isDead ? "" : "; the old one ends"}`)
    yield* Effect.forkIn(Effect.andThen(retire(old), tell(true)), scope)
    return member
  })

  /** Keeps a slot's worker serving. */
  const keep = Effect.fnUntraced(function* (slot: Slot, first: Member) {
    let member = first
    let failures = Restart.none
    for (;;) {
      yield* Effect.raceFirst(member.worker.ended, slot.isWanted.await)
      if (member.worker.isOver()) ({ member, failures } = yield* revive(slot, member, failures))
      else member = yield* replace(slot, member)
    }
  })

  // Before the fibers that keep the workers, so that it runs after their end.
  yield* Effect.addFinalizer(() =>
    Effect.gen(function* () {
      // Whoever ends from here on was told to.
      members.clear()
      yield* dispatcher.close
      yield* Effect.forEach(alive, (worker) => worker.end(worker.hasServed() ? options.endPatience : Duration.zero), {
        concurrency: "unbounded",
        discard: true
      })
    })
  )

  const begin = (slot: Slot) =>
    Effect.flatMap(launch(slot), (worker) => Effect.map(register(slot, worker), (member) => ({ slot, member })))
  const [firstSlot, ...others] = slots
  // One at first: what is wrong is wrong for all, and is said once.
  const first = firstSlot === undefined ? [] : [yield* begin(firstSlot)]
  const begun = [...first, ...(yield* Effect.forEach(others, begin, { concurrency: "unbounded" }))]
  for (const { member, slot } of begun) yield* Effect.forkScoped(keep(slot, member))

  return {
    address: dispatcher.address,
    replaceAll: Effect.gen(function* () {
      yield* Effect.logInfo("New workers take the places of the old ones")
      for (const slot of slots) {
        if (!(yield* want(slot))) return yield* Effect.logError("The other workers stay as they are")
      }
      yield* Effect.logInfo("All workers are new")
    }),
    snapshot: Effect.suspend(() =>
      Effect.forEach(alive, ({ measure }) => measure, { concurrency: "unbounded", discard: true })
    ).pipe(
      Effect.map(() =>
        merge([
          retired,
          named("primary", take(context)),
          ...[...alive].map((worker) => named(String(worker.slot), worker.measured()))
        ])
      )
    )
  }
})
