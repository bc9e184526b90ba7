import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { RE2JS } from "re2js"
import { vi } from "vitest"
import * as FormCheck from "../../src/forms/FormCheck.ts"
import * as FormRules from "../../src/forms/FormRules.ts"
import * as Submission from "../../src/forms/Submission.ts"

/** The types of the errors of one field with a value. */
const typesOf = (rules: FormRules.FieldRules, value: unknown): ReadonlyArray<string> =>
  FormCheck.check({ field: rules }, { form_data: { field: value } }).map(({ type }) => type)

const Blank = Schema.NullOr(Schema.Literals(["", " ", "\r\n", false]))
const Text = Schema.Union([Schema.String, Schema.Literals(["ada@example.org", "12", "-1.5", "a", "\u{1F600}"])])
const Value = Schema.Union([Text, Blank, Schema.Finite, Schema.Boolean, Schema.Array(Text), Schema.Json])

const Rules = Schema.Struct({
  required: Schema.optionalKey(Schema.Boolean),
  kind: Schema.Literals(["email", "number", "none"]),
  min: Schema.optionalKey(Schema.Literals([0, 1, 5])),
  max: Schema.optionalKey(Schema.Literals([5, 12])),
  pattern: Schema.optionalKey(Schema.Literals([".*", "[a-z]+", "\\d*"])),
  one_of: Schema.optionalKey(Schema.NonEmptyArray(Text)),
  message: Schema.optionalKey(Schema.Literal("Bitte prüfen."))
})

const toRules = ({ kind, ...rules }: typeof Rules.Type): FormRules.FieldRules =>
  kind === "none" ? rules : { ...rules, [kind]: true }

describe("forms/FormCheck", () => {
  it.prop(
    "any value passes without rules for its field, and any text with empty rules; an empty field passes unless required",
    [Rules, Value, Blank],
    ([shape, value, blank]) => {
      const rules = toRules(shape)
      assert.deepStrictEqual(FormCheck.check({}, { form_data: { field: value } }), [])
      assert.deepStrictEqual(
        typesOf({}, value).filter((type) => type !== "string_type"),
        []
      )
      for (const empty of [blank, undefined, [], [blank, blank]]) {
        assert.deepStrictEqual(typesOf(rules, empty), rules.required ? ["missing"] : [])
      }
    }
  )

  it.prop(
    "has at most one error per field, at the field, with the owner's message if there is one",
    [Rules, Value],
    ([shape, value]) => {
      const rules = toRules(shape)
      const errors = FormCheck.check({ field: rules }, { form_data: { other: "x", field: value } })
      assert.isAtMost(errors.length, 1)
      for (const { loc, msg } of errors) {
        assert.deepStrictEqual(loc, ["body", "form_data", "field"])
        if (rules.message === undefined) assert.match(msg, /^Please .+\.$/s)
        else assert.strictEqual(msg, rules.message)
      }
    }
  )

  it("a rule holds for every value of a repeated member", () => {
    for (const text of ['{"field":"<b>","field":"ada@example.org"}', '{"field":"ada@example.org","field":"<b>"}']) {
      const form_data = Submission.withAllValues(text, JSON.parse(text))
      const errors = FormCheck.check({ field: { email: true } }, { form_data })
      assert.deepStrictEqual(
        errors.map(({ type }) => type),
        ["value_error"]
      )
    }
  })

  it.prop("several values of a field pass if each passes", [Rules, Text, Text], ([shape, first, second]) => {
    const rules = { ...toRules(shape), required: false }
    const errors = [first, second].flatMap((value) => typesOf(rules, value))
    assert.deepStrictEqual(typesOf(rules, [first, second]), errors.slice(0, 1))
  })

  it.prop("the bounds of a text count code points, and a line break counts once", [Schema.String], ([text]) => {
    const value = `a${text}`
    const length = [...value.replaceAll("\r\n", "\n")].length
    assert.deepStrictEqual(typesOf({ min: length, max: length }, value), [])
    assert.deepStrictEqual(typesOf({ min: length + 1 }, value), ["string_too_short"])
    assert.deepStrictEqual(typesOf({ max: length - 1 }, value), ["string_too_long"])
  })

  it.prop("the bounds of a number apply to it as text and as a number in JSON", [Schema.Finite], ([number]) => {
    for (const value of [number, String(number)]) {
      assert.deepStrictEqual(typesOf({ number: true, min: number, max: number }, value), [])
      assert.deepStrictEqual(typesOf({ number: true, min: number + Math.abs(number) + 1 }, value), [
        "greater_than_equal"
      ])
      assert.deepStrictEqual(typesOf({ number: true, max: number - Math.abs(number) - 1 }, value), ["less_than_equal"])
    }
  })

  it.prop(
    "patterns are matched against a bounded number of a submission's characters, and a field beyond the bound is refused",
    [Schema.Array(Schema.Array(Schema.Literals([1, 100, 250, 499, 500, 501])))],
    ([fields]) => {
      const lengths = fields.flatMap((values) => [values, values, values])
      const names = lengths.map((_, index) => `f${index}`)
      const rules: FormRules.FormRules = Object.fromEntries(names.map((name) => [name, { pattern: "a*" }]))
      const texts = lengths.map((values) => values.map((length) => "a".repeat(length)))
      const matcher = vi.spyOn(RE2JS.prototype, "matcher")
      try {
        const errors = FormCheck.check(rules, {
          form_data: Object.fromEntries(names.map((name, index) => [name, texts[index]]))
        })
        const matched = matcher.mock.calls.map(([text]) => String(text).length)
        const sum = matched.reduce((total, length) => total + length, 0)
        assert.isAtMost(sum, FormCheck.maxMatched)
        const refused = new Set(errors.map(({ loc }) => loc.at(-1)))
        const passed = lengths.filter((_, index) => !refused.has(`f${index}`)).flat()
        assert.isAtMost(
          passed.reduce((total, length) => total + length, 0),
          sum
        )
        const isTooMuch = errors.some(({ type }) => type === "string_too_long")
        if (isTooMuch)
          assert.isAbove(
            lengths.flat().reduce((total, length) => total + length, 0),
            FormCheck.maxMatched
          )
        else assert.strictEqual(refused.size, lengths.filter((values) => values.includes(501)).length)
      } finally {
        matcher.mockRestore()
      }
    }
  )

  it("a field after 5,000 matched characters is refused, and its error says why", () => {
    const names = Array.from({ length: 11 }, (_, index) => `f${index}`)
    const rules: FormRules.FormRules = Object.fromEntries(names.map((name) => [name, { pattern: "a*" }]))
    const check = (last: string) =>
      FormCheck.check(rules, {
        form_data: Object.fromEntries(names.map((name) => [name, name === "f10" ? last : "a".repeat(500)]))
      })
    assert.deepStrictEqual(check(""), [])
    assert.deepStrictEqual(check("a"), [
      {
        loc: ["body", "form_data", "f10"],
        type: "string_too_long",
        msg: "Please write less: the fields with a requested format may have 5,000 characters in total."
      }
    ])
  })

  it("each rule refuses with the contract's type and a sentence for the visitor", () => {
    const cases: ReadonlyArray<readonly [FormRules.FieldRules, unknown, type: string, msg: string]> = [
      [{ required: true }, " ", "missing", "Please fill in this field."],
      [{ email: true }, "ada", "value_error", "Please enter an email address, such as ada@example.org."],
      [{ number: true }, "1,5", "float_parsing", "Please enter a number."],
      [{ number: true }, "1e999", "float_parsing", "Please enter a number."],
      [{ number: true, min: 1 }, "0", "greater_than_equal", "Please enter 1 or more."],
      [{ number: true, max: 12 }, 13, "less_than_equal", "Please enter 12 or less."],
      [{ min: 2 }, "x", "string_too_short", "Please enter at least 2 characters."],
      [{ max: 1 }, "xy", "string_too_long", "Please enter at most 1 character."],
      [{ pattern: "[0-9]{5}" }, "1234", "string_pattern_mismatch", "Please use the requested format."],
      [{ pattern: "a|ab" }, "abc", "string_pattern_mismatch", "Please use the requested format."],
      [{ one_of: ["A", "B"] }, "a", "literal_error", "Please choose one of: A, B."],
      [{ one_of: ["x".repeat(201)] }, "a", "literal_error", "Please choose one of the offered values."],
      [{ max: 9 }, { a: 1 }, "string_type", "Please enter a text."],
      [{ max: 9 }, [["a"]], "string_type", "Please enter a text."]
    ]
    for (const [rules, value, type, msg] of cases) {
      assert.deepStrictEqual(FormCheck.check({ field: rules }, { form_data: { field: value } }), [
        { loc: ["body", "form_data", "field"], type, msg }
      ])
    }
  })

  it("the submission's email is a value of the field email", () => {
    const rules: FormRules.FormRules = { email: { required: true, email: true } }
    assert.deepStrictEqual(FormCheck.check(rules, { form_data: {}, email: "ada@example.org" }), [])
    assert.deepStrictEqual(
      FormCheck.check(rules, { form_data: {}, email: "ada" }).map(({ loc }) => loc),
      [["body", "email"]]
    )
    assert.deepStrictEqual(
      FormCheck.check(rules, { form_data: { email: "ada" }, email: "ada" }).map(({ loc }) => loc),
      [["body", "form_data", "email"]]
    )
    assert.lengthOf(FormCheck.check(rules, { form_data: { email: "ada@example.org" }, email: "ada" }), 1)
    assert.deepStrictEqual(
      FormCheck.check(rules, { form_data: {}, email: null }).map(({ loc }) => loc),
      [["body", "form_data", "email"]]
    )
  })

  it("names of methods that every object inherits are ordinary fields", () => {
    const rules = Result.getOrThrow(FormRules.read({ toString: { required: true }, constructor: { max: 3 } }))
    assert.deepStrictEqual(
      FormCheck.check(rules, { form_data: {} }).map(({ loc }) => loc),
      [["body", "form_data", "toString"]]
    )
  })
})
