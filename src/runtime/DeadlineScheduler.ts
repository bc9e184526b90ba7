/**
 * Calls many objects back at their deadlines with at most one fiber. A fiber and a timer per object would take more memory
 * than the rest of an idle chat stream. It is not a service, because tests control it through the service `Clock`.
 *
 * @module
 */
import { Cause, Clock, Effect, type Fiber, type Scope } from "effect"
import * as Deadlines from "../core/data/Deadlines.ts"

/** An object with a deadline. Times are in milliseconds of the clock's monotonic time. */
export interface Scheduled extends Deadlines.Deadline {
  /** Called at the deadline. Returns the next deadline, or undefined if there is none. An exception is logged. */
  readonly onDeadline: (now: number) => number | undefined
}

export interface DeadlineScheduler {
  readonly now: () => number
  /** Sets or moves a deadline. The call comes at `due` or less than `resolution` later. */
  readonly set: (scheduled: Scheduled, due: number) => void
  readonly cancel: (scheduled: Scheduled) => void
}

/** In milliseconds. Deadlines are rounded up to a multiple, so that one wake-up serves many. */
const resolution = 10

/** Calls objects back as long as the scope is open. No fiber runs while no deadline is set. */
export const make: Effect.Effect<DeadlineScheduler, never, Scope.Scope> = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const fork = Effect.runForkWith(yield* Effect.context())
  const queue = Deadlines.make<Scheduled>()
  let sleeper: Fiber.Fiber<void> | undefined
  /** When the sleeper wakes; positive infinity if there is none, negative infinity while it is awake. */
  let wakesAt = Number.POSITIVE_INFINITY
  let isClosed = false

  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1000n) / 1000

  const sleep = () => {
    const due = queue.first()?.due
    wakesAt = due ?? Number.POSITIVE_INFINITY
    // At least 1 ms: a sleep of 0 may end before `sleeper` is assigned.
    if (due !== undefined && !isClosed)
      sleeper = fork(Effect.andThen(Effect.sleep(Math.max(1, Math.ceil(due - now()))), wake))
  }

  const set = (scheduled: Scheduled, due: number) => {
    const rounded = Math.ceil(due / resolution) * resolution
    queue.set(scheduled, rounded)
    if (rounded >= wakesAt) return
    sleeper?.interruptUnsafe()
    sleep()
  }

  const cancel = (scheduled: Scheduled) => {
    queue.remove(scheduled)
    if (queue.size() > 0 || !Number.isFinite(wakesAt)) return
    sleeper?.interruptUnsafe()
    wakesAt = Number.POSITIVE_INFINITY
  }

  /** Logs what `onDeadline` throws, so that other deadlines are not affected. */
  const call = (scheduled: Scheduled, time: number): number | undefined => {
    try {
      return scheduled.onDeadline(time)
    } catch (defect) {
      fork(Effect.logError("A deadline handler failed", Cause.die(defect)))
      return undefined
    }
  }

  const wake = Effect.sync(() => {
    wakesAt = Number.NEGATIVE_INFINITY
    const time = now()
    for (let first = queue.first(); first !== undefined && first.due <= time; first = queue.first()) {
      queue.remove(first)
      const next = call(first, time)
      // Later than now in any case, so that the loop ends.
      if (next !== undefined) set(first, Math.max(next, time + 1))
    }
    sleep()
  })

  yield* Effect.addFinalizer(() =>
    Effect.sync(() => {
      isClosed = true
      sleeper?.interruptUnsafe()
    })
  )
  return { now, set, cancel }
})
