import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { memoize } from "../../../src/platform/text/Memo.ts"

describe("platform/text/Memo", () => {
  it.prop("returns the results of the function", [Schema.Array(Schema.String)], ([texts]) => {
    const length = memoize((text) => text.length, 4)
    for (const text of [...texts, ...texts]) assert.strictEqual(length(text), text.length)
  })

  it("a result that is used often is computed once, however many others are used once", () => {
    let computed = 0
    const memo = memoize((text) => {
      if (text === "often") computed++
      return text
    }, 10)
    for (let index = 0; index < 1000; index++) {
      memo("often")
      memo(`once ${index}`)
    }
    assert.strictEqual(computed, 1)
  })

  it("evicts results beyond its capacity", () => {
    let computed = 0
    const memo = memoize((text) => {
      computed++
      return text
    }, 10)
    for (let index = 0; index < 100; index++) memo(String(index))
    memo("0")
    assert.strictEqual(computed, 101)
  })
})
