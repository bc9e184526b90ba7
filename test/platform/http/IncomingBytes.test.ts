import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { ByteCollector } from "../../../src/platform/http/Incoming.ts"

const Lengths = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9_000 }))).check(
  Schema.isMaxLength(30)
)

describe("platform/http/Incoming", () => {
  it.prop(
    "returns the added bytes; the buffer has at most the expected length or, if none is known, 4 KiB or twice the added length, whichever is more",
    [Lengths, Schema.Boolean],
    ([lengths, isLengthKnown]) => {
      let next = 0
      const pieces = lengths.map((length) => Uint8Array.from({ length }, () => next++ % 251))
      const all = Buffer.concat(pieces)
      const collector = new ByteCollector(isLengthKnown ? all.length : Number.POSITIVE_INFINITY)
      let added = 0
      for (const piece of pieces) {
        collector.add(piece)
        added += piece.length
        assert.strictEqual(collector.length, added)
        assert.isAtMost(collector.capacity, isLengthKnown ? all.length : Math.max(4_096, 2 * added))
      }
      const taken = collector.take()
      assert.isTrue(all.equals(taken))
      assert.strictEqual(taken.buffer.byteLength, taken.length)
      assert.strictEqual(collector.capacity, 0)
    }
  )
})
