import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as StaticContent from "../../src/pages/StaticContent.ts"

describe("pages/StaticContent", () => {
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

  it.effect("content that could not be made is made again a minute later", () =>
    Effect.gen(function* () {
      let starts = 0
      const content = yield* StaticContent.once(
        Effect.suspend(() => (++starts === 1 ? Effect.fail("unreadable") : Effect.succeed("made")))
      )
      assert.strictEqual(yield* Effect.flip(content), "unreadable")
      assert.strictEqual(yield* Effect.flip(content), "unreadable")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* content, "made")
      yield* TestClock.adjust("1000 days")
      assert.strictEqual(yield* content, "made")
      assert.strictEqual(starts, 2)
    })
  )
})
