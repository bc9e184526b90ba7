import { assert, describe, it } from "@effect/vitest"
import { Option, Predicate, Result, Schema } from "effect"
import { EventPayload, PageViewPayload } from "../../../src/analytics/Api.ts"
import { SubmissionPayload } from "../../../src/forms/Api.ts"
import * as Fault from "../../../src/platform/contract/Fault.ts"
import * as Field from "../../../src/platform/contract/Field.ts"
import { WebsiteConfigId } from "../../../src/platform/Id.ts"

const reader = <A>(schema: Schema.Codec<A, unknown>) => {
  const decode = Schema.decodeUnknownResult(schema, Fault.options)
  return (body: unknown) => Result.mapError(decode(body), ({ issue }) => Fault.fromIssue(issue, ["body"]))
}

const readPageView = reader(PageViewPayload)
const readEvent = reader(EventPayload)
const readSubmission = reader(SubmissionPayload)

const errorsOf = <A>(read: Result.Result<A, ReadonlyArray<{ loc: ReadonlyArray<string | number>; type: string }>>) =>
  Result.isSuccess(read) ? [] : read.failure.map(({ loc, type }) => `${type} ${loc.join(".")}`).sort()

const site_id = WebsiteConfigId.make("72771e6a-6f5e-4de4-a5b9-1266c4197811")

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

describe("platform/contract/Field", () => {
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

  it("an event's fields have the faults of the published contract", () => {
    const event = { site_id, name: "Signup", page_path: "/" }
    const faults = (members: object) => errorsOf(readEvent({ ...event, ...members }))
    assert.deepStrictEqual(faults({ name: "" }), ["string_too_short body.name"])
    assert.deepStrictEqual(faults({ name: "pageview" }), ["value_error body.name"])
    assert.deepStrictEqual(faults({ properties: [] }), ["dict_type body.properties"])
    assert.deepStrictEqual(
      faults({ properties: { "": 1, a: null, b: Number.POSITIVE_INFINITY, c: "x".repeat(2001) } }),
      [
        "finite_number body.properties.b",
        "string_too_long body.properties.c",
        "string_too_short body.properties..[key]",
        "value_error body.properties.a"
      ]
    )
    assert.deepStrictEqual(faults({ properties: { "": 1, ["x".repeat(301)]: 1, ok: true } }), [
      "string_too_long body.properties.".concat("x".repeat(301), ".[key]"),
      "string_too_short body.properties..[key]"
    ])
    const many = Object.fromEntries(Array.from({ length: 31 }, (_, index) => [`k${index}`, index]))
    assert.deepStrictEqual(faults({ properties: many }), ["too_long body.properties"])
    assert.deepStrictEqual(faults({ revenue: 1 }), ["dict_type body.revenue"])
    assert.deepStrictEqual(faults({ revenue: { currency: "EURO" } }), [
      "missing body.revenue.amount",
      "value_error body.revenue.currency"
    ])
    assert.deepStrictEqual(faults({ revenue: { currency: 1, amount: 1e12 } }), [
      "value_error body.revenue.amount",
      "value_error body.revenue.currency"
    ])
    assert.deepStrictEqual(faults({ interactive: 1 }), ["bool_type body.interactive"])
    assert.deepStrictEqual(faults({ revenue: { currency: "eur", amount: -1.5 }, properties: { a: 1 } }), [])
  })

  it("__proto__ is a property like any other", () => {
    const properties: unknown = JSON.parse('{"__proto__":1}')
    const read = Result.getOrThrow(readEvent({ site_id, name: "x", page_path: "/", properties }))
    assert.deepStrictEqual(Object.entries(read.properties ?? {}), [["__proto__", 1]])
  })
})

describe("platform/contract/Field.readInteger", () => {
  const { readInteger } = Field
  const typeOf = (input: unknown) => [Option.getOrUndefined(Result.getFailure(readInteger(input)))].flat()[0]?.type

  it.prop("parses an integer as a number and in every accepted form", [Schema.Int], ([integer]) => {
    const sign = integer < 0 ? "-" : ""
    const magnitude = String(Math.abs(integer))
    const spellings = [
      String(integer),
      ` ${integer}\n`,
      `${integer}.0`,
      `${integer}.`,
      `${integer}.000`,
      `${sign}00${magnitude}`,
      ...(integer < 0 ? [] : [`+${integer}`]),
      ...(magnitude.length > 1 ? [`${sign}${magnitude[0]}_${magnitude.slice(1)}`] : [])
    ]
    for (const spelling of [integer, ...spellings]) {
      const parsed = readInteger(spelling)
      assert.isTrue(Result.isSuccess(parsed) && parsed.success === integer, String(spelling))
    }
  })

  it.prop("rejects fractions", [Schema.Int.check(Schema.isBetween({ minimum: -1e9, maximum: 1e9 }))], ([integer]) => {
    assert.strictEqual(typeOf(integer + 0.5), "int_from_float")
    assert.strictEqual(typeOf(`${integer}.5`), "int_parsing")
  })

  it.prop("an accepted text has the form of one integer", [Schema.String], ([text]) => {
    if (Result.isSuccess(readInteger(text))) assert.match(text.trim(), /^[+-]?[0-9]+(?:_[0-9]+)*(?:\.0*)?$/)
  })

  it("rejects numbers beyond 64 bits, and more than 4300 digits, as Python does", () => {
    assert.strictEqual(typeOf(1e20), "int_parsing_size")
    assert.strictEqual(typeOf(2 ** 63), "int_parsing_size")
    assert.strictEqual(typeOf(Number.POSITIVE_INFINITY), "finite_number")
    assert.isTrue(Result.isSuccess(readInteger("1".repeat(4300))))
    assert.strictEqual(typeOf("1".repeat(4301)), "int_parsing_size")
  })

  it("reads booleans as 0 and 1, and rejects other types", () => {
    assert.deepStrictEqual(readInteger(true), Result.succeed(1))
    assert.deepStrictEqual(readInteger(false), Result.succeed(0))
    for (const other of [null, undefined, [], {}, [1]]) assert.strictEqual(typeOf(other), "int_type")
  })

  it("rejects texts that are not decimal integers", () => {
    for (const text of ["", " ", "+", "-", "_1", "1_", "1__0", "0x10", "1e3", "١"]) {
      assert.strictEqual(typeOf(text), "int_parsing", text)
    }
  })
})
