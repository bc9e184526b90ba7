import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as Json from "../../../src/platform/json/Json.ts"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

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

describe("platform/json/Json", () => {
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

  it.prop("parses what JSON.parse parses", [Schema.Json], ([value]) => {
    const text = JSON.stringify(value)
    for (const spelling of [text, `\uFEFF${text}`, ` \n\t${text}\r `]) {
      const read = Json.parse(bytes(spelling))
      assert.isTrue(Result.isSuccess(read))
      if (Result.isSuccess(read) && !/[0-9]{16}/.test(text)) {
        assert.deepStrictEqual(read.success.value, JSON.parse(text))
      }
    }
  })

  it("distinguishes an integer from a float beyond 64 bits", () => {
    const read = Json.parse(bytes('{"a":100000000000000000000,"b":1e20,"c":1.5,"d":9007199254740993}'))
    assert.deepStrictEqual(Result.getOrThrow(read).value, { a: 10n ** 20n, b: 1e20, c: 1.5, d: 9007199254740993n })
  })

  it("preserves large integers at any position", () => {
    const large = 9007199254740993n
    for (const [text, value] of [
      [`${large}`, large],
      [`[${large}]`, [large]],
      [`{"a":{"b":[${large}]}}`, { a: { b: [large] } }],
      [`{"a":-${large},"b":"9007199254740993"}`, { a: -large, b: "9007199254740993" }]
    ] as const) {
      assert.deepStrictEqual(Result.getOrThrow(Json.parse(bytes(text))).value, value)
    }
  })

  it("refuses bytes that are not UTF-8", () => {
    assert.isTrue(Result.isFailure(Json.parse(new Uint8Array([0x22, 0xff, 0x22]))))
    assert.isTrue(Result.isFailure(Json.parse(new Uint8Array([0x22, 0xed, 0xa0, 0x80, 0x22]))))
  })

  it.prop(
    "a long text may be nested up to the maximum depth, whatever its strings hold, and a short text to any depth",
    [
      Schema.Int.check(Schema.isBetween({ minimum: Json.maxDepth - 2, maximum: Json.maxDepth + 2 })),
      Schema.String,
      Schema.Literals(["[", "{"])
    ],
    ([depth, text, bracket]) => {
      const string = JSON.stringify(`${text}[{"\\`)
      const [open, close] = bracket === "[" ? ["[", "]"] : [`{${string}:`, "}"]
      const nested = `${open.repeat(depth)}${string}${close.repeat(depth)}`
      const isRead = (padding: number) => Result.isSuccess(Json.parse(bytes(nested + " ".repeat(padding))))
      assert.strictEqual(isRead(Json.cheapBytes), depth <= Json.maxDepth)
      if (bytes(nested).length <= Json.cheapBytes) assert.isTrue(isRead(0))
    }
  )

  it("deep nesting does not exhaust the stack", () => {
    assert.isTrue(Result.isSuccess(Json.parse(bytes(`${"[".repeat(8_000)}12345678901234567890${"]".repeat(8_000)}`))))
    const depth = 100_000
    assert.strictEqual(Json.faultOffset("[".repeat(depth)), depth)
  })
})
