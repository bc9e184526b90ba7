import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import * as StaticContent from "../../../src/http/assets/StaticContent.ts"

describe("http/assets/StaticContent", () => {
  it.effect("content is made only once, even if the first clients are interrupted", () =>
    Effect.gen(function* () {
      let starts = 0
      const gate = yield* Deferred.make<string>()
      const made = yield* StaticContent.once(
        Effect.suspend(() => {
          starts++
          return Deferred.await(gate)
        })
      )
      for (let client = 0; client < 3; client++) {
        const asking = yield* Effect.forkChild(made, { startImmediately: true })
        asking.interruptUnsafe()
      }
      const staying = yield* Effect.forkChild(made, { startImmediately: true })
      yield* Deferred.succeed(gate, "made")
      assert.strictEqual(yield* Fiber.join(staying), "made")
      assert.strictEqual(starts, 1)
    })
  )
})
