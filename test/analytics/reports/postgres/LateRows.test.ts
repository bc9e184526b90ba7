/** When rows are stored. */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as OpenDays from "../../../../src/analytics/reports/postgres/OpenDays.ts"

const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30_000 }))

describe("analytics/reports/postgres/LateRows", () => {
  it.prop(
    "a row that waited for too long gets the earliest time at which it is not late; any other keeps its time",
    [Millis, Millis, Millis],
    ([receivedAt, untilQueued, waited]) => {
      const queuedAt = receivedAt + untilQueued
      const now = queuedAt + waited
      const [stored] = OpenDays.storedRows([{ row: { receivedAt, path: "/" }, queuedAt }], now)
      const isLate = waited > OpenDays.maxWait
      const expected = isLate ? now - OpenDays.maxWait - untilQueued : receivedAt
      assert.deepStrictEqual(stored, { receivedAt: expected, path: "/" })
    }
  )

  it("a row that waits for as long as it may is not marked", () => {
    assert.isBelow(OpenDays.maxWait, OpenDays.maxUnmarkedDelay)
  })
})
