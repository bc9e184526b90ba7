/** Which items a group commit queues while a batch is in flight. */
import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as GroupCommit from "../../../src/platform/batch/GroupCommit.ts"

const Weight = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9 }))

interface Item {
  readonly id: number
  readonly weight: number
}

describe("GroupCommit: the queue", () => {
  it.effect.prop(
    "stores accepted items in order, never exceeds maxQueue, and exceeds maxQueueWeight only if no other item has weight",
    {
      weights: Schema.Array(Weight).check(Schema.isMaxLength(30)),
      maxQueue: Schema.Literals([1, 3, 100]),
      maxQueueWeight: Schema.Literals([0, 5, 20, 1000]),
      maxBatchWeight: Schema.Literals([1, 10, 1000])
    },
    ({ maxBatchWeight, maxQueue, maxQueueWeight, weights }) =>
      Effect.gen(function* () {
        const gate = yield* Deferred.make<void>()
        const stored: Array<Item> = []
        const group = yield* GroupCommit.make<Item, number, never>({
          flush: (items) =>
            Effect.map(Deferred.await(gate), () => {
              stored.push(...items)
              return items.map(({ id }) => Result.succeed(id))
            }),
          timeout: "1 minute",
          maxQueue: maxQueue,
          maxQueueWeight,
          maxBatch: 4,
          maxBatchWeight,
          weigh: ({ weight }) => weight
        })
        const inFlight = { id: -1, weight: 9 }
        const first = yield* Effect.forkChild(group.submit(inFlight))
        yield* TestClock.adjust(1)
        let queued: ReadonlyArray<Item> = []
        const submitters: Array<Fiber.Fiber<number, unknown>> = []
        for (const [id, weight] of weights.entries()) {
          const total = queued.reduce((sum, item) => sum + item.weight, 0)
          const fits = queued.length < maxQueue && (total === 0 || total + weight <= maxQueueWeight)
          const submitted = yield* Effect.forkChild(group.submit({ id, weight }), { startImmediately: true })
          if (fits) {
            queued = [...queued, { id, weight }]
            submitters.push(submitted)
          } else {
            const error = yield* Effect.flip(Fiber.join(submitted))
            assert.deepInclude(error, { _tag: "StorageUnavailable", reason: "overloaded" })
          }
          assert.strictEqual(group.queued(), queued.length)
        }
        yield* Deferred.succeed(gate, undefined)
        yield* Fiber.join(first)
        yield* Fiber.joinAll(submitters)
        assert.deepStrictEqual(stored, [inFlight, ...queued])
        assert.strictEqual(group.queued(), 0)
        // The weight of what was stored no longer counts.
        const heavy = { id: -2, weight: 9 }
        assert.strictEqual(yield* group.submit(heavy), heavy.id)
      }).pipe(Effect.scoped)
  )
})
