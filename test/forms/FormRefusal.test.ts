import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as FormRefusal from "../../src/forms/FormRefusal.ts"

/** Marks the message of an error. The visitor sees it only if the error is in a field. */
const mark = "MACHINE"

/** Locations of errors that the owner of the form must correct, because the visitor cannot. */
const Place = Schema.Literals([
  "body",
  "body.site_id",
  "body.form_data",
  "body.page_slug",
  "header.idempotency-key",
  "path.email"
])
const Name = Schema.Union([Schema.Literal("email"), Schema.String, Schema.Int])
const Type = Schema.Literals(["value_error", "missing", "model_attributes_type", "uuid_parsing", "too_long"])
const Status = Schema.Literals([400, 403, 404, 413, 422, 429, 500, 503])
const Seconds = Schema.Union([Schema.Undefined, Schema.Int, Schema.Number])

const fault = (loc: ReadonlyArray<string | number>, type: string): FormRefusal.ValidationError => ({
  loc,
  type,
  msg: `Value error, ${mark}`
})

const faultOfForm = (place: string, type: string) => fault(place.split("."), type)

const faultOfField = (name: string | number, type: string) =>
  fault(name === "email" ? ["body", name] : ["body", "form_data", name], type)

const forVisitor = ({ corrections, text, title }: FormRefusal.Explanation) =>
  [title, text, ...corrections.map(({ field, text }) => `${field} ${text}`)].join("\n")

describe("forms/FormRefusal", () => {
  it.prop(
    "the visitor's text repeats nothing from a detail without errors in fields",
    [Status, Seconds],
    ([status, seconds]) => {
      for (const detail of [undefined, mark, [], [fault(["body"], "value_error")]]) {
        const shown = forVisitor(FormRefusal.explain({ status, retryAfterSeconds: seconds, detail }))
        assert.notInclude(shown, mark)
        assert.notMatch(shown, /NaN|Infinity|undefined|-[0-9]/)
      }
    }
  )

  it.prop(
    "errors of the form itself are shown to the owner, and hide all other errors",
    [Schema.Array(Place), Schema.Array(Name), Place, Type],
    ([others, names, first, type]) => {
      const detail = [
        ...names.map((name) => faultOfField(name, type)),
        ...[first, ...others].map((place) => faultOfForm(place, type))
      ]
      const explanation = FormRefusal.explain({ status: 422, retryAfterSeconds: undefined, detail })
      assert.notInclude(forVisitor(explanation), mark)
      assert.include(explanation.text, "tell the owner")
      assert.strictEqual(explanation.forOwner.length, Math.min(20, others.length + 1))
      for (const sentence of explanation.forOwner) assert.match(sentence, /MACHINE$|names no website/)
    }
  )

  it.prop("errors in the visitor's fields are corrections, named by the field", [Schema.Array(Name)], ([names]) => {
    if (names.length === 0) return
    const detail = names.map((name) => faultOfField(name, "value_error"))
    const { corrections, forOwner } = FormRefusal.explain({ status: 422, retryAfterSeconds: undefined, detail })
    assert.deepStrictEqual(
      corrections,
      names.slice(0, 20).map((name) => ({ field: `${name}`, text: mark }))
    )
    assert.deepStrictEqual(forOwner, [])
  })

  it("states the time to wait in seconds or minutes", () => {
    for (const [seconds, time] of [
      [undefined, "a minute"],
      [Number.NaN, "a minute"],
      [Infinity, "a minute"],
      [-1, "a minute"],
      [0, "a second"],
      [0.2, "a second"],
      [17, "17 seconds"],
      [60, "60 seconds"],
      [3600, "60 minutes"]
    ] as const) {
      for (const status of [429, 503]) {
        const { text } = FormRefusal.explain({ status, retryAfterSeconds: seconds, detail: undefined })
        assert.include(text, `Wait ${time}, then go back`)
      }
    }
  })

  it("a 500 and a 503 leave open whether the form was sent", () => {
    for (const status of [500, 503]) {
      const { text, title } = FormRefusal.explain({ status, retryAfterSeconds: 5, detail: mark })
      assert.strictEqual(title, "We do not know whether your message has arrived")
      assert.include(text, "If your message did arrive, sending it twice does no harm.")
    }
  })
})
