import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Capacity from "../../../src/core/limits/Capacity.ts"

const Moves = Schema.Array(
  Schema.Struct({
    who: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 })),
    amount: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })))
  })
).check(Schema.isMaxLength(60))

const [capacity, share] = [100, 40] as const

/** The owners of seven allocations. */
const owners = ["one", "one", "one", "two", "two", undefined, undefined]

const sum = (of: ReadonlyArray<{ readonly own: number }>) => of.reduce((total, { own }) => total + own, 0)

describe("core/limits/Capacity", () => {
  it.prop(
    "the capacity and the shares are exceeded by a single allocation only, and released amounts are available again",
    [Moves],
    ([moves]) => {
      const limits = Capacity.make(capacity, share)
      const allocations = owners.map((owner) => ({ owner, allocation: limits.allocate(owner), own: 0 }))
      for (const { amount, who } of moves) {
        const one = allocations[who]!
        if (amount === null) {
          one.allocation.release()
          one.allocation.release()
          one.own = 0
        } else {
          const others = allocations.filter((other) => other !== one)
          const owned = sum(others.filter(({ owner }) => owner === one.owner))
          const isOver = one.owner !== undefined && owned > 0 && owned + amount > share
          const isFull = sum(others) > 0 && sum(others) + amount > capacity
          const expected = amount <= one.own ? "held" : isOver ? "over-share" : isFull ? "full" : "held"
          assert.strictEqual(one.allocation.resize(amount), expected)
          if (expected === "held") one.own = amount
        }
        assert.strictEqual(limits.held(), sum(allocations))
        // Owners without an amount are dropped.
        const holding = allocations.flatMap(({ own, owner }) => (own > 0 && owner !== undefined ? [owner] : []))
        assert.strictEqual(limits.owners(), new Set(holding).size)
      }
      for (const { allocation } of allocations) allocation.release()
      assert.strictEqual(limits.held(), 0)
      assert.strictEqual(limits.owners(), 0)
    }
  )

  it.prop("an owner displaces owners that hold more than twice as much, and no others", [Moves], ([moves]) => {
    const limits = Capacity.make(capacity, share)
    const names = ["one", "one", "two", "two", "three", "three", undefined]
    const allocations = names.map((owner, index) => {
      const mine = { owner: owner ?? index, own: 0, displaced: 0, resize: (_: number): Capacity.Outcome => "held" }
      const allocation = limits.allocate(owner, () => {
        mine.displaced = mine.own
        mine.own = 0
      })
      return Object.assign(mine, { resize: allocation.resize, release: allocation.release })
    })
    const totals = () => {
      const of = new Map<string | number, number>()
      for (const { own, owner } of allocations) of.set(owner, (of.get(owner) ?? 0) + own)
      return of
    }
    for (const { amount, who } of moves) {
      const one = allocations[who]!
      if (amount === null) {
        one.release()
        one.own = 0
        continue
      }
      for (const each of allocations) each.displaced = 0
      const before = totals()
      const grows = amount > one.own
      const own = (before.get(one.owner) ?? 0) - one.own + amount
      const held = one.resize(amount)
      if (held === "held") one.own = amount
      const displaced = allocations.filter((each) => each.displaced > 0)
      if (held !== "held") assert.deepStrictEqual(displaced, [])
      if (held === "full") {
        // It does not fit even if all others held no more than twice as much.
        const least = [...before].filter(([owner]) => owner !== one.owner).map(([, total]) => Math.min(total, 2 * own))
        assert.isAbove(
          least.reduce((sum, total) => sum + total, own),
          capacity
        )
      }
      for (const { owner } of displaced) {
        assert.isTrue(grows)
        assert.notStrictEqual(owner, one.owner)
        assert.isAbove(before.get(owner) ?? 0, 2 * own)
      }
      const sumNow = sum(allocations)
      assert.strictEqual(limits.held(), sumNow)
      if (grows && held === "held" && sumNow > one.own) assert.isAtMost(sumNow, capacity)
    }
  })

  it("displaces the largest allocation of the owner that holds most, and of equal allocations the oldest", () => {
    const limits = Capacity.make(100, 40)
    const displaced: Array<string> = []
    const enter = (owner: string, name: string, amount: number) =>
      limits.allocate(owner, () => displaced.push(name)).resize(amount)
    for (const [owner, name, amount] of [
      ["slow", "small", 5],
      ["slow", "first", 15],
      ["slow", "second", 15],
      ["another", "a", 30],
      ["a third", "b", 30]
    ] as const) {
      assert.strictEqual(enter(owner, name, amount), "held")
    }
    assert.strictEqual(enter("new", "newcomer", 10), "held")
    assert.deepStrictEqual(displaced, ["first"])
    assert.strictEqual(limits.held(), 90)
    // An owner that would hold as much as the largest displaces nothing.
    assert.strictEqual(enter("also new", "large", 30), "full")
    assert.deepStrictEqual(displaced, ["first"])
  })

  it("one owner's share leaves capacity for others", () => {
    const limits = Capacity.make(capacity, share)
    const mine = Array.from({ length: 50 }, () => limits.allocate("mine").resize(10))
    assert.deepStrictEqual(new Set(mine.slice(0, 4)), new Set(["held"]))
    assert.deepStrictEqual(new Set(mine.slice(4)), new Set(["over-share"]))
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
