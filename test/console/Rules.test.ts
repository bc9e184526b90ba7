/**
 * The rules of forms, as rows that an owner edits in the console.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Rules from "../../src/console/setup/Rules.ts"

const Text = Schema.Literals(["a1", "b2", "[0-9]{5}"])
const Choice = Schema.Literals(["a1", " b2", "c3\nd4"])

const FieldRules = Schema.Struct({
  required: Schema.optionalKey(Schema.Literal(true)),
  email: Schema.optionalKey(Schema.Literal(true)),
  number: Schema.optionalKey(Schema.Literal(true)),
  min: Schema.optionalKey(Schema.Literals([0, 5])),
  max: Schema.optionalKey(Schema.Literals([10, 80])),
  pattern: Schema.optionalKey(Text),
  one_of: Schema.optionalKey(Schema.Array(Choice).check(Schema.isMinLength(1))),
  message: Schema.optionalKey(Text)
})

describe("console/setup/Rules", () => {
  it.prop(
    "rules that rows can show stay the same when they become rows and then rules again",
    [FieldRules],
    ([field]) => {
      const rows = Rules.toRows({ field })
      if (rows !== undefined) assert.deepStrictEqual(Rules.ofRows(rows), { field })
    }
  )

  it("a row shows one kind of rule, and bounds only for texts, email addresses and numbers", () => {
    for (const field of [{ max: 80 }, { email: true, max: 80 }, { number: true, min: 1 }, { pattern: "a" }]) {
      assert.lengthOf(Rules.toRows({ field }) ?? [], 1)
    }
    for (const field of [
      { one_of: ["a1"], pattern: "a" },
      { one_of: ["a1"], max: 80 },
      { pattern: "a", max: 80 },
      { one_of: ["a1", " b2"] },
      { one_of: ["a1\nb2"] }
    ]) {
      assert.strictEqual(Rules.toRows({ field }), undefined)
    }
    assert.strictEqual(Rules.toRows({ "field ": { max: 80 } }), undefined)
  })
})
