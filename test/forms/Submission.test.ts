import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Submission from "../../src/forms/Submission.ts"
import { ConversationId, InstanceId, WebsiteConfigId } from "../../src/platform/Id.ts"
import * as Json from "../../src/platform/text/Json.ts"
import { id } from "../support/Ids.ts"

const content = Schema.Struct({
  websiteConfigId: WebsiteConfigId,
  email: Schema.NullOr(Schema.String),
  pageSlug: Schema.NullOr(Schema.String),
  formData: Schema.String
})

const Name = Schema.Union([
  Schema.Literals(["hydracore_hp", "hydracore_ms", "hydracore_", "hydracore_x", "hydracore", "__proto__", "a", ""]),
  Schema.String
])
const Value = Schema.Literals([
  '"a"',
  '""',
  "1e400",
  "-0.0",
  '{"hydracore_hp":"b","c":[]}',
  "[[1],{}]",
  "null",
  '",:{"'
])
const Members = Schema.Array(Schema.Tuple([Name, Value])).check(Schema.isMaxLength(8))

/** An object's text without white space. Every second name is escaped. */
const textOf = (members: typeof Members.Type): string =>
  `{${members.map(([name, value], index) => `${keyOf(name, index)}:${value}`).join(",")}}`
const keyOf = (name: string, index: number): string =>
  index % 2 === 0
    ? JSON.stringify(name)
    : `"${Array.from({ length: name.length }, (_, at) => `\\u${name.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`

describe("platform/text/Json: members", () => {
  it.prop("returns the source text of every member, from which the object can be rebuilt", [Members], ([members]) => {
    const text = textOf(members)
    const parsed = Json.members(text)
    assert.deepStrictEqual(
      parsed.map(({ name, value }) => [name, value]),
      members.map(([name, value]) => [name, value])
    )
    assert.strictEqual(`{${parsed.map(({ key, value }) => `${key}:${value}`).join(",")}}`, text)
  })
})

describe("forms/Submission", () => {
  it.prop(
    "two submissions have the same fingerprint if and only if their content is equal",
    [content, content],
    ([one, other]) => {
      assert.strictEqual(Submission.fingerprint(one), Submission.fingerprint({ ...one }))
      const isSame = JSON.stringify(one) === JSON.stringify({ ...one, ...other })
      assert.strictEqual(Submission.fingerprint(one) === Submission.fingerprint(other), isSame)
    }
  )

  it.prop("the same text in other fields gives another fingerprint", [Schema.String], ([text]) => {
    const base = { websiteConfigId: id(WebsiteConfigId, "w"), formData: "{}" }
    assert.notStrictEqual(
      Submission.fingerprint({ ...base, email: text, pageSlug: null }),
      Submission.fingerprint({ ...base, email: null, pageSlug: text })
    )
  })

  it("a repeated member has all its values", () => {
    for (const [text, expected] of [
      ['{"a":1,"b":"x"}', { a: 1, b: "x" }],
      ['{"a":"1","b":"x","a":"2"}', { a: ["1", "2"], b: "x" }],
      ['{"a":["1","2"],"\\u0061":"3","a":null}', { a: ["1", "2", "3", null] }]
    ] as const) {
      assert.deepStrictEqual(Submission.withAllValues(text, JSON.parse(text)), expected)
    }
    const text = '{"__proto__":1,"__proto__":2}'
    assert.deepStrictEqual(Object.entries(Submission.withAllValues(text, JSON.parse(text))), [["__proto__", [1, 2]]])
  })

  it.prop("removes the reserved fields, escaped or not, and no others", [Members], ([members]) => {
    const text = textOf(members)
    const others = members.flatMap(([name, value], index) =>
      name.startsWith("hydracore_") ? [] : [`${keyOf(name, index)}:${value}`]
    )
    assert.strictEqual(Submission.withoutReserved(text, JSON.parse(text)), `{${others.join(",")}}`)
  })

  it.prop("any text that is not blank fills the honeypot", [Schema.String], ([text]) => {
    const filled = (value: unknown) => Submission.hintsOf({ hydracore_hp: value }).honeypot
    assert.strictEqual(filled(text), text.trim() !== "")
    for (const value of [1, true, ["a"], {}, 0]) assert.isTrue(filled(value))
    for (const value of [null, undefined, false, " \n"]) assert.isFalse(filled(value))
    assert.isFalse(Submission.hintsOf({}).honeypot)
  })

  it.prop("the time is a non-negative number or its decimal text; other values are null", [Schema.Int], ([number]) => {
    const millis = (value: unknown) => Submission.hintsOf({ hydracore_ms: value }).millis
    const size = Math.abs(number)
    assert.strictEqual(millis(size), size)
    if (size < 1e15) assert.strictEqual(millis(String(size)), size)
    for (const value of [
      -1 - size,
      `-${size + 1}`,
      "",
      "1e9",
      "NaN",
      Number.NaN,
      "Infinity",
      null,
      [],
      {},
      true,
      10n
    ]) {
      assert.isNull(millis(value), String(value))
    }
  })
})

describe("forms/Submission: conversationOf", () => {
  const [instanceId, conversationId] = [id(InstanceId, "a"), ConversationId.make("c_1")]

  it("reads an instance's id and a conversation's id", () => {
    assert.deepStrictEqual(Submission.conversationOf({ hydracore_conversation: `${instanceId} ${conversationId}` }), {
      instanceId,
      conversationId
    })
  })

  it("is null for every other value that a client can send", () => {
    for (const value of [
      undefined,
      "",
      instanceId,
      `${instanceId} `,
      `${instanceId} ${conversationId} `,
      ` ${instanceId} ${conversationId}`,
      `${instanceId.toUpperCase()} ${conversationId}`,
      `${instanceId} ${"c".repeat(65)}`,
      [`${instanceId} ${conversationId}`],
      { toString: 1 },
      null,
      1
    ]) {
      assert.isNull(Submission.conversationOf({ hydracore_conversation: value }), JSON.stringify(value))
    }
  })
})
