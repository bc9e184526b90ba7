/**
 * Wakes many things at their times with one fiber at most. A fiber and a timer for each would cost an idle chat stream more
 * memory than all else that it holds. There is one layer of it: what it stands on, the clock, is a service already.
 *
 * @module
 */
import { Cause, Clock, Effect, type Fiber, type Scope } from "effect"
import * as Deadlines from "../core/data/Deadlines.ts"

/** Something that is woken at its time. Times are milliseconds of the clock's monotonic time. */
export interface Scheduled extends Deadlines.Deadline {
  /** Called when it is due; gives when it is due next, or nothing if it is not any more: nor is one that throws. */
  readonly onDeadline: (now: number) => number | undefined
}

export interface DeadlineScheduler {
  readonly now: () => number
  /** Sets an alarm for a time, or moves it to one. It rings at that time or less than `grain` after it. */
  readonly set: (alarm: Scheduled, due: number) => void
  readonly cancel: (alarm: Scheduled) => void
}

/** In milliseconds: those that are due within one are woken together. */
const grain = 10

/** Makes alarms that ring as long as the scope is open. Where none is set, no fiber runs. */
export const make: Effect.Effect<DeadlineScheduler, never, Scope.Scope> = Effect.gen(function* () {
  const clock = yield* Clock.Clock
  const fork = Effect.runForkWith(yield* Effect.context())
  const queue = Deadlines.make<Scheduled>()
  let sleeper: Fiber.Fiber<void> | undefined
  /** When the sleeper wakes; infinite if there is none, and before all time while it is awake. */
  let wakesAt = Number.POSITIVE_INFINITY
  let isClosed = false

  const now = () => Number(clock.monotonicTimeNanosUnsafe() / 1000n) / 1000

  const sleep = () => {
    const due = queue.first()?.due
    wakesAt = due ?? Number.POSITIVE_INFINITY
    // Always for a while, however late it is: a clock need not wait for nothing, and would wake us before we sleep.
    if (due !== undefined && !isClosed)
      sleeper = fork(Effect.andThen(Effect.sleep(Math.max(1, Math.ceil(due - now()))), wake))
  }

  const set = (alarm: Scheduled, due: number) => {
    const grained = Math.ceil(due / grain) * grain
    queue.set(alarm, grained)
    if (grained >= wakesAt) return
    sleeper?.interruptUnsafe()
    sleep()
  }

  const cancel = (alarm: Scheduled) => {
    queue.remove(alarm)
    if (queue.size() > 0 || !Number.isFinite(wakesAt)) return
    sleeper?.interruptUnsafe()
    wakesAt = Number.POSITIVE_INFINITY
  }

  /** A fault of one is told to the log, and silences no other. */
  const ring = (alarm: Scheduled, time: number): number | undefined => {
    try {
      return alarm.onDeadline(time)
    } catch (defect) {
      fork(Effect.logError("An alarm met a defect", Cause.die(defect)))
      return undefined
    }
  }

  const wake = Effect.sync(() => {
    wakesAt = Number.NEGATIVE_INFINITY
    const time = now()
    for (let alarm = queue.first(); alarm !== undefined && alarm.due <= time; alarm = queue.first()) {
      queue.remove(alarm)
      const next = ring(alarm, time)
      // Never at once again: whatever it says, time goes on.
      if (next !== undefined) set(alarm, Math.max(next, time + 1))
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
