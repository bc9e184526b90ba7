import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as SpamScore from "../../src/forms/SpamScore.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const Step = Schema.Struct({
  digest: Schema.Literals(["a", "b", "c"]),
  key: Schema.NullOr(Schema.Literals(["k", "l"])),
  wait: Schema.Literals([0, 1, SpamScore.windowMillis, SpamScore.windowMillis + 1])
})

describe("forms/SpamScore: repeated contents", () => {
  it.prop(
    "counts equal content within the hour, but no retries with the same key",
    [Schema.Array(Step).check(Schema.isMaxLength(30))],
    ([steps]) => {
      const repetitions = SpamScore.makeRepeated(100)
      let now = 0
      const last = new Map<string, { at: number; times: number; key: string | null }>()
      for (const { digest, key, wait } of steps) {
        now += wait
        const previous = last.get(digest)
        const isRecent = previous !== undefined && now - previous.at <= SpamScore.windowMillis
        const isRetry = isRecent && key !== null && previous.key === key
        const expected = isRecent ? previous.times - (isRetry ? 1 : 0) : 0
        assert.strictEqual(repetitions.record(digest, key, now), expected)
        last.set(digest, { at: now, times: expected + 1, key })
      }
    }
  )

  it.prop(
    "a submission that was forgotten changes no later count",
    [Schema.Array(Step).check(Schema.isMaxLength(30)), Step],
    ([steps, lost]) => {
      const withLost = SpamScore.makeRepeated(100)
      const without = SpamScore.makeRepeated(100)
      // Without keys: the key of the submission before the forgotten one is not kept.
      for (const { digest } of steps)
        assert.strictEqual(withLost.record(digest, null, 0), without.record(digest, null, 0))
      withLost.record(lost.digest, lost.key, 0)
      withLost.forget(lost.digest)
      for (const digest of ["a", "b", "c"]) {
        assert.strictEqual(withLost.record(digest, lost.key, 0), without.record(digest, lost.key, 0))
      }
    }
  )

  it.prop("remembers the most recent contents, up to its capacity", [between(1, 20)], ([capacity]) => {
    const repetitions = SpamScore.makeRepeated(capacity)
    for (let number = 0; number < 100; number++) assert.strictEqual(repetitions.record(String(number), null, 0), 0)
    // From the last to the first, so that these calls evict nothing that is checked later.
    for (let number = 99; number >= 100 - capacity; number--) {
      assert.strictEqual(repetitions.record(String(number), null, 0), 1, String(number))
    }
    assert.strictEqual(repetitions.record(String(99 - capacity), null, 0), 0)
  })
})
