import { assert, it } from "@effect/vitest"
import { LimitReached } from "../../../src/platform/Storage.ts"
import * as Maximums from "../../../src/sites/Maximums.ts"

it("platform/Storage: holds a maximum, and nothing else", () => {
  for (const maximum of Maximums.all) assert.deepStrictEqual(new LimitReached({ maximum }).maximum, maximum)
  for (const fault of [{ max: 1.5 }, { max: "50" }, { of: undefined }, { next: "sell" }]) {
    assert.throws(() => new LimitReached({ maximum: { ...Maximums.goals, ...fault } as Maximums.Maximum }))
  }
})
