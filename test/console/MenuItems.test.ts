import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as MenuItems from "../../src/console/frame/MenuItems.ts"

const Count = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 }))

describe("console/frame/MenuItems", () => {
  it.prop(
    "a menu has as many items as it may have, in order, and the current item is among them",
    [Count, Count, Count],
    ([count, at, max]) => {
      const items = Array.from({ length: count }, (_, index) => index)
      const current = at % count
      const shown = MenuItems.around(items, current, max)
      assert.lengthOf(shown, Math.min(count, max))
      assert.include(shown, current)
      assert.deepStrictEqual(shown, items.slice(shown[0], (shown[0] ?? 0) + shown.length))
    }
  )

  it("the current item is in the middle, except near the ends", () => {
    const items = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    assert.deepStrictEqual(MenuItems.around(items, 5, 4), [3, 4, 5, 6])
    assert.deepStrictEqual(MenuItems.around(items, 1, 4), [0, 1, 2, 3])
    assert.deepStrictEqual(MenuItems.around(items, 9, 4), [6, 7, 8, 9])
  })
})
