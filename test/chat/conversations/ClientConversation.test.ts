import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ClientConversation from "../../../src/chat/conversations/ClientConversation.ts"
import * as History from "../../../src/chat/conversations/History.ts"

const Messages = Schema.Array(
  Schema.Struct({
    id: Schema.NullOr(Schema.Literals(["1", "2"])),
    role: Schema.Literals(["user", "assistant", "system", "tool", "developer"]),
    text: Schema.Literals(["", "one", "two"])
  })
).check(Schema.isMaxLength(10))

type Messages = typeof Messages.Type

const isIncluded = ({ role, text }: Messages[number]): boolean =>
  text !== "" && (role === "user" || role === "assistant")

describe("chat/conversations/ClientConversation", () => {
  it.prop(
    "only messages of the visitor and the assistant are read, up to the visitor's last message",
    [Messages],
    ([messages]) => {
      const read = ClientConversation.read(messages)
      const included = messages.filter(isIncluded).map(({ role, text }) => ({ role, text }))
      const last = included.findLastIndex(({ role }) => role === "user")
      if (last === -1) assert.isNull(read)
      else
        assert.deepStrictEqual([...read!.history, { role: "user", text: read!.message }], included.slice(0, last + 1))
    }
  )

  it.prop("the origin stays the same while the conversation grows", [Messages, Messages], ([messages, later]) => {
    const before = ClientConversation.read(messages)
    if (before !== null) assert.strictEqual(ClientConversation.read([...messages, ...later])?.origin, before.origin)
  })

  it("the origin differs for a different first message", () => {
    const origins = [
      { id: "1", role: "user", text: "hello" },
      { id: "2", role: "user", text: "hello" },
      { id: null, role: "user", text: "hello" },
      { id: null, role: "user", text: "1" }
    ].map((message) => ClientConversation.read([message])!.origin)
    assert.strictEqual(new Set(origins).size, origins.length)
  })

  it.prop(
    "the agent gets the newest messages within its bounds, and always the visitor's last message",
    [Messages],
    ([messages]) => {
      const read = ClientConversation.read(messages)
      if (read === null) return
      const bounds = { messages: 3, characters: 8 }
      const message = { role: "user", text: read.message } as const
      const sent = ClientConversation.bounded(read, bounds)
      assert.deepStrictEqual(sent, [...History.newest([...read.history, message], bounds).slice(0, -1), message])
      assert.isAtMost(sent.length, bounds.messages)
    }
  )
})
