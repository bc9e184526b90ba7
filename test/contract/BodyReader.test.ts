import { assert, describe, it } from "@effect/vitest"
import { Predicate, Result, Schema } from "effect"
import { EventPayload, PageViewPayload } from "../../src/analytics/Api.ts"
import * as BodyReader from "../../src/contract/BodyReader.ts"
import { ChatPayload } from "../../src/contract/chat/Widget.ts"
import { SubmissionPayload } from "../../src/forms/Api.ts"

const readPageView = BodyReader.make(PageViewPayload)
const readSubmission = BodyReader.make(SubmissionPayload)

const errorsOf = <A>(read: Result.Result<A, ReadonlyArray<{ loc: ReadonlyArray<string | number>; type: string }>>) =>
  Result.isSuccess(read) ? [] : read.failure.map(({ loc, type }) => `${type} ${loc.join(".")}`).sort()

const site_id = "72771e6a-6f5e-4de4-a5b9-1266c4197811"

/** A value for a text field, and its error. */
const textCases = [
  [undefined, null],
  [null, null],
  ["x", null],
  [1, "string_type"],
  [true, "string_type"],
  [{}, "string_type"],
  ["\ud800", "string_unicode"]
] as const

const caseIndex = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: textCases.length - 1 }))

/** A valid or invalid value of a member. */
const Value = Schema.Union([
  Schema.Json,
  Schema.String,
  Schema.Number,
  Schema.BigInt,
  Schema.Literals([site_id, `{${site_id}}`, "12", " 1_0.0 ", "x".repeat(2049), "\ud800", "a\0b", true])
])

/** A body with some of the members of a payload, and an unknown one. */
const bodyOf = (fields: Record<string, unknown>) => {
  const value = Schema.optionalKey(Value)
  const members = Object.keys({ ...fields, other: 0 }).map((name) => [name, value] as const)
  return Schema.Struct(Object.fromEntries(members))
}

describe("contract/BodyReader", () => {
  for (const schema of [PageViewPayload, EventPayload, SubmissionPayload, ChatPayload] as const) {
    const read = BodyReader.make<unknown>(schema)
    const interpreted = BodyReader.interpreted<unknown>(schema)
    it.prop(
      `reads ${schema.ast.annotations?.["identifier"]} as its schema does, with the same errors in the same order`,
      [Schema.Union([bodyOf(schema.fields), Value])],
      ([body]) => assert.deepStrictEqual(read(body), interpreted(body)),
      { arbitrary: { runs: 2_000 } }
    )
  }

  it.prop(
    "lists every error once, with its location",
    [caseIndex, caseIndex, caseIndex],
    ([device, referrer, session]) => {
      const body: Record<string, unknown> = { site_id: 1, page_path: "/" }
      const expected = ["uuid_type body.site_id"]
      for (const [field, index] of [
        ["device_type", device],
        ["referrer", referrer],
        ["session_id", session]
      ] as const) {
        const [value, error] = textCases[index]!
        if (value !== undefined) body[field] = value
        if (error !== null) expected.push(`${error} body.${field}`)
      }
      assert.deepStrictEqual(errorsOf(readPageView(body)), expected.sort())
    }
  )

  it.prop(
    "the maximum length counts code points",
    [Schema.Int.check(Schema.isBetween({ minimum: 2040, maximum: 2060 }))],
    ([count]) => {
      for (const character of ["a", "é", "😀"]) {
        const read = readPageView({ site_id, page_path: character.repeat(count) })
        assert.deepStrictEqual(errorsOf(read), count > 2048 ? ["string_too_long body.page_path"] : [])
      }
    }
  )

  it.prop("a body that is not an object has one error", [Schema.Json], ([value]) => {
    if (Predicate.isObject(value)) return
    assert.deepStrictEqual(errorsOf(readPageView(value)), [
      value === null ? "missing body" : "model_attributes_type body"
    ])
  })

  it.prop("returns valid members unchanged, and no unknown members", [Schema.String, Schema.Json], ([text, value]) => {
    const email = text.toWellFormed().replaceAll("\0", "")
    const read = readSubmission({ site_id, form_data: { value }, email, page_slug: null, other: 1 })
    assert.deepStrictEqual(Result.getOrThrow(read), { site_id, form_data: { value }, email, page_slug: null })
  })

  it("__proto__ counts towards the maximum number of properties of form_data", () => {
    const formData = JSON.parse(
      `{${Array.from({ length: 50 }, (_, index) => `"k${index}":0`).join(",")},"__proto__":1}`
    )
    assert.deepStrictEqual(errorsOf(readSubmission({ site_id, form_data: formData })), ["too_long body.form_data"])
  })

  it("refuses a NUL in a submission's texts, which are stored unchanged, and accepts one in a page path", () => {
    assert.deepStrictEqual(errorsOf(readSubmission({ site_id, form_data: {}, email: "a\0b" })), [
      "value_error body.email"
    ])
    assert.deepStrictEqual(errorsOf(readPageView({ site_id, page_path: "/a\0b" })), [])
  })
})
