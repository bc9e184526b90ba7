import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as IdleTime from "../../../src/core/limits/IdleTime.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const limits: IdleTime.Timeouts = { keepAlive: 65, head: 10 }

/** When a connection that was idle from 0 on, received a byte at each of `times` and was checked each second, is over. */
const endOf = (times: ReadonlyArray<number>): number => {
  let seen: IdleTime.Seen | undefined
  for (let now = 0; ; now++) {
    const bytesRead = times.filter((time) => time <= now).length
    if (now < IdleTime.relevant(limits)) continue
    const next = IdleTime.check(seen, { idleSince: 0, bytesRead }, limits, now)
    if (next === "over") return now
    seen = next
  }
}

describe("core/limits/IdleTime", () => {
  it("a connection that receives nothing, or received blank lines before, is over after the idle time", () => {
    assert.strictEqual(endOf([]), 65)
    assert.strictEqual(endOf([50]), 65)
    assert.strictEqual(endOf([1, 2, 3, 40, 55]), 65)
  })

  it.prop("blank lines do not extend the idle time", [Schema.Array(between(0, 1_000))], ([times]) => {
    const end = endOf(times)
    assert.isTrue(end === 65 || end === 75)
    // A head that could still be in time is not cut off.
    if (times.some((time) => time > 55 && time <= 65)) assert.strictEqual(end, 75)
  })

  it("a check that comes late cuts off no head that has just begun", () => {
    const late = IdleTime.check(undefined, { idleSince: 0, bytesRead: 1 }, limits, 70)
    assert.notStrictEqual(late, "over")
  })

  it("each idle time counts by itself", () => {
    const before = { idleSince: 0, bytesRead: 1, at: 56 }
    assert.deepStrictEqual(IdleTime.check(before, { idleSince: 60, bytesRead: 1 }, limits, 120), {
      idleSince: 60,
      bytesRead: 1,
      at: 120
    })
  })
})
