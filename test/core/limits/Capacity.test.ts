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

/** Two owners with places, and places that are nobody's. */
const owners = ["one", "one", "one", "two", "two", undefined, undefined]

const sum = (of: ReadonlyArray<{ readonly own: number }>) => of.reduce((total, { own }) => total + own, 0)

describe("core/limits/Capacity", () => {
  it.prop(
    "no more is held than may be, by all and by each owner, but by one alone; and what is given back can be had again",
    [Moves],
    ([moves]) => {
      const room = Capacity.make(capacity, share)
      const places = owners.map((owner) => ({ owner, place: room.enter(owner), own: 0 }))
      for (const { amount, who } of moves) {
        const one = places[who]!
        if (amount === null) {
          one.place.leave()
          one.place.leave()
          one.own = 0
        } else {
          const others = places.filter((other) => other !== one)
          const owned = sum(others.filter(({ owner }) => owner === one.owner))
          const isOver = one.owner !== undefined && owned > 0 && owned + amount > share
          const isFull = sum(others) > 0 && sum(others) + amount > capacity
          const expected = amount <= one.own ? "held" : isOver ? "over-share" : isFull ? "full" : "held"
          assert.strictEqual(one.place.hold(amount), expected)
          if (expected === "held") one.own = amount
        }
        assert.strictEqual(room.held(), sum(places))
        // No owner is remembered who holds nothing.
        const holding = places.flatMap(({ own, owner }) => (own > 0 && owner !== undefined ? [owner] : []))
        assert.strictEqual(room.owners(), new Set(holding).size)
      }
      for (const { place } of places) place.leave()
      assert.strictEqual(room.held(), 0)
      assert.strictEqual(room.owners(), 0)
    }
  )

  it.prop(
    "an owner that would hold less than half of another is let in, and only owners that hold twice as much are displaced",
    [Moves],
    ([moves]) => {
      const room = Capacity.make(capacity, share)
      const names = ["one", "one", "two", "two", "three", "three", undefined]
      const places = names.map((owner, index) => {
        const mine = { owner: owner ?? index, own: 0, displaced: 0, hold: (_: number): Capacity.Held => "held" }
        const place = room.enter(owner, () => {
          mine.displaced = mine.own
          mine.own = 0
        })
        return Object.assign(mine, { hold: place.hold, leave: place.leave })
      })
      const totals = () => {
        const of = new Map<string | number, number>()
        for (const { own, owner } of places) of.set(owner, (of.get(owner) ?? 0) + own)
        return of
      }
      for (const { amount, who } of moves) {
        const one = places[who]!
        if (amount === null) {
          one.leave()
          one.own = 0
          continue
        }
        for (const place of places) place.displaced = 0
        const before = totals()
        const grows = amount > one.own
        const own = (before.get(one.owner) ?? 0) - one.own + amount
        const held = one.hold(amount)
        if (held === "held") one.own = amount
        const displaced = places.filter((place) => place.displaced > 0)
        if (held !== "held") assert.deepStrictEqual(displaced, [])
        if (held === "full") {
          // Even if all others held no more than twice what this owner would, there were no room.
          const least = [...before]
            .filter(([owner]) => owner !== one.owner)
            .map(([, total]) => Math.min(total, 2 * own))
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
        const sumNow = sum(places)
        assert.strictEqual(room.held(), sumNow)
        if (grows && held === "held" && sumNow > one.own) assert.isAtMost(sumNow, capacity)
      }
    }
  )

  it("a small body displaces the largest of the owner that holds most, and the oldest of these", () => {
    const room = Capacity.make(100, 40)
    const displaced: Array<string> = []
    const enter = (owner: string, name: string, amount: number) =>
      room.enter(owner, () => displaced.push(name)).hold(amount)
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
    assert.strictEqual(room.held(), 90)
    // One that would hold as much as the largest finds no room.
    assert.strictEqual(enter("also new", "large", 30), "full")
    assert.deepStrictEqual(displaced, ["first"])
  })

  it("one owner's share leaves room for the others", () => {
    const room = Capacity.make(capacity, share)
    const mine = Array.from({ length: 50 }, () => room.enter("mine").hold(10))
    assert.deepStrictEqual(new Set(mine.slice(0, 4)), new Set(["held"]))
    assert.deepStrictEqual(new Set(mine.slice(4)), new Set(["over-share"]))
    assert.strictEqual(room.enter("another").hold(60), "held")
    assert.strictEqual(room.enter("a third").hold(1), "full")
  })

  it("without a share an owner may have all", () => {
    const room = Capacity.make(capacity)
    assert.strictEqual(room.enter("one").hold(50), "held")
    assert.strictEqual(room.enter("one").hold(50), "held")
    assert.strictEqual(room.enter("one").hold(1), "full")
  })
})
