import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as PlainForms from "../../src/forms/PlainForms.ts"

const Text = Schema.String.check(Schema.makeFilter((text: string) => text.isWellFormed(), { title: "well-formed" }))
const Name = Schema.Union([
  Schema.Literals(["a", "b", "email", "__proto__", "constructor", "site_id", "hydracore_hp"]),
  Text
])
const Fields = Schema.Array(Schema.Tuple([Name, Text])).check(Schema.isMaxLength(12))
const site = "0f8fad5b-d9cb-469f-a165-70867728950e"

/** Texts with many delimiters. */
const Urlencoded = Schema.Array(
  Schema.Union([Schema.Literals(["&", "=", "?", "+", "%41", "%", "%ff", "a", "#"]), Schema.String])
).check(Schema.isMaxLength(30))

describe("forms/PlainForms", () => {
  it.prop("decodes forms by the URL Standard", [Urlencoded], ([parts]) => {
    const text = parts.join("")
    assert.deepStrictEqual(Option.getOrThrow(PlainForms.decode(text)), [...new URLSearchParams(`&${text}`)])
  })

  it("decodes up to the maximum number of fields", () => {
    for (const piece of ["a", "a=b"]) {
      const most = Array.from({ length: PlainForms.maxFields }, () => piece).join("&")
      assert.strictEqual(Option.getOrThrow(PlainForms.decode(most)).length, PlainForms.maxFields)
      assert.isTrue(Option.isNone(PlainForms.decode(`${most}&`)))
    }
  })

  it.prop(
    "every field of the visitor is in the data, and the values of a repeated name are an array",
    [Fields],
    ([fields]) => {
      const { text } = PlainForms.toSubmission(fields, { site, page: undefined, next: undefined })
      const { form_data: data } = JSON.parse(text) as { form_data: object }
      const visible = fields.filter(([name]) => !name.startsWith("hydracore_"))
      assert.deepStrictEqual(new Set(Object.keys(data)), new Set(visible.map(([name]) => name)))
      for (const name of new Set(visible.map(([field]) => field))) {
        const values = visible.flatMap(([field, value]) => (field === name ? [value] : []))
        const stored: unknown = Object.getOwnPropertyDescriptor(data, name)?.value
        assert.deepStrictEqual(stored, values.length === 1 ? values[0] : values)
      }
    }
  )

  it.prop("the submission's email is the first that is not empty", [Fields], ([fields]) => {
    const { text } = PlainForms.toSubmission(fields, { site, page: "", next: undefined })
    const submission = JSON.parse(text) as Record<string, unknown>
    const email = fields.find(([name, value]) => name === "email" && value !== "")
    assert.strictEqual(submission["email"], email?.[1])
    assert.strictEqual(submission["site_id"], site)
    assert.notProperty(submission, "page_slug")
  })

  it.prop(
    "reserved fields are separate, and a later empty honeypot does not replace a filled one",
    [Text, Text],
    ([first, second]) => {
      const fields = [
        ["hydracore_hp", first],
        ["a", "b"],
        ["hydracore_hp", second]
      ] as const
      const { reserved } = PlainForms.toSubmission(fields, { site, page: undefined, next: undefined })
      assert.deepStrictEqual(reserved, { hydracore_hp: first === "" ? second : first })
    }
  )

  it.prop("the URL's website takes precedence over the fields", [Text, Text], ([page, next]) => {
    const query = new URLSearchParams({ page, next })
    const routing = PlainForms.routingOf(`/v1/public/forms/submit?${query}&site=${site}`)
    assert.deepStrictEqual(routing, { site, page, next })
    assert.strictEqual(PlainForms.completeRouting(routing, [["hydracore_site", "other"]]).site, site)
    const none = PlainForms.routingOf("/v1/public/forms/submit")
    assert.deepStrictEqual(none, { site: undefined, page: undefined, next: undefined })
    for (const name of ["hydracore_site", "site_id"]) {
      assert.strictEqual(PlainForms.completeRouting(none, [[name, site]]).site, site)
    }
    assert.isUndefined(PlainForms.completeRouting(none, [["a", site]]).site)
  })

  it("the field that names the website is not part of the data", () => {
    const { text } = PlainForms.toSubmission(
      [
        ["site_id", site],
        ["a", "b"]
      ],
      { site, page: "p", next: undefined }
    )
    assert.deepStrictEqual(JSON.parse(text), { site_id: site, form_data: { a: "b" }, page_slug: "p" })
  })
})
