import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Json from "../../../src/platform/text/Json.ts"

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Texts that are nearly JSON: a JSON text with a part removed, doubled or replaced. */
const nearlyJson = Schema.Struct({
  value: Schema.Json,
  at: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 })),
  length: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 })),
  insert: Schema.Literals([
    "",
    ",",
    ":",
    '"',
    "\\",
    "[",
    "]",
    "{",
    "}",
    "0",
    "-",
    ".",
    "e",
    "+",
    "\\u12",
    "t",
    "\n",
    "\0",
    "é"
  ])
})

const mutate = ({ at, insert, length, value }: typeof nearlyJson.Type): string => {
  const text = JSON.stringify(value)
  const place = at % (text.length + 1)
  return text.slice(0, place) + insert + text.slice(place + length)
}

describe("platform/text/Json", () => {
  it.prop(
    "a text has a fault if and only if it is not JSON, and the offset is within the text",
    [nearlyJson],
    ([input]) => {
      const text = mutate(input)
      const offset = Json.faultOffset(text)
      assert.strictEqual(offset === undefined, isJson(text), JSON.stringify(text))
      if (offset !== undefined) {
        assert.isAtLeast(offset, 0)
        assert.isAtMost(offset, text.length)
      }
    }
  )

  it.prop(
    "the text before the fault is a prefix of some JSON text; with the character at the fault it is not",
    [nearlyJson],
    ([input]) => {
      const text = mutate(input)
      const offset = Json.faultOffset(text)
      if (offset === undefined) return
      // A prefix of JSON is JSON, or has its fault at its end.
      const faultOfPrefix = Json.faultOffset(text.slice(0, offset))
      assert.isTrue(faultOfPrefix === undefined || faultOfPrefix === offset, JSON.stringify({ text, offset }))
      if (offset < text.length) assert.strictEqual(Json.faultOffset(text.slice(0, offset + 1)), offset)
    }
  )

  it("deep nesting does not exhaust the stack", () => {
    const depth = 100_000
    assert.strictEqual(Json.faultOffset("[".repeat(depth)), depth)
  })
})
