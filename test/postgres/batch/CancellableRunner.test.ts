import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import * as CancellableRunner from "../../../src/postgres/batch/CancellableRunner.ts"

describe("postgres/batch/CancellableRunner", () => {
  /** An effect that never ends, and whether it runs. */
  const endless = () => {
    let runs = false
    const effect = Effect.sync(() => {
      runs = true
    }).pipe(
      Effect.andThen(Effect.never),
      Effect.ensuring(
        Effect.sync(() => {
          runs = false
        })
      )
    )
    return { effect, runs: () => runs }
  }

  it.effect("what ends by itself ends as it does, whoever waits", () =>
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

  it.effect("it goes on while it is wanted, is given up when it is not, and the next one runs", () =>
    Effect.gen(function* () {
      const { check, run } = yield* CancellableRunner.make
      const { effect, runs } = endless()
      let isWanted = true
      const fiber = yield* Effect.forkChild(run(() => isWanted, effect))
      yield* Effect.yieldNow
      check()
      assert.isTrue(runs())
      isWanted = false
      check()
      assert.strictEqual(yield* Fiber.join(fiber), CancellableRunner.abandoned)
      assert.isFalse(runs())
      check()
      assert.strictEqual(yield* run(() => true, Effect.succeed(2)), 2)
    })
  )

  it.effect("it ends with whoever runs it", () =>
    Effect.gen(function* () {
      const { run } = yield* CancellableRunner.make
      const { effect, runs } = endless()
      const fiber = yield* Effect.forkChild(run(() => true, effect))
      yield* Effect.yieldNow
      assert.isTrue(runs())
      yield* Fiber.interrupt(fiber)
      assert.isFalse(runs())
    })
  )
})
