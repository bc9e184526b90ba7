import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Schedule from "../../../src/platform/outward/Schedule.ts"

const integer = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const Status = Schema.NullOr(Schema.Union([integer(100, 599), Schema.Literals([200, 204, 301, 410, 500])]))
const Wait = Schema.NullOr(integer(0, Schedule.maxDelay))
const Random = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))
const Time = integer(0, 4e12)
const hour = 3_600_000
const day = 24 * hour
const Attempt = Schema.Struct({
  status: Status,
  later: Schema.Union([
    integer(1, 3 * day),
    Schema.Literals([1_000, 11 * hour, 12 * hour, 24 * hour, 47 * hour, 48 * hour])
  ]),
  isLast: Schema.Boolean
})

describe("platform/outward/Schedule", () => {
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
    "only 410, or failures over five days without a success, of which two earlier ones lie twelve hours apart, disable a webhook",
    [Schema.Array(Attempt)],
    ([attempts]) => {
      let health: Schedule.Health = Schedule.healthy
      let failures: ReadonlyArray<number> = []
      let at = 0
      for (const { isLast, later, status } of attempts) {
        at += later
        const before = health
        health = Schedule.healthAfter(before, { status, at, isLast })
        if (Schedule.isDelivered({ status })) {
          assert.deepStrictEqual(health, { ...Schedule.healthy, disabledAt: before.disabledAt })
          failures = []
          continue
        }
        failures = later < Schedule.quietLimit ? [...failures, at] : [at]
        if (before.disabledAt !== null) assert.strictEqual(health.disabledAt, before.disabledAt)
        else if (status === 410) assert.strictEqual(health.disabledAt, at)
        else if (health.disabledAt !== null) {
          assert.strictEqual(health.disabledAt, at)
          const earlier = failures.slice(0, -1)
          assert.isAtLeast(at - (earlier[0] ?? at), 5 * day)
          assert.isAtLeast((earlier.at(-1) ?? at) - (earlier[0] ?? at), 12 * hour)
        } else if (isLast) {
          assert.deepStrictEqual(health, Schedule.healthy)
          failures = []
        }
      }
    }
  )

  it.prop(
    "the first failure five days after the first one disables a webhook, if failures follow each other within a day and a half",
    [Schema.Array(integer(1, 36 * hour)), Time],
    ([pauses, start]) => {
      let at = start
      let health = Schedule.healthAfter(Schedule.healthy, { status: 500, at, isLast: false })
      for (const pause of [...pauses, ...Array.from({ length: 5 }, () => day)]) {
        at += pause
        health = Schedule.healthAfter(health, { status: null, at, isLast: false })
        assert.strictEqual(health.failingSince, start)
        if (at - start < 5 * day) assert.isNull(health.disabledAt)
        else return assert.strictEqual(health.disabledAt, at)
      }
      assert.fail("five days have passed")
    }
  )

  it.prop(
    "after a delivery that was given up while none was pending, and after a quiet month, a failure begins a new series",
    [Schema.Array(integer(1, 20 * hour)), Schema.Boolean, integer(1, 365 * day)],
    ([pauses, isGivenUp, quiet]) => {
      let at = 0
      let health: Schedule.Health = Schedule.healthy
      for (const pause of pauses.slice(0, 5)) {
        at += pause
        health = Schedule.healthAfter(health, { status: 500, at, isLast: false })
      }
      at += 1
      health = Schedule.healthAfter(health, { status: 500, at, isLast: isGivenUp })
      if (isGivenUp) assert.deepStrictEqual(health, Schedule.healthy)
      at += isGivenUp ? quiet : 30 * day
      for (let failure = 0; failure < 3; failure++) {
        const after = Schedule.healthAfter(health, { status: 500, at: at + failure * 5_000, isLast: false })
        assert.deepStrictEqual(after, { failingSince: at, failedAgainAt: null, disabledAt: null })
        health = after
      }
    }
  )

  it.prop(
    "the longer a webhook fails, the longer it pauses, up to five seconds; a webhook that works does not pause",
    [Time, Time, Time],
    (times) => {
      const [failingSince, now, later] = times.toSorted((left, right) => left - right) as [number, number, number]
      const failing = { failingSince }
      const [pause, longer] = [Schedule.pauseAfter(failing, now), Schedule.pauseAfter(failing, later)]
      assert.isAtLeast(pause, 0)
      assert.isAtLeast(longer, pause)
      assert.isAtMost(longer, Schedule.maxPause)
      assert.strictEqual(Schedule.pauseAfter(failing, failingSince), 0)
      assert.strictEqual(Schedule.pauseAfter(failing, failingSince + 86_400_000), Schedule.maxPause)
      assert.strictEqual(Schedule.pauseAfter({ failingSince: null }, now), 0)
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
