import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as TurnBudget from "../../../src/core/limits/TurnBudget.ts"

const Items = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: TurnBudget.maxItems }))
const Cost = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 }))

describe("core/limits/TurnBudget", () => {
  it.prop(
    "a turn has between one and the maximum number of items, fewer after a long turn, and more after a short one",
    [Items, Cost],
    ([items, millis]) => {
      const next = TurnBudget.next(items, millis)
      assert.isAtLeast(next, 1)
      assert.isAtMost(next, TurnBudget.maxItems)
      if (millis > TurnBudget.target) assert.isTrue(next < items || next === 1)
      else assert.isTrue(next > items || next === TurnBudget.maxItems)
    }
  )

  it.prop(
    "after twenty turns with items of equal cost, no turn exceeds the target by more than one item",
    [Items, Cost],
    ([start, micros]) => {
      const cost = micros / 1_000
      let items = start
      for (let turn = 0; turn < 20; turn++) items = TurnBudget.next(items, items * cost)
      for (let turn = 0; turn < 200; turn++) {
        // 1e-9 allows for rounding errors.
        assert.isAtMost(items * cost, TurnBudget.target + cost + 1e-9)
        items = TurnBudget.next(items, items * cost)
      }
    }
  )
})
