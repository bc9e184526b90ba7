import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Restart from "../../../src/core/cluster/Restart.ts"

const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60_000 }))

const delays = (lives: ReadonlyArray<number>): ReadonlyArray<number> => {
  let failures = Restart.none
  return lives.map((served) => {
    const next = Restart.after(failures, served)
    failures = next.failures
    return next.delayMillis
  })
}

describe("core/cluster/Restart", () => {
  it.prop("the delay is between 100 ms and 10 s", [Schema.Array(Millis)], ([lives]) => {
    for (const delay of delays(lives)) {
      assert.isAtLeast(delay, 100)
      assert.isAtMost(delay, 10_000)
    }
  })

  it.prop(
    "the delay doubles with every early failure",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3000 }))],
    ([times]) => {
      const waited = delays(new Array<number>(times).fill(0))
      waited.forEach((delay, index) => {
        assert.strictEqual(delay, Math.min(10_000, index === 0 ? 100 : 2 * waited[index - 1]!))
      })
    }
  )

  it.prop("the delay is minimal after a worker that served for a long time", [Schema.Array(Millis)], ([lives]) => {
    assert.strictEqual(delays([...lives, 10_000]).at(-1), 100)
  })
})
