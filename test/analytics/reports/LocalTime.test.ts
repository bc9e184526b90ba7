import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as DateRange from "../../../src/analytics/reports/DateRange.ts"
import * as LocalTime from "../../../src/analytics/reports/LocalTime.ts"
import { dateOf } from "../../../src/platform/text/Calendar.ts"
import { Time, TimeZone } from "../../support/Dates.ts"

const hour = 3_600_000

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("analytics/reports/LocalTime", () => {
  it.prop("a time is in the day of its local date", { time: Time, timeZone: TimeZone }, ({ time, timeZone }) => {
    const date = dateOf(LocalTime.zone(timeZone).toLocal(time))
    const [day] = LocalTime.days(timeZone, date, date)
    assert.isTrue(day !== undefined && day.start <= time && time < day.end)
  })

  it.prop(
    "a time is within the bounds of a range of days exactly if its local date is in the range",
    {
      time: Time,
      timeZone: TimeZone,
      from: Schema.UndefinedOr(between(-2, 2)),
      to: Schema.UndefinedOr(between(-2, 2))
    },
    ({ from, time, timeZone, to }) => {
      const date = dateOf(LocalTime.zone(timeZone).toLocal(time))
      const dates = {
        from: from === undefined ? undefined : LocalTime.addDays(date, from),
        to: to === undefined ? undefined : LocalTime.addDays(date, to)
      }
      const { before = Number.POSITIVE_INFINITY, since = Number.NEGATIVE_INFINITY } = LocalTime.boundsOf(
        dates,
        timeZone
      )
      assert.strictEqual(since <= time && time < before, (from ?? 0) <= 0 && (to ?? 0) >= 0)
    }
  )

  it.prop(
    "days follow each other without gaps",
    { time: Time, length: between(1, 40), timeZone: TimeZone },
    ({ length, time, timeZone }) => {
      const first = dateOf(time)
      const days = LocalTime.days(timeZone, first, LocalTime.addDays(first, length - 1))
      assert.strictEqual(days.length, length)
      for (const [index, day] of days.entries()) {
        assert.strictEqual(day.date, LocalTime.addDays(first, index))
        assert.strictEqual(day.end, days[index + 1]?.start ?? day.end)
        assert.isAbove(day.end, day.start)
        assert.strictEqual(dateOf(LocalTime.zone(timeZone).toLocal(day.start)), day.date)
      }
    }
  )

  it.prop(
    "the offset of a time is that of the last change before it",
    { time: Time, length: between(1, 200), at: between(0, 1_000_000), timeZone: TimeZone },
    ({ at, length, time, timeZone }) => {
      const first = dateOf(time)
      const days = LocalTime.days(timeZone, first, LocalTime.addDays(first, length - 1))
      const [start, end] = [days[0]?.start ?? 0, days.at(-1)?.end ?? 0]
      const instant = start + Math.floor(((end - start - 1) * at) / 1_000_000)
      const lastChange = LocalTime.offsets(timeZone, days).findLast((change) => change.start <= instant)
      assert.strictEqual(lastChange?.offset, LocalTime.zone(timeZone).toLocal(instant) - instant)
    }
  )

  it.prop(
    "hours cover their day without gaps, and each is labelled with its local time",
    { time: Time, timeZone: TimeZone },
    ({ time, timeZone }) => {
      const { toLocal } = LocalTime.zone(timeZone)
      const date = dateOf(toLocal(time))
      const [day] = LocalTime.days(timeZone, date, date)
      assert.isDefined(day)
      const hours = day === undefined ? [] : LocalTime.hours(timeZone, day)
      assert.deepStrictEqual([hours[0]?.start, hours.at(-1)?.end], [day?.start, day?.end])
      for (const [index, { end }] of hours.slice(0, -1).entries()) assert.strictEqual(end, hours[index + 1]?.start)
      const hourOfTime = hours.find(({ end, start }) => start <= time && time < end)
      assert.strictEqual(hourOfTime?.label, DateRange.label("time:hour", toLocal(time)))
    }
  )

  it("handles the days on which clocks change", () => {
    const lengths = (timeZone: string, date: string) =>
      LocalTime.days(timeZone, date, date).map(({ end, start }) => (end - start) / hour)
    assert.deepStrictEqual(lengths("Europe/Berlin", "2026-03-29"), [23])
    assert.deepStrictEqual(lengths("Europe/Berlin", "2026-10-25"), [25])
    assert.deepStrictEqual(lengths("Australia/Lord_Howe", "2026-04-05"), [24.5])
    const [day] = LocalTime.days("Europe/Berlin", "2026-10-25", "2026-10-25")
    const hours = day === undefined ? [] : LocalTime.hours("Europe/Berlin", day)
    assert.strictEqual(hours.length, 24)
    assert.deepStrictEqual(
      hours.filter(({ end, start }) => end - start !== hour).map(({ label }) => label),
      ["2026-10-25 02:00:00"]
    )
    const spring = DateRange.labels("time:hour", { first: "2026-03-29", last: "2026-03-29" }, "Europe/Berlin")
    assert.strictEqual(spring.length, 23)
    assert.notInclude(spring, "2026-03-29 02:00:00")
  })

  it("begins a day at the clock change that skips its midnight", () => {
    const [day] = LocalTime.days("Africa/Cairo", "2026-04-24", "2026-04-24")
    assert.strictEqual(day?.start, Date.UTC(2026, 3, 23, 22))
    assert.strictEqual(LocalTime.hours("Africa/Cairo", day ?? assert.fail())[0]?.label, "2026-04-24 01:00:00")
  })

  it.prop("a week begins on the last Monday, and a month on its first day", { time: Time }, ({ time }) => {
    const date = dateOf(time)
    const [monday, first] = [LocalTime.weekOf(date), LocalTime.monthOf(date)]
    assert.strictEqual(new Date(monday).getUTCDay(), 1)
    assert.include([1, 2, 3, 4, 5, 6, 7], LocalTime.countDays(monday, date))
    assert.strictEqual(LocalTime.countDays(first, date), new Date(date).getUTCDate())
  })

  it("begins weeks on Monday and months on their first day", () => {
    assert.strictEqual(LocalTime.weekOf("2026-11-26"), "2026-11-23")
    assert.strictEqual(LocalTime.weekOf("2026-11-23"), "2026-11-23")
    assert.strictEqual(LocalTime.weekOf("1969-12-31"), "1969-12-29")
    assert.strictEqual(LocalTime.monthOf("2026-11-26"), "2026-11-01")
  })
})
