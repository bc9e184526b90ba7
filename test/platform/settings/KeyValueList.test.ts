import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as Setting from "../../../src/platform/settings/Setting.ts"

const Text = Schema.String.check(Schema.makeFilter((text) => text.isWellFormed()))

describe("platform/settings/Setting", () => {
  it.prop(
    "parses percent-encoded lists of any keys and values",
    [Schema.Record(Text.check(Schema.isNonEmpty()), Text)],
    ([record]) => {
      const text = Object.entries(record)
        .map((pair) => pair.map(encodeURIComponent).join("="))
        .join(", ")
      const read = Option.getOrThrow(Setting.parseKeyValues(text))
      assert.deepStrictEqual(Object.entries(read).sort(), Object.entries(record).sort())
    }
  )

  it("parses lists with white space, and rejects other texts", () => {
    for (const [text, expected] of [
      ["a=1", { a: "1" }],
      [" a = 1 ,b=x=y, ", { a: "1", b: "x=y" }],
      ["authorization=Bearer%20k", { authorization: "Bearer k" }],
      ["a=", { a: "" }],
      ["", {}]
    ] as const) {
      assert.deepStrictEqual(Setting.parseKeyValues(text), Option.some(expected))
    }
    for (const text of ["a", "=1", "a=%", "a=1,b"]) assert.deepStrictEqual(Setting.parseKeyValues(text), Option.none())
  })
})
