import { assert, it } from "@effect/vitest"
import { Schema } from "effect"
import type { AgentEvent } from "../../../src/core/chat/Agent.ts"
import * as AnswerPieces from "../../../src/core/chat/AnswerPieces.ts"

const position = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 12 }))

it.prop(
  "pieces that overlap give each event once, in order, from any position on",
  { count: position, overlaps: Schema.Array(Schema.Tuple([position, position])), from: position },
  ({ count, from, overlaps }) => {
    const all = Array.from({ length: count }, (_, index): AgentEvent => ({ _tag: "Text", delta: String(index) }))
    // Together they cover every event.
    const ranges = [[0, count >> 1], [count >> 1, count], ...overlaps] as const
    const pieces = ranges
      .map(([left, right]) => [Math.min(left, right, count), Math.min(Math.max(left, right), count)] as const)
      .filter(([start, end]) => start < end)
      .map(([start, end]): AnswerPieces.Piece => [end, all.slice(start, end)])
      .sort(([left], [right]) => left - right)
    assert.deepStrictEqual(AnswerPieces.eventsFrom(pieces, from), {
      events: all.slice(from),
      next: Math.max(from, count)
    })
  }
)
