import { assert, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import type { AgentEvent } from "../../../src/chat/agent/Agent.ts"
import * as AnswerParts from "../../../src/chat/conversations/AnswerParts.ts"
import { AnswerEnding } from "../../../src/chat/conversations/Conversation.ts"
import { Event } from "../../support/Conversations.ts"

const position = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 }))

it.prop(
  "overlapping pieces yield each event once, in order, from any position",
  { count: position, overlaps: Schema.Array(Schema.Tuple([position, position])), from: position },
  ({ count, from, overlaps }) => {
    const all = Array.from({ length: count }, (_, index): AgentEvent => ({ _tag: "Text", delta: String(index) }))
    // Together they cover every event.
    const ranges = [[0, count >> 1], [count >> 1, count], ...overlaps] as const
    const pieces = ranges
      .map(([left, right]) => [Math.min(left, right, count), Math.min(Math.max(left, right), count)] as const)
      .filter(([start, end]) => start < end)
      .map(([start, end]): AnswerParts.Piece => [end, all.slice(start, end)])
      .sort(([left], [right]) => left - right)
    assert.deepStrictEqual(AnswerParts.eventsFrom(pieces, from), {
      events: all.slice(from),
      next: Math.max(from, count)
    })
  }
)

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
