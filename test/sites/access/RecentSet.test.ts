import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as CallerLimits from "../../../src/sites/access/CallerLimits.ts"

const texts = ["a", "b", "c", "d", "e"] as const
const Step = Schema.Struct({ action: Schema.Literals(["add", "delete"]), text: Schema.Literals(texts) })

describe("sites/access/CallerLimits: makeRecentSet", () => {
  it.prop(
    "holds the texts that were added last and not deleted, up to the capacity",
    [Schema.Array(Step)],
    ([steps]) => {
      const capacity = 3
      const set = CallerLimits.makeRecentSet(capacity)
      let expected: ReadonlyArray<string> = []
      for (const { action, text } of steps) {
        const others = expected.filter((other) => other !== text)
        expected = action === "add" ? [...others, text].slice(-capacity) : others
        if (action === "add") set.add(text)
        else set.delete(text)
        assert.deepStrictEqual(
          texts.filter((each) => set.has(each)),
          texts.filter((each) => expected.includes(each))
        )
      }
    }
  )
})
