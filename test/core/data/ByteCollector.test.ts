import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { ByteCollector } from "../../../src/core/data/ByteCollector.ts"

const Lengths = Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 9_000 }))).check(
  Schema.isMaxLength(30)
)

describe("core/data/ByteCollector", () => {
  it.prop(
    "returns the added bytes, and its buffer is at most twice as large and within the expected length",
    [Lengths, Schema.Boolean],
    ([lengths, isTold]) => {
      let next = 0
      const pieces = lengths.map((length) => Uint8Array.from({ length }, () => next++ % 251))
      const all = Buffer.concat(pieces)
      const kept = new ByteCollector(isTold ? all.length : Number.POSITIVE_INFINITY)
      let come = 0
      for (const piece of pieces) {
        kept.add(piece)
        come += piece.length
        assert.strictEqual(kept.length, come)
        assert.isAtMost(kept.capacity, isTold ? all.length : Math.max(4_096, 2 * come))
      }
      const taken = kept.take()
      assert.isTrue(all.equals(taken))
      assert.strictEqual(taken.buffer.byteLength, taken.length)
      assert.strictEqual(kept.capacity, 0)
    }
  )
})
