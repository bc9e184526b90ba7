/** Properties of a group commit with an interval, on the TestClock. */
import { assert, it } from "@effect/vitest"
import { Clock, Effect, Fiber, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as GroupCommit from "../../../src/platform/batch/GroupCommit.ts"

const interval = 200
const maxBatch = 5

/** A group commit, and the time and size of each of its batches. */
const make = (storeMillis: number) =>
  Effect.gen(function* () {
    const batches: Array<{ readonly at: number; readonly size: number }> = []
    const group = yield* GroupCommit.make<number, number, never>({
      flush: (items) =>
        Effect.gen(function* () {
          batches.push({ at: yield* Clock.currentTimeMillis, size: items.length })
          yield* Effect.sleep(storeMillis)
          return items.map((item) => Result.succeed(item))
        }),
      timeout: "10 seconds",
      maxQueue: 100,
      maxBatch,
      interval
    })
    return { batches, group }
  })

const submitAt = (group: GroupCommit.GroupCommit<number, number, never>, at: number, item: number) =>
  Effect.andThen(Effect.sleep(at), group.submit(item)).pipe(
    Effect.flatMap(() => Clock.currentTimeMillis),
    Effect.forkChild
  )

const elapse = (millis: number) => Effect.forEach(Array.from({ length: millis / 10 }), () => TestClock.adjust(10))

it.effect.prop(
  "batches begin at least an interval apart unless they are full, and if all items fit in one batch, each is stored within an interval and two flushes",
  {
    arrivals: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_500 }))).check(
      Schema.isMaxLength(30)
    ),
    storeMillis: Schema.Literals([0, 50, 300])
  },
  ({ arrivals, storeMillis }) =>
    Effect.gen(function* () {
      const { batches, group } = yield* make(storeMillis)
      const fibers = yield* Effect.forEach(arrivals, (at, item) => submitAt(group, at, item))
      yield* elapse(6_000)
      const ends = yield* Fiber.joinAll(fibers)
      assert.strictEqual(
        batches.reduce((sum, { size }) => sum + size, 0),
        arrivals.length
      )
      batches.forEach(({ at, size }, index) => {
        const previous = batches[index - 1]
        if (previous !== undefined && size < maxBatch) assert.isAtLeast(at - previous.at, interval)
      })
      if (arrivals.length > maxBatch) return
      // Twenty milliseconds more, since the test's clock moves in steps.
      ends.forEach((end, item) => {
        assert.isAtMost(end - arrivals[item]!, interval + 2 * storeMillis + 20)
      })
    }).pipe(Effect.scoped),
  { arbitrary: { runs: 50 } }
)

it.effect("the first item after a pause is stored at once, later items together, and a full batch at once", () =>
  Effect.gen(function* () {
    const { batches, group } = yield* make(0)
    yield* submitAt(group, 0, 0)
    for (const item of [1, 2, 3]) yield* submitAt(group, 10 * item, item)
    yield* elapse(1_000)
    for (let item = 0; item < maxBatch; item++) yield* submitAt(group, item === 0 ? 0 : 20, item)
    yield* submitAt(group, 20, maxBatch)
    yield* elapse(1_000)
    assert.deepStrictEqual(
      batches.map(({ size }) => size),
      [1, 3, 1, 5]
    )
    assert.deepStrictEqual(
      batches.map(({ at }) => at),
      [0, interval, 1_000, 1_020]
    )
  }).pipe(Effect.scoped)
)
