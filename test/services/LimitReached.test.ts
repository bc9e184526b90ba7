import { assert, it } from "@effect/vitest"
import * as Maximums from "../../src/core/sites/Maximums.ts"
import { LimitReached } from "../../src/services/LimitReached.ts"

it("services/LimitReached: holds a maximum, and nothing else", () => {
  for (const maximum of Maximums.all) assert.deepStrictEqual(new LimitReached({ maximum }).maximum, maximum)
  for (const fault of [{ max: 1.5 }, { max: "50" }, { of: undefined }, { next: "sell" }]) {
    assert.throws(() => new LimitReached({ maximum: { ...Maximums.goals, ...fault } as Maximums.Maximum }))
  }
})
