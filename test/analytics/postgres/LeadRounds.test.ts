import { assert, it } from "@effect/vitest"
import { Effect, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { Leads } from "../../../src/analytics/Lead.ts"
import * as PostgresLeads from "../../../src/analytics/postgres/Leads.ts"
import * as Rounds from "../../../src/platform/rounds/Rounds.ts"
import { StorageUnavailable } from "../../../src/platform/Storage.ts"

it.effect(
  "analytics/postgres/Leads: runs passes while a lead may wait, also after failures, and logs each outage once",
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
        PostgresLeads.rounds.pipe(
          Layer.provide(leads),
          Layer.provide(Logger.layer([Logger.map(Logger.formatSimple, (line) => void lines.push(line))]))
        )
      )
      const { wake } = yield* Rounds.Wakeups
      for (const outage of [1, 2]) {
        // A lead waits for its visit for ten seconds.
        wake("leads")
        const before = passes
        yield* TestClock.adjust("10 seconds")
        assert.isAtLeast(passes - before, 10)
        yield* TestClock.adjust("10 seconds")
        const idle = passes
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(passes, idle)
        isDown = true
        wake("leads")
        yield* TestClock.adjust("1 minute")
        assert.isAtLeast(passes - idle, 6)
        assert.strictEqual(lines.length, 2 * outage - 1)
        isDown = false
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(lines.length, 2 * outage)
      }
      assert.match(lines[0] ?? "", /Could not match leads with their visits; trying again until it succeeds/)
      assert.match(lines[1] ?? "", /Can match leads with their visits again/)
    })
)
