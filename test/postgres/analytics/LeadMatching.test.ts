import { assert, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import * as LeadMatching from "../../../src/postgres/analytics/LeadMatching.ts"
import { Leads } from "../../../src/services/analytics/Leads.ts"
import { StorageUnavailable } from "../../../src/services/Storage.ts"

it.effect(
  "postgres/analytics/LeadMatching: runs a pass in each second, also after failures, and logs each outage once",
  () =>
    Effect.gen(function* () {
      let passes = 0
      let isDown = false
      const lines: Array<string> = []
      const leads = Layer.succeed(Leads, {
        addChat: () => Effect.void,
        match: Effect.suspend(() => {
          passes++
          return isDown
            ? Effect.fail(new StorageUnavailable({ reason: "unreachable" }))
            : Effect.succeed({ matched: 0, dropped: 0 })
        })
      })
      yield* Layer.build(
        LeadMatching.layer.pipe(
          Layer.provide(leads),
          Layer.provide(Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))]))
        )
      )
      yield* TestClock.adjust("10 seconds")
      assert.isAtLeast(passes, 10)
      for (const outage of [1, 2]) {
        isDown = true
        const before = passes
        yield* TestClock.adjust("10 seconds")
        assert.isAtLeast(passes - before, 10)
        assert.strictEqual(lines.length, outage)
        isDown = false
        yield* TestClock.adjust("1 second")
      }
      assert.match(lines[0] ?? "", /Could not match leads with their visits; retrying/)
    })
)
