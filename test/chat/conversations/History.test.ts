import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { ModelMessage } from "../../../src/chat/agent/Agent.ts"
import * as History from "../../../src/chat/conversations/History.ts"

const Messages = Schema.Array(
  Schema.Struct({ role: Schema.Literals(["user", "assistant"]), text: Schema.Literals(["1", "22", "4444"]) })
).check(Schema.isMaxLength(12))

const Bounds = Schema.Struct({
  messages: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 14 })),
  characters: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))
})

const charactersOf = (messages: ReadonlyArray<ModelMessage>): number =>
  messages.reduce((sum, { text }) => sum + text.length, 0)

const fits = (messages: ReadonlyArray<ModelMessage>, bounds: History.Bounds): boolean =>
  messages.length <= bounds.messages && charactersOf(messages) <= bounds.characters

describe("chat/conversations/History", () => {
  it.prop(
    "the newest messages that fit are sent, and if some are left out, the first one sent is a visitor's",
    [Messages, Bounds],
    ([messages, bounds]) => {
      const newest = History.newest(messages, bounds)
      assert.deepStrictEqual(newest, messages.slice(messages.length - newest.length))
      const cut = messages.length - newest.length
      if (cut > 0 && newest.length > 0) assert.strictEqual(newest[0]?.role, "user")
      const last = messages.at(-1)
      if (last?.role === "user") assert.strictEqual(newest.at(-1), last)
      // A visitor's last message is sent even if it does not fit.
      if (!(newest.length === 1 && last?.role === "user")) assert.isTrue(fits(newest, bounds))
      // No longer suffix that begins with a visitor's message fits.
      for (let from = 0; from < cut; from++) {
        if (from === 0 || messages[from]?.role === "user") assert.isFalse(fits(messages.slice(from), bounds))
      }
    }
  )

  it.prop(
    "a new message is always last, and the messages before it are the newest that fit",
    [Messages, Bounds],
    ([messages, bounds]) => {
      const sent = History.withMessage(messages, "new", bounds)
      assert.deepStrictEqual(sent.at(-1), { role: "user", text: "new" })
      assert.deepStrictEqual(sent, History.newest([...messages, { role: "user", text: "new" }], bounds))
      if (sent.length > 1) assert.isTrue(fits(sent, bounds))
    }
  )

  it("messages without text are omitted", () => {
    assert.deepStrictEqual(
      History.toModelMessages([
        { role: "user", parts: [{ type: "text", text: "a" }] },
        { role: "assistant", parts: [{ type: "source-url", sourceId: "source-1", url: "https://example.com/" }] },
        { role: "assistant", parts: [] }
      ]),
      [{ role: "user", text: "a" }]
    )
  })
})
