import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as ClientTurns from "../../../src/core/chat/ClientTurns.ts"
import type { Message } from "../../../src/core/chat/Conversation.ts"
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

  /** A conversation of pairs as the store has it, and the client's turns up to one of the visitor's messages. */
  const pairs = (texts: ReadonlyArray<string>): ReadonlyArray<Message> =>
    texts.flatMap((text, index): ReadonlyArray<Message> => {
      const parts = [{ type: "text", text } as const]
      const answer = { createdAt: 0, ending: "stop", rating: null, comment: null } as const
      return [
        { messageId: `user ${index}`, role: "user", parts, createdAt: 0 },
        { messageId: `answer ${index}`, role: "assistant", parts, ...answer }
      ]
    })

  const turnsTo = (texts: ReadonlyArray<string>, index: number, text = texts[index]!) =>
    ClientTurns.read([
      ...texts.slice(0, index).flatMap((text, at) => [
        { id: `client ${at}`, role: "user", text },
        { id: `answer ${at}`, role: "assistant", text }
      ]),
      { id: `client ${index}`, role: "user", text }
    ])!

  const Texts = Schema.Array(Schema.Literals(["one", "two"])).check(Schema.isMinLength(1), Schema.isMaxLength(5))

  it.prop(
    "an edited message replaces itself and what follows, one that is answered again the last answer or itself",
    [Texts, Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 4 }))],
    ([texts, chosen]) => {
      const index = chosen % texts.length
      const stored = pairs(texts)
      const from: ClientTurns.Replaced = { _tag: "From", messageId: `user ${index}` }
      const replaced = (turns: ClientTurns.ClientTurns, kind: ClientTurns.Kind) =>
        ClientTurns.replaced(stored, turns, kind)
      assert.deepStrictEqual(replaced(turnsTo(texts, index, "edited"), "edit"), from)
      const isLast = index === texts.length - 1
      assert.deepStrictEqual(replaced(turnsTo(texts, index), "regenerate"), isLast ? { _tag: "Answer" } : from)
      assert.deepStrictEqual(replaced(turnsTo(texts, index), "new"), { _tag: "Nothing" })
    }
  )

  it("what the store does not have replaces nothing", () => {
    const stored = pairs(["one", "two"])
    const unknown = { ...turnsTo(["one", "two"], 1, "edited"), answerId: "elsewhere" }
    assert.deepStrictEqual(ClientTurns.replaced(stored, unknown, "edit"), { _tag: "Nothing" })
    assert.deepStrictEqual(ClientTurns.replaced(stored, unknown, "regenerate"), { _tag: "Nothing" })
    // An answer that is missing in the client: what it names is not a message of the visitor's.
    const unanswered = { ...turnsTo(["one", "two"], 1, "edited"), answerId: "user 0" }
    assert.deepStrictEqual(ClientTurns.replaced(stored, unanswered, "edit"), { _tag: "Nothing" })
  })
})
