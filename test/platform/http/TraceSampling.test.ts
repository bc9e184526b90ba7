import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { isSampled } from "../../../src/platform/http/Trace.ts"

const Share = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))

const Random = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1, exclusiveMaximum: true }))

describe("platform/http/Trace", () => {
  it.prop(
    "the parent's decision takes precedence over the ratio",
    [Share, Schema.Boolean, Random],
    ([ratio, sampled, random]) => {
      assert.strictEqual(isSampled(ratio, { sampled }, random), sampled)
    }
  )

  it.prop(
    "a ratio of 1 samples all, a ratio of 0 none, and a higher ratio all that a lower one samples",
    [Share, Share, Random],
    ([a, b, random]) => {
      assert.isTrue(isSampled(1, undefined, random))
      assert.isFalse(isSampled(0, undefined, random))
      if (isSampled(Math.min(a, b), undefined, random)) assert.isTrue(isSampled(Math.max(a, b), undefined, random))
    }
  )

  it.prop("the ratio is the share of sampled random numbers", [Share], ([ratio]) => {
    const randoms = Array.from({ length: 1_000 }, (_, index) => index / 1_000)
    const share = randoms.filter((random) => isSampled(ratio, undefined, random)).length / 1_000
    assert.closeTo(share, ratio, 0.001)
  })
})
