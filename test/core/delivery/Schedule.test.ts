import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Schedule from "../../../src/core/delivery/Schedule.ts"

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Status = Schema.NullOr(Schema.Union([integer(100, 599), Schema.Literals([200, 204, 301, 410, 500])]))
const Wait = Schema.NullOr(integer(0, Schedule.maxDelay))
const Random = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const Time = integer(0, 4e12)

describe("core/delivery/Schedule", () => {
  it.prop(
    "2xx delivers; 410 and the tenth failure end a delivery; any other failure is retried, not before the requested time",
    [Status, Wait, integer(1, 12), Time, Random],
    ([status, retryAfter, attempt, now, random]) => {
      const next = Schedule.next({ status, retryAfter }, attempt, now, random)
      if (status !== null && status >= 200 && status < 300) assert.deepStrictEqual(next, { status: "delivered" })
      else if (status === 410 || attempt > 9) assert.deepStrictEqual(next, { status: "failed" })
      else if (next.status !== "pending") assert.fail(next.status)
      else {
        const delay = Schedule.delays[attempt - 1] ?? Number.NaN
        assert.isAtLeast(next.nextAttemptAt - now, Math.max(delay, retryAfter ?? 0) - 1)
        assert.isAtMost(next.nextAttemptAt - now, Math.max(delay * (1 + Schedule.jitter), retryAfter ?? 0) + 1)
      }
    }
  )

  it.prop(
    "a webhook is disabled by 410, or by five days of failures without a success in between",
    [Schema.Array(Schema.Tuple([Status, integer(1, 3 * 86_400_000)]))],
    ([attempts]) => {
      let health: Schedule.Health = { failingSince: null, disabledAt: null }
      let now = 0
      let firstFailure: number | null = null
      let isDisabled = false
      for (const [status, later] of attempts) {
        now += later
        const outcome = { status, retryAfter: null }
        firstFailure = Schedule.isDelivered(outcome) ? null : (firstFailure ?? now)
        isDisabled ||= status === 410 || (firstFailure !== null && now - firstFailure >= Schedule.failingLimit)
        health = Schedule.healthAfter(health, outcome, now)
        assert.strictEqual(health.failingSince, firstFailure)
        assert.strictEqual(health.disabledAt !== null, isDisabled)
      }
    }
  )

  it.prop(
    "the longer a webhook fails, the longer it pauses, up to five seconds; a webhook that works does not pause",
    [Time, Time, Time],
    (times) => {
      const [failingSince, now, later] = times.toSorted((left, right) => left - right) as [number, number, number]
      const failing = { failingSince, disabledAt: null }
      const [pause, longer] = [Schedule.pauseAfter(failing, now), Schedule.pauseAfter(failing, later)]
      assert.isAtLeast(pause, 0)
      assert.isAtLeast(longer, pause)
      assert.isAtMost(longer, Schedule.maxPause)
      assert.strictEqual(Schedule.pauseAfter(failing, failingSince), 0)
      assert.strictEqual(Schedule.pauseAfter(failing, failingSince + 86_400_000), Schedule.maxPause)
      assert.strictEqual(Schedule.pauseAfter({ failingSince: null, disabledAt: null }, now), 0)
    }
  )

  it("Retry-After is read as seconds or as a date, and bounded by a day", () => {
    const now = Date.parse("2026-01-01T00:00:00Z")
    assert.strictEqual(Schedule.parseRetryAfter("120", now), 120_000)
    assert.strictEqual(Schedule.parseRetryAfter("Thu, 01 Jan 2026 00:01:00 GMT", now), 60_000)
    assert.strictEqual(Schedule.parseRetryAfter("Wed, 31 Dec 2025 00:01:00 GMT", now), 0)
    assert.strictEqual(Schedule.parseRetryAfter("9".repeat(400), now), Schedule.maxDelay)
    for (const wrong of [undefined, "", "soon", "-1", "1e3"]) {
      assert.strictEqual(Schedule.parseRetryAfter(wrong, now), null)
    }
  })
})
