import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as UseChat from "../../src/chat/UseChat.ts"

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
    messageId: Schema.optionalKey(Schema.Json),
    message: Schema.optionalKey(Schema.Union([Message, Schema.Json]))
  }),
  Schema.Json
])

const user = (text: string) => ({ role: "user", parts: [{ type: "text", text }] })

describe("chat/UseChat", () => {
  it.prop("every body is decoded to well-formed texts, or refused with an error", [Body], ([body]) => {
    const read = UseChat.read(body)
    if (Result.isFailure(read)) {
      assert.match(read.failure[0]?.msg ?? "", /^Value error, /)
      return
    }
    assert.isTrue(UseChat.isUseChat(body))
    const question = read.success
    if (question._tag === "Regenerate") return
    const texts =
      question._tag === "Message"
        ? [question.text]
        : [question.conversation.message, ...question.conversation.history.map(({ text }) => text)]
    for (const text of texts) assert.isTrue(text !== "" && text.isWellFormed())
  })

  it.prop("a body whose message has no list of parts is not a useChat body", [Body, Schema.Json], ([body, message]) => {
    if (typeof body !== "object" || body === null) return
    const hasParts =
      typeof message === "object" && message !== null && "parts" in message && Array.isArray(message["parts"])
    if (!hasParts) assert.isFalse(UseChat.isUseChat({ ...body, message }))
  })

  it("the newest message has a maximum length, in code points, and earlier messages have none", () => {
    const read = (...texts: ReadonlyArray<string>) =>
      Result.isSuccess(UseChat.read({ id: "c", messages: texts.map(user) }))
    assert.isTrue(read("😀".repeat(8_000)))
    assert.isFalse(read("😀".repeat(8_001)))
    assert.isTrue(read("😀".repeat(8_001), "short"))
  })

  it("decodes the id of the message that a body replaces, and whether the client sends all messages", () => {
    const messages = [
      { id: "1", ...user("a") },
      { role: "assistant", id: "2", parts: [] },
      { id: "3", ...user("b") }
    ]
    const questionOf = (body: object) => {
      const { conversationId: _, ...question } = Result.getOrThrow(UseChat.read({ id: "c", ...body }))
      return question
    }
    const trigger = "regenerate-message"
    const newest = { _tag: "Message", text: "b", messageId: "3" } as const
    assert.deepStrictEqual(
      [
        { message: messages[2] },
        { message: messages[2], messageId: "1", trigger: "submit-message" },
        { message: messages[2], messageId: "2", trigger },
        { trigger, messageId: "2" },
        { trigger, messages: [] }
      ].map(questionOf),
      [
        { ...newest, kind: "new", targetId: null },
        { ...newest, kind: "new", targetId: "1" },
        { ...newest, kind: "regenerate", targetId: "2" },
        { _tag: "Regenerate", targetId: "2" },
        { _tag: "Regenerate", targetId: null }
      ]
    )
    const decode = (body: object) => {
      const question = questionOf({ messages, ...body })
      return question._tag === "Conversation" ? [question.kind, question.targetId, question.isKnownComplete] : []
    }
    assert.deepStrictEqual(
      [{}, { messageId: "1" }, { messageId: null, trigger }, { tools: {} }, { messageId: 1 }].map(decode),
      [
        ["new", null, false],
        ["new", "1", false],
        ["regenerate", null, false],
        ["new", null, true],
        ["new", null, false]
      ]
    )
  })

  it("a conversation's id has a maximum length", () => {
    const read = (length: number) => Result.isSuccess(UseChat.read({ id: "x".repeat(length), messages: [user("a")] }))
    assert.deepStrictEqual([read(256), read(257)], [true, false])
  })
})
