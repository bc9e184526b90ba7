import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { PageViewPayload } from "../../src/contract/Analytics.ts"
import { bodyReader, schemaReader } from "../../src/contract/Faults.ts"
import { SubmissionPayload } from "../../src/contract/Forms.ts"
import { ChatPayload } from "../../src/contract/Widget.ts"
import * as Wire from "../../src/contract/Wire.ts"

const readPageView = bodyReader(PageViewPayload)
const readSubmission = bodyReader(SubmissionPayload)

const faults = <A>(read: Result.Result<A, ReadonlyArray<{ loc: ReadonlyArray<string | number>; type: string }>>) =>
  Result.isSuccess(read) ? [] : read.failure.map(({ loc, type }) => `${type} ${loc.join(".")}`).sort()

const site_id = "72771e6a-6f5e-4de4-a5b9-1266c4197811"

/** A value for a text field, and the fault that it must give. */
const textCases = [
  [undefined, null],
  [null, null],
  ["x", null],
  [1, "string_type"],
  [true, "string_type"],
  [{}, "string_type"],
  ["\ud800", "string_unicode"]
] as const

const anyCase = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: textCases.length - 1 }))

/** A value of a member, right or wrong for any of them. */
const Given = Schema.Union([
  Schema.Json,
  Schema.String,
  Schema.Number,
  Schema.BigInt,
  Schema.Literals([site_id, `{${site_id}}`, "12", " 1_0.0 ", "x".repeat(2049), "\ud800", "a\0b", true])
])

/** A body with some of the members of a payload, and one of none. */
const bodyOf = (fields: Record<string, unknown>) => {
  const given = Schema.optionalKey(Given)
  const members = Object.keys({ ...fields, other: 0 }).map((name) => [name, given] as const)
  return Schema.Struct(Object.fromEntries(members))
}

describe("contract/Faults", () => {
  for (const schema of [PageViewPayload, SubmissionPayload, ChatPayload] as const) {
    const read = bodyReader<unknown>(schema)
    const interpreted = schemaReader<unknown>(schema)
    it.prop(
      `reads ${schema.ast.annotations?.["identifier"]} as its schema does, faults and their order too`,
      [Schema.Union([bodyOf(schema.fields), Given])],
      ([body]) => assert.deepStrictEqual(read(body), interpreted(body)),
      { arbitrary: { runs: 2_000 } }
    )
  }

  it.prop(
    "lists every fault, each once and at its place",
    [anyCase, anyCase, anyCase],
    ([device, referrer, session]) => {
      const body: Record<string, unknown> = { site_id: 1, page_path: "/" }
      const expected = ["uuid_type body.site_id"]
      for (const [field, index] of [
        ["device_type", device],
        ["referrer", referrer],
        ["session_id", session]
      ] as const) {
        const [value, fault] = textCases[index]!
        if (value !== undefined) body[field] = value
        if (fault !== null) expected.push(`${fault} body.${field}`)
      }
      assert.deepStrictEqual(faults(readPageView(body)), expected.sort())
    }
  )

  it.prop("counts code points", [Schema.Int.check(Schema.isBetween({ minimum: 2040, maximum: 2060 }))], ([count]) => {
    for (const character of ["a", "é", "😀"]) {
      const read = readPageView({ site_id, page_path: character.repeat(count) })
      assert.deepStrictEqual(faults(read), count > 2048 ? ["string_too_long body.page_path"] : [])
    }
  })

  it.prop("what is no object has one fault", [Schema.Json], ([value]) => {
    if (Wire.isJsonObject(value)) return
    assert.deepStrictEqual(faults(readPageView(value)), [
      value === null ? "missing body" : "model_attributes_type body"
    ])
  })

  it.prop(
    "gives back what it was given, under the names of the contract",
    [Schema.String, Schema.Json],
    ([text, value]) => {
      const email = text.toWellFormed().replaceAll("\0", "")
      const read = readSubmission({ site_id, form_data: { value }, email, page_slug: null, other: 1 })
      assert.deepStrictEqual(Result.getOrThrow(read), { site_id, form_data: { value }, email, page_slug: null })
    }
  )

  it("counts the properties of form_data, a __proto__ among them", () => {
    const formData = JSON.parse(
      `{${Array.from({ length: 50 }, (_, index) => `"k${index}":0`).join(",")},"__proto__":1}`
    )
    assert.deepStrictEqual(faults(readSubmission({ site_id, form_data: formData })), ["too_long body.form_data"])
  })

  it("refuses a NUL where it could not be stored", () => {
    assert.deepStrictEqual(faults(readSubmission({ site_id, form_data: {}, email: "a\0b" })), [
      "value_error body.email"
    ])
    assert.deepStrictEqual(faults(readPageView({ site_id, page_path: "/a\0b" })), [])
  })
})
