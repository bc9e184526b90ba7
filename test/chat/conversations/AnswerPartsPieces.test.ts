import { assert, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import type { AgentEvent } from "../../../src/chat/agent/Agent.ts"
import * as AnswerParts from "../../../src/chat/conversations/AnswerParts.ts"
import { AnswerEnding } from "../../../src/chat/conversations/Conversation.ts"
import { Event } from "../../support/Conversations.ts"

it.prop(
  "pieces in any order yield the events after the end of any of them, in order",
  {
    lengths: Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 4 }))).check(Schema.isMaxLength(6)),
    from: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 6 })),
    isReversed: Schema.Boolean
  },
  ({ from, isReversed, lengths }) => {
    const ends = lengths.map((_, index) => lengths.slice(0, index + 1).reduce((sum, length) => sum + length, 0))
    const count = ends.at(-1) ?? 0
    const all = Array.from({ length: count }, (_, index): AgentEvent => ({ _tag: "Text", delta: String(index) }))
    const pieces = ends.map((end, index): AnswerParts.Piece => [end, all.slice(end - (lengths[index] ?? 0), end)])
    const position = from === 0 ? 0 : (ends[from - 1] ?? count)
    assert.deepStrictEqual(AnswerParts.eventsFrom(isReversed ? pieces.toReversed() : pieces, position), {
      events: all.slice(position),
      next: count
    })
  }
)

it("events that an earlier version stored twice, in a piece and in a longer one, are yielded once", () => {
  const all = ["a", "b", "c"].map((delta): AgentEvent => ({ _tag: "Text", delta }))
  const pieces: ReadonlyArray<AnswerParts.Piece> = [
    [1, all.slice(0, 1)],
    [2, all.slice(0, 2)],
    [3, all.slice(2)]
  ]
  for (const position of [0, 1, 2, 3]) {
    assert.deepStrictEqual(AnswerParts.eventsFrom(pieces, position), { events: all.slice(position), next: 3 })
  }
})

it.prop(
  "joining texts keeps every part of the answer and every other event in order, and leaves no two texts side by side",
  { events: Schema.Array(Event) },
  ({ events }) => {
    const joined = AnswerParts.joinTexts(events)
    assert.deepStrictEqual(AnswerParts.fromEvents(joined), AnswerParts.fromEvents(events))
    const others = (list: ReadonlyArray<AgentEvent>) => list.filter(({ _tag }) => _tag !== "Text")
    assert.deepStrictEqual(others(joined), others(events))
    for (const [index, { _tag }] of joined.entries()) {
      assert.isFalse(_tag === "Text" && joined[index + 1]?._tag === "Text")
    }
  }
)

it.prop("an answer has a last event, unless its readers must see an error", { ending: AnswerEnding }, ({ ending }) => {
  const last = AnswerParts.lastEvent(ending)
  assert.strictEqual(Option.isNone(last), ending === "failed" || ending === "cut")
  if (Option.isSome(last)) assert.strictEqual(last.value._tag, "Finish")
})
