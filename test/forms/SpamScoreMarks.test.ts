import { randomUUID } from "node:crypto"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as SpamScore from "../../src/forms/SpamScore.ts"
import { WebsiteConfigId } from "../../src/platform/Id.ts"

const site = WebsiteConfigId.make(randomUUID())

const marksOf = (...all: ReadonlyArray<SpamScore.Traits>): SpamScore.Marks => ({
  addresses: new Set(all.flatMap(({ email }) => email ?? [])),
  textDigests: new Set(all.flatMap(({ textDigest }) => textDigest ?? []))
})

const Words = Schema.Array(Schema.Literals(["Buy", "cheap", "Ünder", "😀", "SEO", "\u0000"])).check(
  Schema.isMaxLength(12)
)

const form = (more: Readonly<Record<string, string>>) => JSON.stringify(more)

describe("forms/SpamScore: marks", () => {
  it.prop(
    "a marked submission is recognised by its address in any case, or by its text with other white space and case",
    [Words, Words],
    ([message, other]) => {
      const marked = SpamScore.traitsOf(site, {
        email: " Ann@Example.com ",
        formData: form({ name: "Ann", message: message.join(" ") })
      })
      const marks = marksOf(marked)
      const isMarked = (email: string | null, formData: string, of = site) =>
        SpamScore.isMarked(marks, of, { email, formData })
      assert.isTrue(isMarked("ann@example.COM", form({ message: "Hello" })))
      const variant = form({ name: "Bob", message: ` ${message.join("\n\t").toUpperCase()}` })
      // Without a text that is long enough, nothing but the address is held.
      assert.strictEqual(isMarked("bob@example.com", variant), marked.textDigest !== null)
      assert.isFalse(isMarked("bob@example.com", variant, WebsiteConfigId.make(randomUUID())))
      const others = [message, other].map((words) => words.join(" ").toLowerCase().trim())
      if (others[0] !== others[1]) {
        assert.isFalse(isMarked(null, form({ message: other.join(" ") })))
      }
      assert.isTrue((marked.text ?? "").isWellFormed())
      assert.isAtMost(marked.text?.length ?? 0, 100)
      assert.notMatch(marked.text ?? "", /\p{Cc}/u)
    }
  )

  it("short messages and the choices of a form are not held, because many people send them", () => {
    const textOf = (fields: Readonly<Record<string, string>>) =>
      SpamScore.traitsOf(site, { email: null, formData: form(fields) }).textDigest
    assert.isNull(textOf({ message: "Please call me" }))
    assert.isNull(
      textOf({ message: "Hi", topic: "I would like a quote for the whole of your services, with installation" })
    )
    assert.isNull(textOf({ topic: "I would like a quote for your services" }))
    assert.isNotNull(textOf({ message: "We bring your website to the first page" }))
    assert.isNotNull(textOf({ offer: "x".repeat(80) }))
    assert.isFalse(SpamScore.isMarked(SpamScore.noMarks, site, { email: "ann@example.com", formData: "{}" }))
  })
})
