import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import * as StaticContent from "../../../src/http/assets/StaticContent.ts"

describe("http/assets/StaticContent", () => {
  it.effect("content is made only once, even if the first requests for it are interrupted", () =>
    Effect.gen(function* () {
      let starts = 0
      const gate = yield* Deferred.make<string>()
      const content = yield* StaticContent.once(
        Effect.suspend(() => {
          starts++
          return Deferred.await(gate)
        })
      )
      for (let count = 0; count < 3; count++) {
        const client = yield* Effect.forkChild(content, { startImmediately: true })
        client.interruptUnsafe()
      }
      const last = yield* Effect.forkChild(content, { startImmediately: true })
      yield* Deferred.succeed(gate, "made")
      assert.strictEqual(yield* Fiber.join(last), "made")
      assert.strictEqual(starts, 1)
    })
  )
})
