import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Json from "../../../src/platform/text/Json.ts"

/** Flat objects of plain values, as most forms send them. */
const Fields = Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite, Schema.Boolean, Schema.Null]))

describe("platform/text/Json: members", () => {
  it.prop(
    "returns the text of a member, and the last text of a repeated member",
    [Schema.Json, Schema.Json, Schema.String, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 }))],
    ([value, other, key, indent]) => {
      const name = JSON.stringify(key)
      const pretty = (json: typeof value) => JSON.stringify(json, null, indent)
      const text = `{ "before" : ${pretty(other)}, ${name}: ${pretty(other)} , ${name}\n:${pretty(value)}, "zz after": {${name}: 1}}`
      const expected = key === "zz after" ? `{${name}:1}` : JSON.stringify(value)
      assert.strictEqual(Json.memberText(text, key)?.text, expected)
    }
  )

  it.prop(
    "a member's text is the same with and without the parsed value",
    [Fields, Schema.Json, Fields, Schema.Literals([0, 1]), Schema.Literals(["form_data", "__proto__", "0", 'a"b'])],
    ([fields, nested, others, indent, member]) => {
      const key = JSON.stringify(member)
      for (const value of [JSON.stringify(fields), JSON.stringify(nested)]) {
        const before = JSON.stringify(others).slice(1, -1)
        for (const text of [
          `{${before === "" ? "" : `${before},`}${key}:${value}}`,
          `{${key}:${value},${key}:${value}}`,
          ...["1e400", "-0", "1.0", '"\\u0061"', '"\\ud800"', "9007199254740993", '0,"a":1'].map(
            (token) => `{${key}:{"a":${token}}}`
          ),
          JSON.stringify({ other: nested, [member]: fields }),
          JSON.stringify({ [member]: fields, ...others }, null, indent)
        ]) {
          assert.deepStrictEqual(Json.memberText(text, member, JSON.parse(text)), Json.memberText(text, member), text)
        }
      }
    }
  )

  it.prop("does not find an absent member", [Schema.Json], ([value]) => {
    assert.isUndefined(Json.memberText(JSON.stringify({ other: value, deep: { wanted: 1 } }), "wanted"))
  })

  it("finds a member's name with any escapes, and no similar name", () => {
    for (const key of [String.raw`"\u0066orm_data"`, '"form_data"', String.raw`"form\u005fdata"`]) {
      const text = `{"form_dat":0,${key}:{"a":1},"form_data_":2,"\\"form_data":3}`
      assert.strictEqual(Json.memberText(text, "form_data")?.text, '{"a":1}')
      assert.deepStrictEqual(
        Json.members(text).map(({ name }) => name),
        ["form_dat", "form_data", "form_data_", '"form_data']
      )
    }
  })

  it("preserves what JSON.parse does not", () => {
    const formData = String.raw`{"a":1e400,"b":12345678901234567890.10,"__proto__":{"x":"\u0000"},"c":"\ud800","a":-0.0}`
    assert.strictEqual(Json.memberText(`{"form_data": ${formData}}`, "form_data")?.text, formData)
  })

  it("deep nesting does not exhaust the stack", () => {
    const depth = 100_000
    const text = `{"form_data":${"[".repeat(depth)}12345678901234567890${"]".repeat(depth)}}`
    assert.strictEqual(Json.memberText(text, "form_data")?.depth, depth)
  })
})
