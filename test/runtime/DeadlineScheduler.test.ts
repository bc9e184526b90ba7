import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Logger, Metric, Scope } from "effect"
import { TestClock } from "effect/testing"
import * as DeadlineScheduler from "../../src/runtime/DeadlineScheduler.ts"

/** An object that records when it is called; `every` is the time to its next deadline. */
const recording = (name: string, calls: Array<string>, every?: number): DeadlineScheduler.Scheduled => ({
  due: 0,
  heapIndex: -1,
  onDeadline: (now) => {
    calls.push(`${name} ${now}`)
    return every === undefined ? undefined : now + every
  }
})

describe("runtime/DeadlineScheduler", () => {
  it.effect("calls every object once at its deadline, in order", () =>
    Effect.gen(function* () {
      const scheduler = yield* DeadlineScheduler.make
      const calls: Array<string> = []
      for (const due of [3000, 1000, 2000]) scheduler.set(recording("a", calls), due)
      yield* TestClock.adjust("999 millis")
      assert.deepStrictEqual(calls, [])
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(calls, ["a 1000"])
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(calls, ["a 1000", "a 2000", "a 3000"])
    })
  )

  it.effect("respects returned, moved and cancelled deadlines", () =>
    Effect.gen(function* () {
      const scheduler = yield* DeadlineScheduler.make
      const calls: Array<string> = []
      const [repeated, moved, cancelled] = [
        recording("again", calls, 400),
        recording("moved", calls),
        recording("cancelled", calls)
      ]
      scheduler.set(repeated, 400)
      scheduler.set(moved, 100)
      scheduler.set(cancelled, 200)
      scheduler.set(moved, 700)
      scheduler.cancel(cancelled)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(calls, ["again 400", "moved 700", "again 800"])
      scheduler.cancel(repeated)
      yield* TestClock.adjust("1 hour")
      assert.lengthOf(calls, 3)
    })
  )

  it.effect("deadlines may be set and cancelled during a call", () =>
    Effect.gen(function* () {
      const scheduler = yield* DeadlineScheduler.make
      const calls: Array<string> = []
      const [cancelled, later] = [recording("cancelled", calls), recording("later", calls)]
      const first: DeadlineScheduler.Scheduled = {
        due: 0,
        heapIndex: -1,
        onDeadline: (now) => {
          scheduler.cancel(cancelled)
          scheduler.set(later, now + 50)
          return undefined
        }
      }
      scheduler.set(first, 100)
      scheduler.set(cancelled, 100)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(calls, ["later 150"])
    })
  )

  it.effect("an object's error is logged, the object is not called again, and others are not affected", () => {
    const logged: Array<unknown> = []
    return Effect.gen(function* () {
      const scheduler = yield* DeadlineScheduler.make
      const calls: Array<string> = []
      const faulty: DeadlineScheduler.Scheduled = {
        due: 0,
        heapIndex: -1,
        onDeadline: () => {
          throw new Error("a bug")
        }
      }
      scheduler.set(faulty, 100)
      scheduler.set(recording("beside", calls), 100)
      yield* TestClock.adjust("1 second")
      scheduler.set(recording("later", calls), 2000)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(calls, ["beside 100", "later 2000"])
      assert.lengthOf(logged, 1)
    }).pipe(Effect.provide(Logger.layer([Logger.make(({ message }) => void logged.push(message))])))
  })

  it.effect("calls nothing after the scope is closed", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const scheduler = yield* Scope.provide(DeadlineScheduler.make, scope)
      const calls: Array<string> = []
      scheduler.set(recording("before", calls), 1000)
      yield* Scope.close(scope, Exit.void)
      scheduler.set(recording("after", calls), 500)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(calls, [])
    })
  )

  // On the real clock, because the TestClock has its own fibers.
  it.live("any number of deadlines take one fiber; without deadlines or after the scope is closed, none runs", () => {
    let fibers = 0
    return Effect.gen(function* () {
      const scope = yield* Scope.make()
      const scheduler = yield* Scope.provide(DeadlineScheduler.make, scope)
      const [one, other] = [recording("one", []), recording("other", [])]
      const before = fibers
      const set = (scheduled: DeadlineScheduler.Scheduled, minutes: number) =>
        scheduler.set(scheduled, scheduler.now() + minutes * 60_000)
      const running: Array<number> = []
      const record = () => running.push(fibers - before)
      set(one, 60)
      record()
      set(other, 30)
      record()
      scheduler.cancel(other)
      record()
      scheduler.cancel(one)
      record()
      set(one, 60)
      record()
      yield* Scope.close(scope, Exit.void)
      record()
      set(other, 30)
      record()
      assert.deepStrictEqual(running, [1, 1, 1, 0, 1, 0, 0])
    }).pipe(
      Effect.provideService(Metric.FiberRuntimeMetrics, {
        recordFiberStart: () => void fibers++,
        recordFiberEnd: () => void fibers--
      })
    )
  })
})
