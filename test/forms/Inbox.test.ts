import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Inbox from "../../src/forms/Inbox.ts"

const Member = Schema.Tuple([Schema.String, Schema.Union([Schema.String, Schema.Int, Schema.Null, Schema.Boolean])])

const jsonOf = (members: ReadonlyArray<typeof Member.Type>): string =>
  `{${members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(",")}}`

describe("forms/Inbox", () => {
  it.prop("the fields of a form are its members in order, as text or as JSON", [Schema.Array(Member)], ([members]) => {
    assert.deepStrictEqual(
      Inbox.fieldsOf(jsonOf(members)),
      members.map(([name, value]) =>
        typeof value === "string" ? { name, type: "text", value } : { name, type: "json", value: JSON.stringify(value) }
      )
    )
  })

  it.prop(
    "a preview never fails, is short and on one line, wherever its source is cut",
    [Schema.Array(Member), Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 500 }))],
    ([members, cut]) => {
      const source = jsonOf([...members, ["a", 'b\\u12\u0000"\n']])
      for (const text of [source, source.slice(0, cut), `{"a":"\\\\u00`, `{"a":"\\u00`, `{"a":"\\`]) {
        const preview = Inbox.preview(text)
        assert.isAtMost(preview.length, 200)
        assert.notMatch(preview, /[\r\n]/)
        assert.isTrue(preview.isWellFormed())
      }
    }
  )

  it("a preview has the texts of a form, the message first, without email addresses and the name", () => {
    assert.strictEqual(
      Inbox.preview(
        '{"name":"Ada","email":"ada@example.org","about":"Kayaks","message":"Hello\\n  you","n":1,"more":{"x":"y"}}'
      ),
      "Hello you · Kayaks · y"
    )
    assert.strictEqual(Inbox.preview('{"message":"Hello wor'), "Hello wor")
    const long = Inbox.preview(`{"message":"${"x".repeat(1000)}"}`)
    assert.strictEqual(long, `${"x".repeat(199)}…`)
  })

  it.prop(
    "a preview leaves out each text that is one word with an @ inside, also with white space around it",
    [Schema.Array(Schema.Literals(["@", "a", " ", "\t", ".", "\u2003"])).check(Schema.isMaxLength(8))],
    ([characters]) => {
      const text = characters.join("")
      const shown = /^\s*\S+@\S+\s*$/.test(text) ? "" : text.replace(/\s+/g, " ").trim()
      assert.strictEqual(Inbox.preview(JSON.stringify({ field: text })), shown)
    }
  )

  it.prop(
    "a preview has the texts of members at any depth, in order, and neither names nor elements of arrays",
    [Schema.Array(Schema.Tuple([Schema.Literals(["a", '"', "\\", '":"', "é"]), Schema.Boolean, Schema.Boolean]))],
    ([values]) => {
      const form = values
        .slice(0, 10)
        .map(([value, isElement, isNested]) => {
          const text = JSON.stringify(value)
          const member = isElement ? `${text}:[${text}]` : `${text}:${text}`
          return isNested ? `"n":{${member}}` : member
        })
        .join(",")
      const shown = values
        .slice(0, 10)
        .filter(([, isElement]) => !isElement)
        .map(([value]) => value)
      assert.strictEqual(Inbox.preview(`{${form}}`), shown.join(" · "))
    }
  )

  it("a sender's name is found under the names that forms give it, also if the form is cut", () => {
    const cases: ReadonlyArray<readonly [source: string, name: string | null]> = [
      ['{"email":"ada@example.org","name":" Ada\\n Lovelace "}', "Ada Lovelace"],
      ['{"first_name":"Ada","message":"x","lastName":"Lovelace"}', "Ada Lovelace"],
      ['{"your-name":"","Full Name":"Ada","name":"Ben"}', "Ada"],
      ['{"your-surname":"Lovelace"}', "Lovelace"],
      ['{"company_name":"Ada Ltd","nickname":"x"}', null],
      ['{"name":7}', null],
      ['{"name":"Ada Lov', "Ada Lov"],
      [`{"name":"${"x".repeat(1000)}"}`, `${"x".repeat(99)}…`]
    ]
    for (const [source, name] of cases) assert.strictEqual(Inbox.senderOf(source), name, source)
  })

  // If a pattern were tried again at each character, this would take quadratic time and exceed the timeout.
  it("a preview takes linear time", () => {
    const many = 1_000_000
    const cases: ReadonlyArray<readonly [source: string, preview: string]> = [
      [`{"a":"${"@".repeat(many)} x"}`, `${"@".repeat(199)}…`],
      [`{"a":"${"@".repeat(many)}"}`, ""],
      [`{"a":["${'\\"'.repeat(many)}"],"b":"end"}`, "end"],
      [`{"a":["${'\\"'.repeat(many)}`, ""],
      [`{"${'\\"'.repeat(many)}`, ""],
      [`{"a":[${'"",'.repeat(many)}"`, ""]
    ]
    for (const [source, shown] of cases) assert.strictEqual(Inbox.preview(source), shown)
  })

  it.prop("a search finds a text whether the form's JSON has it plainly or with escapes", [Schema.String], ([text]) => {
    const search = `${text}/ü`.toWellFormed().replaceAll("\0", "")
    const ascii = JSON.stringify(search).replace(
      /[^ -~]/g,
      (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`
    )
    const plain = JSON.stringify(search)
    for (const value of [plain, ascii, plain.replaceAll("/", "\\/"), ascii.replaceAll("/", "\\/")]) {
      const { json } = Inbox.needlesOf(search)
      assert.isTrue(json.some((needle) => `{"a":${value}}`.includes(needle)))
    }
  })
})
