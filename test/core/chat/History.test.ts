import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Turn } from "../../../src/core/chat/Agent.ts"
import * as History from "../../../src/core/chat/History.ts"

const Turns = Schema.Array(
  Schema.Struct({ role: Schema.Literals(["user", "assistant"]), text: Schema.Literals(["1", "22", "4444"]) })
).check(Schema.isMaxLength(12))

const Bounds = Schema.Struct({
  messages: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 14 })),
  characters: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))
})

const charactersOf = (turns: ReadonlyArray<Turn>): number => turns.reduce((sum, { text }) => sum + text.length, 0)

const fits = (turns: ReadonlyArray<Turn>, bounds: History.Bounds): boolean =>
  turns.length <= bounds.messages && charactersOf(turns) <= bounds.characters

describe("core/chat/History", () => {
  it.prop(
    "the newest turns are kept, as many as fit, and a cut is made only in front of a visitor's turn",
    [Turns, Bounds],
    ([turns, bounds]) => {
      const kept = History.newest(turns, bounds)
      assert.deepStrictEqual(kept, turns.slice(turns.length - kept.length))
      const cut = turns.length - kept.length
      if (cut > 0 && kept.length > 0) assert.strictEqual(kept[0]?.role, "user")
      const last = turns.at(-1)
      if (last?.role === "user") assert.strictEqual(kept.at(-1), last)
      if (!(kept.length === 1 && last?.role === "user")) assert.isTrue(fits(kept, bounds))
      // Anything longer that may be cut does not fit.
      for (let from = 0; from < cut; from++) {
        if (from === 0 || turns[from]?.role === "user") assert.isFalse(fits(turns.slice(from), bounds))
      }
    }
  )

  it.prop(
    "a new message is always last, and the turns before it are the newest that fit",
    [Turns, Bounds],
    ([turns, bounds]) => {
      const sent = History.withMessage(turns, "new", bounds)
      assert.deepStrictEqual(sent.at(-1), { role: "user", text: "new" })
      assert.deepStrictEqual(sent, History.newest([...turns, { role: "user", text: "new" }], bounds))
      if (sent.length > 1) assert.isTrue(fits(sent, bounds))
    }
  )

  it.prop("another answer is requested with the turns up to the visitor's last one", [Turns], ([turns]) => {
    const before = History.beforeAnswer(turns)
    assert.deepStrictEqual(before, turns.slice(0, before.length))
    assert.isTrue(turns.slice(before.length).every(({ role }) => role === "assistant"))
    assert.isTrue(before.length === 0 || before.at(-1)?.role === "user")
  })

  it("a message without text is no turn", () => {
    assert.deepStrictEqual(
      History.turnsOf([
        { role: "user", parts: [{ type: "text", text: "a" }] },
        { role: "assistant", parts: [{ type: "source-url", sourceId: "source-1", url: "https://example.com/" }] },
        { role: "assistant", parts: [] }
      ]),
      [{ role: "user", text: "a" }]
    )
  })
})
