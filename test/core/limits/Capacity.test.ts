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
