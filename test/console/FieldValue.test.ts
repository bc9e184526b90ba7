import { assert, describe, it } from "@effect/vitest"
import * as FieldValue from "../../src/console/inbox/FieldValue.ts"

const of = (value: string) => FieldValue.of({ name: "field", type: "json", value })

describe("console/inbox/FieldValue", () => {
  it("an array of strings and numbers is joined, and other values are indented JSON", () => {
    assert.deepStrictEqual(of(`["red", "1.0", 12]`), { text: "red, 1.0, 12", isCode: false })
    assert.deepStrictEqual(of(`{"a": "12345678901234567890", "b": [true, -1.5]}`), {
      text: `{\n  "a": "12345678901234567890",\n  "b": [\n    true,\n    -1.5\n  ]\n}`,
      isCode: true
    })
  })

  it("every number keeps the digits that were sent", () => {
    for (const json of [`{"id":12345678901234567890}`, `[12345678901234567890, "red"]`, `[1.10]`, `{"a":1e400}`]) {
      assert.deepStrictEqual(of(json), { text: json, isCode: true })
    }
    assert.deepStrictEqual(of("1.10"), { text: "1.10", isCode: false })
  })
})
