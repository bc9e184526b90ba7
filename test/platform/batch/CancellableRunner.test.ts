import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import * as CancellableRunner from "../../../src/platform/batch/CancellableRunner.ts"

describe("platform/batch/CancellableRunner", () => {
  /** An effect that never ends, with a probe for whether it runs. */
  const endless = () => {
    let isRunning = false
    const effect = Effect.sync(() => {
      isRunning = true
    }).pipe(
      Effect.andThen(Effect.never),
      Effect.ensuring(
        Effect.sync(() => {
          isRunning = false
        })
      )
    )
    return { effect, isRunning: () => isRunning }
  }

  it.effect("an effect that ends before a check has its own outcome, wanted or not", () =>
    Effect.gen(function* () {
      const { run } = yield* CancellableRunner.make
      assert.strictEqual(yield* run(() => false, Effect.succeed(1)), 1)
      assert.strictEqual(yield* Effect.flip(run(() => true, Effect.fail("no"))), "no")
      assert.isTrue(
        Exit.hasDies(
          yield* Effect.exit(
            run(
              () => true,
              Effect.sync(() => {
                throw new Error("a bug")
              })
            )
          )
        )
      )
    })
  )

  it.effect("check cancels the effect only if it is unwanted, and the next effect runs", () =>
    Effect.gen(function* () {
      const { check, run } = yield* CancellableRunner.make
      const { effect, isRunning } = endless()
      let isWanted = true
      const fiber = yield* Effect.forkChild(run(() => isWanted, effect))
      yield* Effect.yieldNow
      check()
      assert.isTrue(isRunning())
      isWanted = false
      check()
      assert.strictEqual(yield* Fiber.join(fiber), CancellableRunner.abandoned)
      assert.isFalse(isRunning())
      check()
      assert.strictEqual(yield* run(() => true, Effect.succeed(2)), 2)
    })
  )

  it.effect("interrupting the caller interrupts the effect", () =>
    Effect.gen(function* () {
      const { run } = yield* CancellableRunner.make
      const { effect, isRunning } = endless()
      const fiber = yield* Effect.forkChild(run(() => true, effect))
      yield* Effect.yieldNow
      assert.isTrue(isRunning())
      yield* Fiber.interrupt(fiber)
      assert.isFalse(isRunning())
    })
  )
})
