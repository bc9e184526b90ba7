/** Which items form a batch: bounds by number and by weight. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import * as GroupCommit from "../../../src/platform/batch/GroupCommit.ts"

const timeout = 1000

describe("GroupCommit: batches", () => {
  it.effect("items of one turn of the event loop form one batch", () =>
    Effect.gen(function* () {
      const sizes: Array<number> = []
      const { submit } = yield* GroupCommit.make<number, number, never>({
        flush: (items) => {
          sizes.push(items.length)
          return Effect.succeed(items.map((item) => Result.succeed(item)))
        },
        timeout,
        maxQueue: 100,
        maxBatch: 100
      })
      // Lets the committer begin to wait for the first item.
      yield* Effect.yieldNow
      const run = Effect.runPromiseWith(yield* Effect.context<never>())
      yield* Effect.promise(() => Promise.all([1, 2, 3].map((item) => run(submit(item)))))
      assert.deepStrictEqual(sizes, [3])
    }).pipe(Effect.scoped)
  )

  it.effect("items that arrive during a flush form two batches, each with about half of the items", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const sizes: Array<number> = []
      const group = yield* GroupCommit.make({
        flush: (items: ReadonlyArray<number>) =>
          Effect.sync(() => sizes.push(items.length)).pipe(
            Effect.andThen(Deferred.await(gate)),
            Effect.as(items.map((item) => Result.succeed(item)))
          ),
        timeout,
        maxQueue: 1000,
        maxBatch: 1000
      })
      const first = yield* Effect.forkChild(group.submit(0))
      yield* TestClock.adjust(1)
      const others = yield* Effect.forEach(
        Array.from({ length: 500 }, (_, index) => index + 1),
        (item) => Effect.forkChild(group.submit(item))
      )
      yield* TestClock.adjust(1)
      yield* Deferred.succeed(gate, undefined)
      assert.strictEqual(yield* Fiber.join(first), 0)
      assert.deepStrictEqual(
        yield* Fiber.joinAll(others),
        others.map((_, index) => index + 1)
      )
      assert.deepStrictEqual(sizes, [1, 251, 249])
    })
  )

  it.effect("a batch is bounded by weight, and a queue that is too heavy refuses items immediately", () =>
    Effect.gen(function* () {
      const gate = yield* Deferred.make<void>()
      const weights: Array<ReadonlyArray<number>> = []
      const group = yield* GroupCommit.make({
        flush: (items: ReadonlyArray<number>) =>
          Effect.sync(() => weights.push(items)).pipe(
            Effect.andThen(Deferred.await(gate)),
            Effect.as(items.map(() => Result.succeed(null)))
          ),
        timeout,
        maxQueue: 1000,
        maxBatch: 1000,
        weigh: (weight) => weight,
        maxQueueWeight: 20,
        maxBatchWeight: 10
      })
      const first = yield* Effect.forkChild(group.submit(50))
      yield* TestClock.adjust(1)
      const others = yield* Effect.forEach([4, 6, 9, 1], (weight) => Effect.forkChild(group.submit(weight)))
      yield* TestClock.adjust(1)
      const refused = yield* Effect.flip(group.submit(1))
      assert.deepInclude(refused, { _tag: "StorageUnavailable", reason: "overloaded" })
      yield* Deferred.succeed(gate, undefined)
      yield* Fiber.joinAll([first, ...others])
      assert.deepStrictEqual(weights, [[50], [4, 6], [9, 1]])
    })
  )
})
