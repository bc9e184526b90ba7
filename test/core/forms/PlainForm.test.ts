import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as PlainForm from "../../../src/core/forms/PlainForm.ts"

const Text = Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed(), { title: "well-formed" }))
const Name = Schema.Union([
  Schema.Literals(["a", "b", "email", "__proto__", "constructor", "site_id", "hydracore_hp"]),
  Text
])
const Fields = Schema.Array(Schema.Tuple([Name, Text])).check(Schema.isMaxLength(12))
const site = "0f8fad5b-d9cb-469f-a165-70867728950e"

/** Texts in which little stands between the signs that part them. */
const Urlencoded = Schema.Array(
  Schema.Union([Schema.Literals(["&", "=", "?", "+", "%41", "%", "%ff", "a", "#"]), Schema.String])
).check(Schema.isMaxLength(30))

describe("core/forms/PlainForm", () => {
  it.prop("a form is read as the URL Standard says", [Urlencoded], ([parts]) => {
    const text = parts.join("")
    assert.deepStrictEqual(Option.getOrThrow(PlainForm.decode(text)), [...new URLSearchParams(`&${text}`)])
  })

  it("as many fields are read as may be, and not one more", () => {
    for (const piece of ["a", "a=b"]) {
      const most = Array.from({ length: PlainForm.maxFields }, () => piece).join("&")
      assert.strictEqual(Option.getOrThrow(PlainForm.decode(most)).length, PlainForm.maxFields)
      assert.isTrue(Option.isNone(PlainForm.decode(`${most}&`)))
    }
  })

  it.prop(
    "every field of the visitor's is in the data, once by itself and an array when it is repeated",
    [Fields],
    ([fields]) => {
      const { text } = PlainForm.toSubmission(fields, { site, page: undefined, next: undefined })
      const { form_data: data } = JSON.parse(text) as { form_data: object }
      const own = fields.filter(([name]) => !name.startsWith("hydracore_"))
      assert.deepStrictEqual(new Set(Object.keys(data)), new Set(own.map(([name]) => name)))
      for (const name of new Set(own.map(([field]) => field))) {
        const values = own.flatMap(([field, value]) => (field === name ? [value] : []))
        const kept: unknown = Object.getOwnPropertyDescriptor(data, name)?.value
        assert.deepStrictEqual(kept, values.length === 1 ? values[0] : values)
      }
    }
  )

  it.prop("the first email that is not empty is the submission's, and no empty one is", [Fields], ([fields]) => {
    const { text } = PlainForm.toSubmission(fields, { site, page: "", next: undefined })
    const submission = JSON.parse(text) as Record<string, unknown>
    const email = fields.find(([name, value]) => name === "email" && value !== "")
    assert.strictEqual(submission["email"], email?.[1])
    assert.strictEqual(submission["site_id"], site)
    assert.notProperty(submission, "page_slug")
  })

  it.prop(
    "the reserved fields stand apart, and a filled honeypot cannot be emptied again",
    [Text, Text],
    ([first, second]) => {
      const fields = [
        ["hydracore_hp", first],
        ["a", "b"],
        ["hydracore_hp", second]
      ] as const
      const { reserved } = PlainForm.toSubmission(fields, { site, page: undefined, next: undefined })
      assert.deepStrictEqual(reserved, { hydracore_hp: first === "" ? second : first })
    }
  )

  it.prop(
    "the address says the website before the fields do, and the fields where it does not",
    [Text, Text],
    ([page, next]) => {
      const query = new URLSearchParams({ page, next })
      const address = PlainForm.routingOf(`/v1/public/forms/submit?${query}&site=${site}`)
      assert.deepStrictEqual(address, { site, page, next })
      assert.strictEqual(PlainForm.completeRouting(address, [["hydracore_site", "other"]]).site, site)
      const none = PlainForm.routingOf("/v1/public/forms/submit")
      assert.deepStrictEqual(none, { site: undefined, page: undefined, next: undefined })
      for (const name of ["hydracore_site", "site_id"]) {
        assert.strictEqual(PlainForm.completeRouting(none, [[name, site]]).site, site)
      }
      assert.isUndefined(PlainForm.completeRouting(none, [["a", site]]).site)
    }
  )

  it("the field that names the website is no data of the visitor's", () => {
    const { text } = PlainForm.toSubmission(
      [
        ["site_id", site],
        ["a", "b"]
      ],
      { site, page: "p", next: undefined }
    )
    assert.deepStrictEqual(JSON.parse(text), { site_id: site, form_data: { a: "b" }, page_slug: "p" })
  })
})
