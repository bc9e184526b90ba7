import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Deadlines from "../../../src/core/data/Deadlines.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

/** Sets or removes one of twenty entries, or removes the first. */
const Step = Schema.Union([
  Schema.Struct({ _tag: Schema.Literal("Set"), which: between(0, 19), due: between(0, 30) }),
  Schema.Struct({ _tag: Schema.Literal("Remove"), which: between(0, 19) }),
  Schema.Struct({ _tag: Schema.Literal("First") })
])

describe("core/data/Deadlines", () => {
  it.prop(
    "the first entry has the earliest deadline after any sequence of operations",
    [Schema.Array(Step).check(Schema.isMaxLength(80))],
    ([steps]) => {
      const queue = Deadlines.make<Deadlines.Deadline>()
      const entries = Array.from({ length: 20 }, () => ({ due: 0, heapIndex: -1 }))
      const expected = new Map<Deadlines.Deadline, number>()
      const takeFirst = () => {
        const first = queue.first()
        assert.strictEqual(first === undefined, expected.size === 0)
        if (first === undefined) return
        assert.strictEqual(expected.get(first), Math.min(...expected.values()))
        queue.remove(first)
        expected.delete(first)
      }
      for (const step of steps) {
        if (step._tag === "First") takeFirst()
        else if (step._tag === "Set") {
          queue.set(entries[step.which]!, step.due)
          expected.set(entries[step.which]!, step.due)
        } else {
          queue.remove(entries[step.which]!)
          expected.delete(entries[step.which]!)
        }
        assert.strictEqual(queue.size(), expected.size)
        for (const entry of entries) assert.strictEqual(entry.heapIndex >= 0, expected.has(entry))
      }
      while (expected.size > 0) takeFirst()
      assert.strictEqual(queue.size(), 0)
    }
  )
})
