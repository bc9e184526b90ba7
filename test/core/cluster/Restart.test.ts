import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Restart from "../../../src/core/cluster/Restart.ts"

const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 60_000 }))

const pauses = (lives: ReadonlyArray<number>): ReadonlyArray<number> => {
  let failures = Restart.none
  return lives.map((served) => {
    const next = Restart.after(failures, served)
    failures = next.failures
    return next.delayMillis
  })
}

describe("core/cluster/Restart", () => {
  it.prop("waits a tenth of a second to ten, whatever happened", [Schema.Array(Millis)], ([lives]) => {
    for (const pause of pauses(lives)) {
      assert.isAtLeast(pause, 100)
      assert.isAtMost(pause, 10_000)
    }
  })

  it.prop(
    "waits twice as long after each life that was short",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 3000 }))],
    ([times]) => {
      const waited = pauses(new Array<number>(times).fill(0))
      waited.forEach((pause, index) => {
        assert.strictEqual(pause, Math.min(10_000, index === 0 ? 100 : 2 * waited[index - 1]!))
      })
    }
  )

  it.prop("begins anew after a life that was long", [Schema.Array(Millis)], ([lives]) => {
    assert.strictEqual(pauses([...lives, 10_000]).at(-1), 100)
  })
})
