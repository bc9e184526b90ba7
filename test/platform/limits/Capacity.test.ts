import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Capacity from "../../../src/platform/limits/Capacity.ts"

/** Moves, each of which resizes one of seven allocations, or releases it if its amount is null. */
const Moves = Schema.Array(
  Schema.Struct({
    index: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 })),
    amount: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })))
  })
).check(Schema.isMaxLength(60))

const [capacity, share] = [100, 40] as const

/** The owners of seven allocations. */
const owners = ["one", "one", "one", "two", "two", undefined, undefined]

const sum = (entries: ReadonlyArray<{ readonly held: number }>) => entries.reduce((total, { held }) => total + held, 0)

describe("platform/limits/Capacity", () => {
  it.prop(
    "an allocation exceeds the capacity or the share only if no other holds an amount, and released amounts are available again",
    [Moves],
    ([moves]) => {
      const limits = Capacity.make(capacity, share)
      const entries = owners.map((owner) => ({ owner, allocation: limits.allocate(owner), held: 0 }))
      for (const { amount, index } of moves) {
        const entry = entries[index]!
        if (amount === null) {
          entry.allocation.release()
          // A second release has no effect.
          entry.allocation.release()
          entry.held = 0
        } else {
          const others = entries.filter((other) => other !== entry)
          const ofOwner = sum(others.filter(({ owner }) => owner === entry.owner))
          const isOver = entry.owner !== undefined && ofOwner > 0 && ofOwner + amount > share
          const isFull = sum(others) > 0 && sum(others) + amount > capacity
          const expected = amount <= entry.held ? "held" : isOver ? "over-share" : isFull ? "full" : "held"
          assert.strictEqual(entry.allocation.resize(amount), expected)
          if (expected === "held") entry.held = amount
        }
        assert.strictEqual(limits.held(), sum(entries))
        // Owners without an amount are dropped.
        const holders = entries.flatMap(({ held, owner }) => (held > 0 && owner !== undefined ? [owner] : []))
        assert.strictEqual(limits.owners(), new Set(holders).size)
      }
      for (const { allocation } of entries) allocation.release()
      assert.strictEqual(limits.held(), 0)
      assert.strictEqual(limits.owners(), 0)
    }
  )

  it("one owner's share leaves capacity for others", () => {
    const limits = Capacity.make(capacity, share)
    const outcomes = Array.from({ length: 50 }, () => limits.allocate("one").resize(10))
    assert.deepStrictEqual(new Set(outcomes.slice(0, 4)), new Set(["held"]))
    assert.deepStrictEqual(new Set(outcomes.slice(4)), new Set(["over-share"]))
    assert.strictEqual(limits.allocate("another").resize(60), "held")
    assert.strictEqual(limits.allocate("a third").resize(1), "full")
  })

  it("without a share one owner may use the whole capacity", () => {
    const limits = Capacity.make(capacity)
    assert.strictEqual(limits.allocate("one").resize(50), "held")
    assert.strictEqual(limits.allocate("one").resize(50), "held")
    assert.strictEqual(limits.allocate("one").resize(1), "full")
  })
})
