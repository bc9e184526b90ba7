import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ClientTurns from "../../../src/core/chat/ClientTurns.ts"
import * as History from "../../../src/core/chat/History.ts"

const Messages = Schema.Array(
  Schema.Struct({
    id: Schema.NullOr(Schema.Literals(["1", "2"])),
    role: Schema.Literals(["user", "assistant", "system", "tool", "developer"]),
    text: Schema.Literals(["", "one", "two"])
  })
).check(Schema.isMaxLength(10))

type Messages = typeof Messages.Type

const isSaid = ({ role, text }: Messages[number]): boolean => text !== "" && (role === "user" || role === "assistant")

describe("core/chat/ClientTurns", () => {
  it.prop(
    "what visitor and assistant said is read up to the visitor's last message, and nothing else",
    [Messages],
    ([messages]) => {
      const read = ClientTurns.read(messages)
      const said = messages.filter(isSaid).map(({ role, text }) => ({ role, text }))
      const last = said.findLastIndex(({ role }) => role === "user")
      if (last === -1) assert.isNull(read)
      else assert.deepStrictEqual([...read!.history, { role: "user", text: read!.message }], said.slice(0, last + 1))
    }
  )

  it.prop("the origin stays the same while the conversation grows", [Messages, Messages], ([messages, later]) => {
    const before = ClientTurns.read(messages)
    if (before !== null) assert.strictEqual(ClientTurns.read([...messages, ...later])?.origin, before.origin)
  })

  it("the origin is another for another first message", () => {
    const origins = [
      { id: "1", role: "user", text: "hello" },
      { id: "2", role: "user", text: "hello" },
      { id: null, role: "user", text: "hello" },
      { id: null, role: "user", text: "1" }
    ].map((message) => ClientTurns.read([message])!.origin)
    assert.strictEqual(new Set(origins).size, origins.length)
  })

  it.prop("the agent gets the newest turns within its bounds, and always the message", [Messages], ([messages]) => {
    const read = ClientTurns.read(messages)
    if (read === null) return
    const bounds = { messages: 3, characters: 8 }
    const message = { role: "user", text: read.message } as const
    const turns = ClientTurns.bounded(read, bounds)
    assert.deepStrictEqual(turns, [...History.newest([...read.history, message], bounds).slice(0, -1), message])
    assert.isAtMost(turns.length, bounds.messages)
  })
})
