/** Properties of the group commit for arbitrary arrivals and arbitrary store failures, on the TestClock. */
import { assert, describe, it } from "@effect/vitest"
import { Cause, Clock, Effect, Exit, Fiber, Option, Schema } from "effect"
import * as GroupCommit from "../../../src/platform/batch/GroupCommit.ts"
import { Behaviour, makeStore, pass, timeout } from "../../support/ScriptedStore.ts"

const horizon = 4000

const Arrival = Schema.Struct({
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1500 })),
  /** The store refuses the item permanently. */
  bad: Schema.Literals([false, false, false, true]),
  /** The submitter is interrupted after this many milliseconds, unless it was answered. */
  leavesAfter: Schema.Literals([horizon, horizon, horizon, 0, 5, 400])
})

describe("GroupCommit", () => {
  it.effect.prop(
    "each item gets one outcome in time, is stored if it succeeds, not if it is refused, and never twice",
    {
      arrivals: Schema.Array(Arrival).check(Schema.isMaxLength(40)),
      script: Schema.Array(Behaviour).check(Schema.isMaxLength(8)),
      maxQueue: Schema.Literals([2, 10, 1000]),
      maxBatch: Schema.Literals([1, 3, 100])
    },
    ({ arrivals, maxBatch, maxQueue, script }) =>
      Effect.gen(function* () {
        const store = makeStore(script)
        const start = yield* Clock.currentTimeMillis
        const group = yield* GroupCommit.make({ flush: store.flush, timeout, maxQueue, maxBatch })
        const submitters = yield* Effect.forEach(arrivals, ({ at, bad, leavesAfter }, id) =>
          Effect.gen(function* () {
            yield* Effect.sleep(at)
            const submitted = group.submit({ id, bad, deadline: start + at + timeout })
            const outcome = yield* Effect.exit(Effect.timeoutOption(submitted, leavesAfter))
            return { id, bad, outcome, waited: (yield* Clock.currentTimeMillis) - start - at }
          }).pipe(Effect.forkChild)
        )
        yield* pass(horizon)
        const ends = yield* Fiber.joinAll(submitters)

        assert.deepStrictEqual(store.violations, [])
        for (const { bad, id, outcome, waited } of ends) {
          const copies = store.copies.get(id) ?? 0
          assert.isAtMost(waited, timeout)
          assert.isAtMost(copies, 1)
          if (Exit.isSuccess(outcome)) {
            if (Option.isNone(outcome.value)) continue
            assert.strictEqual(outcome.value.value, id)
            assert.strictEqual(copies, 1)
            continue
          }
          const error = Cause.findErrorOption(outcome.cause)
          if (Option.isNone(error)) return assert.fail("the outcome is not a declared error")
          if (error.value._tag === "RecordRefused") {
            assert.isTrue(bad)
            assert.strictEqual(copies, 0)
          } else if (error.value.reason === "overloaded") {
            assert.strictEqual(waited, 0)
            assert.isFalse(store.flushed.has(id))
          } else {
            assert.strictEqual(waited, timeout)
            if (!store.flushed.has(id)) assert.strictEqual(copies, 0)
          }
        }
      }).pipe(Effect.scoped),
    { arbitrary: { runs: 150 } }
  )

  it.effect.prop(
    "every valid item succeeds if the store only loses some requests and responses",
    {
      bad: Schema.Array(Schema.Boolean).check(Schema.isMaxLength(60)),
      script: Schema.Array(Schema.Literals(["store", "lose the request", "lose the answer"])).check(
        Schema.isMaxLength(4)
      )
    },
    ({ bad, script }) =>
      Effect.gen(function* () {
        const store = makeStore(script)
        const group = yield* GroupCommit.make({ flush: store.flush, timeout, maxQueue: 100, maxBatch: 100 })
        const submitters = yield* Effect.forEach(bad, (bad, id) =>
          Effect.forkChild(Effect.exit(group.submit({ id, bad, deadline: timeout })))
        )
        yield* pass(timeout)
        const outcomes = yield* Fiber.joinAll(submitters)
        outcomes.forEach((outcome, id) => {
          assert.strictEqual(Exit.isSuccess(outcome), !bad[id])
          assert.strictEqual(store.copies.get(id) ?? 0, bad[id] ? 0 : 1)
        })
      }).pipe(Effect.scoped)
  )
})
