import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Batches from "../../../src/platform/batch/Batches.ts"

/** For how many milliseconds a store is failing after its last failure. */
const failingMillis = 2_000

const Write = Schema.Struct({
  kind: Schema.Literals(["page-views", "submissions"]),
  outcome: Schema.Literals(["stored", "refused", "unavailable", "abandoned", "died"]),
  /** Milliseconds that the write took. */
  took: Schema.Literals([999, 1_000]),
  /** Milliseconds since the previous write. */
  delay: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_500 }))
})
const Elapsed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 * failingMillis }))

/** Whether the write shows that the store is not healthy, or that it is. */
const shows = ({ outcome, took }: typeof Write.Type): "failed" | "healthy" | "nothing" => {
  switch (outcome) {
    case "unavailable":
      return "failed"
    case "abandoned":
      return took >= 1_000 ? "failed" : "nothing"
    case "died":
      return "nothing"
    default:
      return "healthy"
  }
}

describe("platform/batch/Batches: health of writes", () => {
  it.effect.prop(
    "a store is writable if each kind's last write was stored, failing after a recent failure, and unknown after an older one",
    [Schema.Array(Write), Elapsed],
    ([writes, elapsed]) =>
      Effect.gen(function* () {
        const { clearFailures, record, status } = yield* Batches.WriteHealth
        let now = 0
        const failedAt = new Map<string, number>()
        for (const write of writes) {
          yield* TestClock.adjust(write.delay)
          now += write.delay
          record(write.kind, write.outcome, write.took)
          const shown = shows(write)
          if (shown === "failed") failedAt.set(write.kind, now)
          if (shown === "healthy") failedAt.delete(write.kind)
        }
        yield* TestClock.adjust(elapsed)
        now += elapsed
        const latest = Math.max(...failedAt.values())
        assert.strictEqual(
          yield* status,
          failedAt.size === 0 ? "writable" : now - latest < failingMillis ? "failing" : "unknown"
        )
        yield* clearFailures
        assert.strictEqual(yield* status, "writable")
      }).pipe(Effect.provide(Batches.layerHealth, { local: true }))
  )
})
