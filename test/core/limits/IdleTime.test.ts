import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as IdleTime from "../../../src/core/limits/IdleTime.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const limits: IdleTime.Timeouts = { keepAlive: 65, head: 10 }

/** When a connection is closed if it becomes idle at 0, gets a byte at each of `times`, and is checked every second. */
const endOf = (times: ReadonlyArray<number>): number => {
  let first: IdleTime.FirstCheck | undefined
  for (let now = 0; ; now++) {
    const bytesRead = times.filter((time) => time <= now).length
    if (now < IdleTime.checkAfter(limits)) continue
    const next = IdleTime.check(first, { idleSince: 0, bytesRead }, limits, now)
    if (next === "timed-out") return now
    first = next
  }
}

describe("core/limits/IdleTime", () => {
  it("a connection is closed after the idle time, with or without blank lines before its last ten seconds", () => {
    assert.strictEqual(endOf([]), 65)
    assert.strictEqual(endOf([50]), 65)
    assert.strictEqual(endOf([1, 2, 3, 40, 55]), 65)
  })

  it.prop(
    "blank lines extend the idle time once at most, by the time for a head",
    [Schema.Array(between(0, 1_000))],
    ([times]) => {
      const end = endOf(times)
      assert.isTrue(end === 65 || end === 75)
      // A byte that arrives shortly before 65 may begin a head, which gets the time for a head.
      if (times.some((time) => time > 55 && time <= 65)) assert.strictEqual(end, 75)
    }
  )

  it("a late check does not interrupt a head that has just begun", () => {
    const late = IdleTime.check(undefined, { idleSince: 0, bytesRead: 1 }, limits, 70)
    assert.notStrictEqual(late, "timed-out")
  })

  it("a new idle period is checked from its own start", () => {
    const before = { idleSince: 0, bytesRead: 1, at: 56 }
    assert.deepStrictEqual(IdleTime.check(before, { idleSince: 60, bytesRead: 1 }, limits, 120), {
      idleSince: 60,
      bytesRead: 1,
      at: 120
    })
  })
})
