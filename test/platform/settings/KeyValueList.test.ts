import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as KeyValueList from "../../../src/platform/settings/KeyValueList.ts"

const Text = Schema.String.check(Schema.makeFilter((text) => text.isWellFormed()))

describe("platform/settings/KeyValueList", () => {
  it.prop(
    "parses percent-encoded lists of any keys and values",
    [Schema.Record(Text.check(Schema.isNonEmpty()), Text)],
    ([record]) => {
      const text = Object.entries(record)
        .map((pair) => pair.map(encodeURIComponent).join("="))
        .join(", ")
      const read = Option.getOrThrow(KeyValueList.parse(text))
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
      assert.deepStrictEqual(KeyValueList.parse(text), Option.some(expected))
    }
    for (const text of ["a", "=1", "a=%", "a=1,b"]) assert.deepStrictEqual(KeyValueList.parse(text), Option.none())
  })
})
