import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as LocalTime from "../../src/analytics/reports/LocalTime.ts"
import * as VisitorSalts from "../../src/analytics/VisitorSalts.ts"
import { dateOf, dayMillis, dayOf } from "../../src/platform/text/Calendar.ts"

const hour = 3_600_000

const Time = Schema.Int.check(Schema.isBetween({ minimum: Date.UTC(2026, 0), maximum: Date.UTC(2030, 0) }))

/** Those in which a date begins first and ends last, and some others. */
const TimeZone = Schema.Literals([
  "Pacific/Kiritimati",
  "Asia/Kathmandu",
  "UTC",
  "America/New_York",
  "Pacific/Pago_Pago",
  "Etc/GMT+12"
])

describe("analytics/VisitorSalts: the day of a salt", () => {
  it("a day is the date on the website's clocks", () => {
    const time = Date.UTC(2026, 10, 30, 3)
    const dateIn = (timeZone: string) => dateOf(LocalTime.dayAt(timeZone, time) * dayMillis)
    assert.deepStrictEqual(["America/New_York", "UTC", "Pacific/Kiritimati"].map(dateIn), [
      "2026-11-29",
      "2026-11-30",
      "2026-11-30"
    ])
  })

  it.prop(
    "no website needs a salt that has ended, and each salt ends within 52 hours after its first use",
    {
      time: Time,
      timeZone: TimeZone
    },
    ({ time, timeZone }) => {
      const days = VisitorSalts.daysOfLead(timeZone, time)
      assert.strictEqual(days[0], LocalTime.dayAt(timeZone, time))
      for (const day of days) {
        assert.isAbove(day, VisitorSalts.lastEnded(time))
        assert.isAtMost(day, VisitorSalts.lastEnded(time + 52 * hour))
      }
    }
  )

  it("a lead may belong to a visit of the day before in the first two hours of the website's day", () => {
    const midnight = Date.UTC(2026, 10, 30, 5)
    const today = dayOf(Date.UTC(2026, 10, 30))
    const daysAt = (time: number) => VisitorSalts.daysOfLead("America/New_York", time)
    assert.deepStrictEqual(daysAt(midnight - 1), [today - 1])
    assert.deepStrictEqual(daysAt(midnight), [today, today - 1])
    assert.deepStrictEqual(daysAt(midnight + 2 * hour - 1), [today, today - 1])
    assert.deepStrictEqual(daysAt(midnight + 2 * hour), [today])
  })

  it("a salt ends two hours after its date ended 12 hours behind UTC", () => {
    const ended = Date.UTC(2026, 11, 1, 14)
    assert.strictEqual(VisitorSalts.lastEnded(ended), dayOf(Date.UTC(2026, 10, 30)))
    assert.strictEqual(VisitorSalts.lastEnded(ended - 1), dayOf(Date.UTC(2026, 10, 29)))
  })
})
