/**
 * Days of a website's zone, the intervals and the axes of a chart, and the formats of numbers and labels.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as DateRange from "../../src/analytics/reports/DateRange.ts"
import * as LocalTime from "../../src/analytics/reports/LocalTime.ts"
import type { Interval } from "../../src/console/Address.ts"
import * as Calendar from "../../src/console/Calendar.ts"
import * as Format from "../../src/console/Format.ts"
import * as Points from "../../src/console/overview/Points.ts"
import { Time, TimeZone } from "../support/Dates.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const dateOf = (millis: number): string => new Date(millis).toISOString().slice(0, 10)

describe("console/Calendar", () => {
  it("yesterday and last month are those of the website's zone", () => {
    const facts = { now: Date.UTC(2026, 2, 1, 2), timeZone: "America/New_York" }
    assert.deepStrictEqual(Calendar.dateRangeOf("yesterday", facts), ["2026-02-27", "2026-02-27"])
    assert.deepStrictEqual(Calendar.dateRangeOf("last-month", facts), ["2026-01-01", "2026-01-31"])
    assert.strictEqual(Calendar.dateRangeOf("30d", facts), "30d")
    assert.strictEqual(Calendar.hour(facts.now, facts.timeZone), "2026-02-28 21:00:00")
  })

  it.prop(
    "days and hours are those of the service's reports",
    { now: Time, timeZone: TimeZone },
    ({ now, timeZone }) => {
      const today = Calendar.today(now, timeZone)
      assert.strictEqual(today, DateRange.today({ now, timeZone }))
      assert.strictEqual(Calendar.hour(now, timeZone), LocalTime.hourOf(LocalTime.zone(timeZone).toLocal(now)))
      const [yesterday, end] = Calendar.dateRangeOf("yesterday", { now, timeZone })
      assert.deepStrictEqual([yesterday, end], [LocalTime.addDays(today, -1), yesterday])
      const [first = "", last = ""] = Calendar.dateRangeOf("last-month", { now, timeZone })
      assert.strictEqual(Calendar.addDays(last, 1), LocalTime.monthOf(today))
      assert.strictEqual(first, LocalTime.monthOf(last))
    }
  )

  it.prop("so many days later is so many days away", { time: Time, days: between(-800, 800) }, ({ days, time }) => {
    const date = dateOf(time)
    const other = Calendar.addDays(date, days)
    assert.strictEqual(Calendar.countDays([date, other]), days + 1)
    assert.strictEqual(other, LocalTime.addDays(date, days))
  })

  it.prop("the default interval of a range is one that its menu offers", [between(1, 4000)], ([days]) => {
    assert.include(Calendar.intervalsOf(days), Calendar.defaultInterval(days))
  })

  it.prop(
    "the days of the labels of a range are the days of the range, each once",
    [Schema.Literals(["time:day", "time:week", "time:month"]), Time, between(0, 400)],
    ([interval, start, length]) => {
      const first = dateOf(start)
      const range = { first, last: dateOf(Date.parse(first) + length * 86_400_000) }
      const covered = DateRange.labels(interval, range, "UTC").map((label) =>
        Calendar.daysOf(interval as Interval, label, [range.first, range.last])
      )
      assert.strictEqual(covered[0]?.[0], range.first)
      assert.strictEqual(covered.at(-1)?.[1], range.last)
      assert.strictEqual(
        covered.reduce((sum, days) => sum + Calendar.countDays(days), 0),
        length + 1
      )
    }
  )
})

describe("console/overview/Points", () => {
  it.prop(
    "the y axis begins at zero and reaches at least the largest value in few steps",
    [between(0, 10 ** 9), Schema.Boolean],
    ([max, isDuration]) => {
      const levels = Points.levels(max, isDuration)
      assert.strictEqual(levels[0], 0)
      assert.isAtLeast(levels.at(-1) ?? -1, Math.max(max, 1))
      assert.isAtMost(levels.length, 6)
    }
  )

  it.prop(
    "the labels of the x axis begin with the first point and do not overlap",
    [between(1, 800), between(150, 3000)],
    ([count, space]) => {
      const ticks = Points.ticks(count, space, 76)
      assert.strictEqual(ticks[0], 0)
      assert.isBelow(ticks.at(-1) ?? count, count)
      assert.isAtMost(ticks.length, Math.max(2, Math.floor(space / 76)))
    }
  )

  it("a label without a result is a point of the value 0; the point of a result also has the compared value", () => {
    const points = Points.of({
      results: [
        {
          dimensions: ["2026-01-02"],
          metrics: [5],
          comparison: { dimensions: ["2026-01-01"], metrics: [3], change: [66] }
        }
      ],
      meta: {
        ...{ time_zone: "UTC", definitions: [], time_labels: ["2026-01-01", "2026-01-02"] },
        partial_time_labels: ["2026-01-02"]
      },
      query: {} as never
    })
    assert.deepStrictEqual(points, [
      { label: "2026-01-01", isUnfinished: false, value: 0, before: undefined, beforeLabel: undefined, change: null },
      { label: "2026-01-02", isUnfinished: true, value: 5, before: 3, beforeLabel: "2026-01-01", change: 66 }
    ])
  })
})

describe("console/Format", () => {
  it("a time of yesterday names its day, also within the last hours", () => {
    const facts = { now: Date.UTC(2026, 11, 1, 8), timeZone: "UTC" }
    assert.strictEqual(
      Format.latest("2026-12-01T00:00:05.000Z", facts),
      Format.second("2026-12-01T00:00:05.000Z", "UTC")
    )
    assert.include(Format.latest("2026-11-30T23:59:55.000Z", facts), "Nov 30")
    // There, it is the same day.
    const there = { ...facts, timeZone: "America/New_York" }
    assert.notInclude(Format.latest("2026-12-01T05:00:05.000Z", there), "Dec 1")
    assert.include(Format.latest("2026-12-01T04:59:55.000Z", there), "Nov 30")
  })

  it("metrics, changes and shares are formatted", () => {
    assert.deepStrictEqual(
      [
        Format.metric("visitors", 1234),
        Format.metric("visitors", 1_234_567, true),
        Format.metric("bounce_rate", 43),
        Format.metric("conversion_rate", 2.45),
        Format.metric("visit_duration", 47),
        Format.metric("visit_duration", 102),
        Format.metric("visit_duration", 4320),
        Format.metric("total_revenue", { value: 12, currency: "EUR", short: "€12", long: "€12.00" }),
        Format.metric("total_revenue", null),
        Format.change("visitors", -12.4),
        Format.change("bounce_rate", 1),
        Format.share(1, 300),
        Format.share(150, 300)
      ],
      ["1,234", "1.23M", "43%", "2.45%", "47s", "1m 42s", "1h 12m", "€12.00", "–", "12%", "1 pt", "<1%", "50%"]
    )
  })

  it("a time that follows another has its day if that is another day of the zone", () => {
    const before = "2026-11-19T22:10:00.000Z"
    assert.strictEqual(Format.following("2026-11-19T22:14:00.000Z", before, "UTC").replace(/\s/g, " "), "10:14 PM")
    assert.strictEqual(
      Format.following("2026-11-20T06:14:00.000Z", before, "UTC").replace(/\s/g, " "),
      "Nov 20, 6:14 AM"
    )
    assert.strictEqual(
      Format.following("2026-11-20T00:14:00.000Z", before, "America/New_York").replace(/\s/g, " "),
      "7:14 PM"
    )
  })

  it("the time of a label is not converted to the browser's time zone", () => {
    assert.strictEqual(Format.longLabel("time:hour", "2026-01-05 23:00:00"), "Mon, Jan 5, 2026, 11 PM")
    assert.strictEqual(Format.longLabel("time:day", "2026-01-05"), "Mon, Jan 5, 2026")
    assert.strictEqual(Format.longLabel("time:month", "2026-01-01"), "January 2026")
    assert.strictEqual(Format.shortLabel("time:month", "2026-01-01"), "2026")
    assert.strictEqual(Format.shortLabel("time:month", "2026-02-01"), "Feb")
  })

  it("a country has its name, and an absent value a label", () => {
    assert.strictEqual(Format.value("visit:country", "NO"), "Norway")
    assert.strictEqual(Format.value("visit:country", "(not set)"), "Unknown")
    assert.strictEqual(Format.value("visit:source", "Direct / None"), "Direct")
    assert.strictEqual(Format.value("event:page", "mobile"), "mobile")
  })
})
