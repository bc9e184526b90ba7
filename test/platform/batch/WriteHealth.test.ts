import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Batches from "../../../src/platform/batch/Batches.ts"

const Write = Schema.Struct({
  kind: Schema.Literals(["page-views", "submissions"]),
  outcome: Schema.Literals(["stored", "failed"]),
  /** Milliseconds since the previous write. */
  delay: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_500 }))
})
const Elapsed = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2 * Batches.failingMillis }))

describe("platform/batch/Batches: health of writes", () => {
  it.prop(
    "a store is writable if each kind's last write was stored, failing after a recent failure, and unknown after an older one",
    [Schema.Array(Write), Elapsed],
    ([writes, elapsed]) => {
      let now = 0
      let failures = Batches.noFailures
      const last = new Map<string, { readonly outcome: string; readonly at: number }>()
      for (const { delay, kind, outcome } of writes) {
        now += delay
        failures = Batches.failuresAfter(failures, kind, outcome, now)
        last.set(kind, { outcome, at: now })
      }
      now += elapsed
      const failed = [...last.values()].filter(({ outcome }) => outcome === "failed")
      const latestFailure = Math.max(...failed.map(({ at }) => at))
      assert.strictEqual(
        Batches.statusOf(failures, now),
        failed.length === 0 ? "writable" : now - latestFailure < Batches.failingMillis ? "failing" : "unknown"
      )
    }
  )

  it("a stored write without earlier failures allocates nothing", () => {
    assert.strictEqual(Batches.failuresAfter(Batches.noFailures, "submissions", "stored", 1), Batches.noFailures)
  })
})
