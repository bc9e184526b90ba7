import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Capacity from "../../../src/core/limits/Capacity.ts"

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

describe("core/limits/Capacity", () => {
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

  it.prop("an owner displaces owners that hold more than twice as much, and no others", [Moves], ([moves]) => {
    const limits = Capacity.make(capacity, share)
    const names = ["one", "one", "two", "two", "three", "three", undefined]
    const entries = names.map((owner, index) => {
      const entry = { owner: owner ?? index, held: 0, displaced: 0 }
      const allocation = limits.allocate(owner, () => {
        entry.displaced = entry.held
        entry.held = 0
      })
      return Object.assign(entry, { resize: allocation.resize, release: allocation.release })
    })
    const totalsByOwner = () => {
      const totals = new Map<string | number, number>()
      for (const { held, owner } of entries) totals.set(owner, (totals.get(owner) ?? 0) + held)
      return totals
    }
    for (const { amount, index } of moves) {
      const entry = entries[index]!
      if (amount === null) {
        entry.release()
        entry.held = 0
        continue
      }
      for (const other of entries) other.displaced = 0
      const before = totalsByOwner()
      const grows = amount > entry.held
      const ownTotal = (before.get(entry.owner) ?? 0) - entry.held + amount
      const outcome = entry.resize(amount)
      if (outcome === "held") entry.held = amount
      const displaced = entries.filter((other) => other.displaced > 0)
      if (outcome !== "held") assert.deepStrictEqual(displaced, [])
      if (outcome === "full") {
        // It would not fit even if each other owner held at most twice as much as this one.
        const reduced = [...before]
          .filter(([owner]) => owner !== entry.owner)
          .map(([, total]) => Math.min(total, 2 * ownTotal))
        assert.isAbove(
          reduced.reduce((sum, total) => sum + total, ownTotal),
          capacity
        )
      }
      for (const { owner } of displaced) {
        assert.isTrue(grows)
        assert.notStrictEqual(owner, entry.owner)
        assert.isAbove(before.get(owner) ?? 0, 2 * ownTotal)
      }
      const total = sum(entries)
      assert.strictEqual(limits.held(), total)
      if (grows && outcome === "held" && total > entry.held) assert.isAtMost(total, capacity)
    }
  })

  it("displaces the largest allocation of the owner that holds most, and of equal allocations the oldest", () => {
    const limits = Capacity.make(100, 40)
    const displaced: Array<string> = []
    const hold = (owner: string, name: string, amount: number) =>
      limits.allocate(owner, () => displaced.push(name)).resize(amount)
    for (const [owner, name, amount] of [
      ["slow", "small", 5],
      ["slow", "first", 15],
      ["slow", "second", 15],
      ["another", "a", 30],
      ["a third", "b", 30]
    ] as const) {
      assert.strictEqual(hold(owner, name, amount), "held")
    }
    assert.strictEqual(hold("new", "newcomer", 10), "held")
    assert.deepStrictEqual(displaced, ["first"])
    assert.strictEqual(limits.held(), 90)
    // An owner that would hold as much as the largest displaces nothing.
    assert.strictEqual(hold("also new", "large", 30), "full")
    assert.deepStrictEqual(displaced, ["first"])
  })

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
