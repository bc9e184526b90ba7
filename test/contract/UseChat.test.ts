import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as UseChat from "../../src/contract/UseChat.ts"

const Part = Schema.Union([
  Schema.Struct({ type: Schema.Literals(["text", "reasoning", "file"]), text: Schema.Literals(["", "one", "\ud800"]) }),
  Schema.Json
])

const Message = Schema.Union([
  Schema.Struct({
    id: Schema.optionalKey(Schema.Json),
    role: Schema.Literals(["user", "assistant", "system", "tool"]),
    parts: Schema.Union([Schema.Array(Part), Schema.Json])
  }),
  Schema.Json
])

const Body = Schema.Union([
  Schema.Struct({
    id: Schema.Union([Schema.String, Schema.Json]),
    messages: Schema.Union([Schema.Array(Message), Schema.Json]),
    trigger: Schema.optionalKey(Schema.Literals(["submit-message", "regenerate-message"])),
    message: Schema.optionalKey(Schema.Json)
  }),
  Schema.Json
])

const user = (text: string) => ({ role: "user", parts: [{ type: "text", text }] })

describe("contract/UseChat", () => {
  it.prop("whatever the body, it is read to well-formed turns or refused with a sentence", [Body], ([body]) => {
    const read = UseChat.read(body)
    if (Result.isFailure(read)) {
      assert.match(read.failure[0]?.msg ?? "", /^Value error, /)
      return
    }
    assert.isTrue(UseChat.isUseChat(body))
    const { kind, turns } = read.success
    if (turns === null) return assert.strictEqual(kind, "regenerate")
    for (const text of [turns.message, ...turns.history.map(({ text }) => text)]) {
      assert.isTrue(text !== "" && text.isWellFormed())
    }
  })

  it.prop("a body with a message is never useChat's", [Body, Schema.Json], ([body, message]) => {
    if (typeof body === "object" && body !== null) assert.isFalse(UseChat.isUseChat({ ...body, message }))
  })

  it("the newest message has the published bound, in code points, and earlier ones have none", () => {
    const read = (...texts: ReadonlyArray<string>) =>
      Result.isSuccess(UseChat.read({ id: "c", messages: texts.map(user) }))
    assert.isTrue(read("😀".repeat(8_000)))
    assert.isFalse(read("😀".repeat(8_001)))
    assert.isTrue(read("😀".repeat(8_001), "short"))
  })

  it("a message is edited if it is the newest and named, and answered again if that is asked", () => {
    const messages = [
      { id: "1", ...user("a") },
      { role: "assistant", id: "2", parts: [] },
      { id: "3", ...user("b") }
    ]
    const kindOf = (more: object) => Result.getOrThrow(UseChat.read({ id: "c", messages, ...more })).kind
    assert.deepStrictEqual(
      [
        {},
        { messageId: "1" },
        { messageId: "2" },
        { messageId: "3" },
        { messageId: "3", trigger: "regenerate-message" }
      ].map(kindOf),
      ["new", "new", "new", "edit", "regenerate"]
    )
  })

  it("an id has a bound", () => {
    const read = (length: number) => Result.isSuccess(UseChat.read({ id: "x".repeat(length), messages: [user("a")] }))
    assert.deepStrictEqual([read(256), read(257)], [true, false])
  })
})
