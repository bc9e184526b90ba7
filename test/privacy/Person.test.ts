import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as Person from "../../src/privacy/Person.ts"

const address = "ann.o'hara+news@example.com"

/** For each letter of the address, whether it is in upper case. */
const UpperFlags = Schema.Array(Schema.Boolean).pipe(
  Schema.check(Schema.isMinLength(address.length), Schema.isMaxLength(address.length))
)
const spelled = (upper: ReadonlyArray<boolean>, text: string = address): string =>
  [...text].map((letter, index) => (upper[index] === true ? letter.toUpperCase() : letter)).join("")

const Space = Schema.Literals(["", " ", "\n", "\t "])

const submission = (email: string | null, form: unknown) => ({ email, formData: JSON.stringify(form) })

const messageOf = (text: string, role: "user" | "assistant" = "user") => ({
  id: "m",
  role,
  parts: [{ type: "text" as const, text }],
  created_at: "1970-01-01T00:00:00.000Z",
  ...(role === "assistant" && { ending: null, rating: null, comment: null })
})

describe("privacy/Person", () => {
  it("finds an encoded address, and no longer one", () => {
    const encoded = encodeURIComponent(address)
    for (const text of [
      `/thanks?email=${encoded}`,
      `/thanks?email=${encoded.toLowerCase()}&a=100%`,
      `/?next=${encodeURIComponent(`/thanks?email=${encoded}`)}`,
      [...address].map((letter) => `%${letter.charCodeAt(0).toString(16)}`).join(""),
      address.replace("@", "&#64;"),
      address.replace("@", "&#x40;"),
      `%ff ${encoded}`
    ]) {
      assert.isTrue(Person.isMentioned(text, address), text)
      assert.isTrue(Person.hasSubmitted(submission(null, { page: text }), address), text)
      assert.isTrue(Person.isInConversation({ messages: [messageOf(text)] }, address), text)
    }
    for (const text of [`jo%61${encoded}`, `${encoded}%2eorg`, "100% &#999999999; %40", "%"]) {
      assert.isFalse(Person.isMentioned(text, address), text)
    }
  })

  it.prop(
    "parses an address in upper or lower case, and with white space around it",
    [UpperFlags, Space, Space],
    ([upper, before, after]) => {
      assert.deepStrictEqual(Person.parse(before + spelled(upper) + after), Option.some(address))
    }
  )

  it("parses no other text", () => {
    for (const text of [
      "",
      "ann",
      "@example.com",
      "ann@",
      "a b@example.com",
      "a@b@c",
      'a"b@c',
      "a\\b@c",
      "a\0@b",
      "\ud800@b"
    ]) {
      assert.deepStrictEqual(Person.parse(text), Option.none(), text)
    }
    assert.deepStrictEqual(Person.parse(`${"a".repeat(320)}@b`), Option.none())
  })

  it.prop(
    "finds an address in the email and in a name or value at any depth, and not as a part of a longer address",
    [UpperFlags, Space, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 5 })), Schema.Boolean],
    ([upper, space, depth, isList]) => {
      const value = space + spelled(upper) + space
      const nested = (inner: unknown) =>
        Array.from({ length: depth }).reduce<unknown>((form) => (isList ? [1, form] : { a: null, b: form }), inner)
      assert.isTrue(Person.hasSubmitted(submission(value, {}), address))
      assert.isTrue(Person.hasSubmitted(submission(null, { form: nested(value) }), address))
      assert.isTrue(Person.hasSubmitted(submission(null, { form: nested(`Ann <${spelled(upper)}>`) }), address))
      assert.isTrue(Person.hasSubmitted(submission(`Ann <${spelled(upper)}>`, {}), address))
      assert.isTrue(Person.hasSubmitted(submission(null, nested({ [value]: true })), address))
      const longer = `x${spelled(upper)}`
      assert.isFalse(Person.hasSubmitted(submission(longer, { [longer]: nested(`write to ${longer}`) }), address))
    }
  )

  it("reads all values of a repeated member, at any depth", () => {
    const mail = `"mail":"${address}"`
    for (const formData of [
      `{${mail},"mail":"x"}`,
      `{"mail":"x",${mail}}`,
      `{"a":[{"\\u006dail":1,${mail},"mail":2}]}`
    ]) {
      assert.isTrue(Person.hasSubmitted({ email: null, formData }, address), formData)
    }
  })

  it("reads a form with more values than a call can have arguments", () => {
    const form = { many: Array.from({ length: 300_000 }, () => 0), last: address }
    assert.isTrue(Person.hasSubmitted(submission(null, form), address))
  })

  it.prop(
    "finds an address in a text, and not as a part of a longer address",
    [
      UpperFlags,
      Schema.Literals(["", "mail ", "<", "(", "...", "- ", "mailto:", "é? "]),
      Schema.Literals(["", " ok", ">", ")", ".", ". Thanks", "!", ",", "; x@y"]),
      Schema.Literals(["jo", "x.", "x-", "5", "é", "x_"]),
      Schema.Literals([".org", "x", "-shop.de", "2", "é"])
    ],
    ([upper, before, after, longerBefore, longerAfter]) => {
      const text = spelled(upper)
      assert.isTrue(Person.isMentioned(before + text + after, address))
      assert.isFalse(Person.isMentioned(before + longerBefore + text + after, address))
      assert.isFalse(Person.isMentioned(before + text + longerAfter, address))
      assert.isTrue(Person.isMentioned(`${longerBefore}${text} ${text}${after}`, address))
    }
  )

  it("finds an address in messages of both roles and in comments", () => {
    assert.isTrue(Person.isInConversation({ messages: [messageOf("hi"), messageOf(`I am ${address}.`)] }, address))
    assert.isTrue(Person.isInConversation({ messages: [messageOf("hi"), messageOf(address, "assistant")] }, address))
    const answer = { ...messageOf("hi", "assistant"), comment: address }
    assert.isTrue(Person.isInConversation({ messages: [answer] }, address))
    assert.isFalse(Person.isInConversation({ messages: [messageOf("hi")] }, address))
  })

  it.prop(
    "if a text contains an address, the text with its ASCII letters in lower case contains the address's needle",
    [
      Schema.Array(
        Schema.Literals(["a", "Z", "é", "É", "ß", "Σ", "k", "\u212A", "i", "\u0130", "/", "\u{10400}", "1"])
      ).check(Schema.isMinLength(1)),
      Schema.Array(Schema.Boolean)
    ],
    ([local, upper]) => {
      const parsed = Option.getOrThrow(Person.parse(`${local.join("")}@MÜNCHEN.example`))
      const needle = Person.needleOf(parsed)
      assert.match(needle, /^[!-~]+$/)
      const text = spelled(upper, parsed)
      // Upper case followed by lower case changes some letters: ß becomes ss.
      if (Option.getOrNull(Person.parse(text)) !== parsed) return
      assert.include(
        text.replace(/[A-Z]/g, (letter) => letter.toLowerCase()),
        needle
      )
    }
  )
})
