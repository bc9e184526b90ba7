import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Primary from "../../../src/platform/cluster/Primary.ts"

const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60_000 }))

/** The delays before the restarts of workers that served for these times, one after the other. */
const delays = (servedMillis: ReadonlyArray<number>): ReadonlyArray<number> => {
  let failures = 0
  return servedMillis.map((millis) => {
    failures = Primary.failuresAfter(failures, millis)
    return Primary.delayMillis(failures)
  })
}

describe("platform/cluster/Primary", () => {
  it.prop("the delay is between 100 ms and 10 s", [Schema.Array(Millis)], ([servedMillis]) => {
    for (const delay of delays(servedMillis)) {
      assert.isAtLeast(delay, 100)
      assert.isAtMost(delay, 10_000)
    }
  })

  it.prop(
    "the delay doubles with every early failure, up to 10 s",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3000 }))],
    ([times]) => {
      const doubling = delays(new Array<number>(times).fill(0))
      doubling.forEach((delay, index) => {
        assert.strictEqual(delay, Math.min(10_000, index === 0 ? 100 : 2 * doubling[index - 1]!))
      })
    }
  )

  it.prop(
    "the delay is minimal after a worker that served for a long time",
    [Schema.Array(Millis)],
    ([servedMillis]) => {
      assert.strictEqual(delays([...servedMillis, 10_000]).at(-1), 100)
    }
  )
})
