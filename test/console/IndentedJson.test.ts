import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as IndentedJson from "../../src/console/setup/IndentedJson.ts"

describe("console/setup/IndentedJson", () => {
  it.prop("indented JSON has the same value, and only its white space differs", [Schema.Json], ([value]) => {
    const json = JSON.stringify(value)
    const indented = IndentedJson.of(json)
    assert.deepStrictEqual(JSON.parse(indented), JSON.parse(json))
    assert.strictEqual(JSON.stringify(JSON.parse(indented)), json)
  })

  it("each member has a line", () => {
    assert.strictEqual(IndentedJson.of(`{"a":[1],"b":"x"}`), `{\n  "a": [\n    1\n  ],\n  "b": "x"\n}`)
  })

  it("JSON whose numbers would change stays as it is", () => {
    for (const json of [`{"id":12345678901234567890}`, `[1.0]`, `{"a":1,"a":2}`]) {
      assert.strictEqual(IndentedJson.of(json), json)
    }
  })
})
