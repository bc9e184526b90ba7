import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Capacity from "../../src/core/Capacity.ts"

const Moves = Schema.Array(
  Schema.Struct({
    who: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 })),
    amount: Schema.NullOr(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 150 })))
  })
).check(Schema.isMaxLength(60))

describe("core/Capacity", () => {
  it.prop(
    "together no more is held than may be, but by one alone; what is given back can be had again",
    [Moves],
    ([moves]) => {
      const capacity = 100
      const enter = Capacity.make(capacity)
      const places = Array.from({ length: 5 }, () => ({ place: enter(), own: 0 }))
      for (const { amount, who } of moves) {
        const one = places[who]!
        if (amount === null) {
          one.place.leave()
          one.place.leave()
          one.own = 0
          continue
        }
        const others = places.reduce((sum, { own }) => sum + own, -one.own)
        const fits = others === 0 || amount <= one.own || others + amount <= capacity
        assert.strictEqual(one.place.hold(amount), fits)
        if (fits) one.own = amount
      }
      for (const { place } of places) place.leave()
      const [first, second] = [enter(), enter()]
      assert.isTrue(first.hold(1) && second.hold(capacity - 1))
      assert.isFalse(second.hold(capacity))
    }
  )
})
