import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as DateRange from "../../../src/analytics/reports/DateRange.ts"
import * as LocalTime from "../../../src/analytics/reports/LocalTime.ts"
import { comparisons, type Request, timeDimensions } from "../../../src/analytics/reports/Query.ts"
import { dateOf, dayMillis } from "../../../src/platform/text/Calendar.ts"
import { Time, TimeZone } from "../../support/Dates.ts"
import * as ReportQuery from "../../support/ReportQuery.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

const request = (dateRange: Request["dateRange"]): Request => ({
  ...ReportQuery.plain,
  siteId: "",
  metrics: ["visitors"],
  dateRange,
  dimensions: [],
  limit: 1
})

/** The number of a date's month. */
const monthIndex = (date: string): number => 12 * Number(date.slice(0, 4)) + Number(date.slice(5, 7))

const resolve = (dateRange: Request["dateRange"], now: number, timeZone = "UTC") =>
  DateRange.queryOf(request(dateRange), { now, timeZone }).range

/** A query of days that are over. */
const over = { dimensions: [], now: null, timeZone: "UTC" }

describe("analytics/reports/DateRange", () => {
  it("resolves the first day of each period, and today in the site's zone as the last", () => {
    const now = Date.UTC(2026, 10, 26, 23, 30)
    const periods = ["day", "7d", "28d", "30d", "91d", "month", "6mo", "12mo", "year", "all"] as const
    const firsts = (timeZone: string) => periods.map((period) => resolve(period, now, timeZone).first)
    assert.deepStrictEqual(firsts("UTC"), [
      "2026-11-26",
      "2026-11-20",
      "2026-10-30",
      "2026-10-28",
      "2026-08-28",
      "2026-11-01",
      "2026-06-01",
      "2025-12-01",
      "2026-01-01",
      null
    ])
    assert.strictEqual(resolve("7d", now).last, "2026-11-26")
    assert.strictEqual(resolve("7d", now, "Europe/Berlin").last, "2026-11-27")
    assert.deepStrictEqual(resolve({ first: "2026-01-01", last: "2026-01-02" }, now), {
      first: "2026-01-01",
      last: "2026-01-02"
    })
  })

  it.prop(
    "a period of days ends today in the site's zone, and has as many days",
    { now: Time, timeZone: TimeZone, length: Schema.Literals([7, 28, 30, 91]) },
    ({ length, now, timeZone }) => {
      const { first, last } = resolve(`${length}d`, now, timeZone)
      assert.strictEqual(last, new Date(now).toLocaleDateString("sv-SE", { timeZone }))
      assert.strictEqual(LocalTime.countDays(first ?? last, last), length)
    }
  )

  it.prop(
    "a period of months begins on the first day of so many months, of which this month is the last",
    { now: Time, timeZone: TimeZone, period: Schema.Literals(["month", "6mo", "12mo", "year"]) },
    ({ now, period, timeZone }) => {
      const { first, last } = resolve(period, now, timeZone)
      const months = { month: 1, "6mo": 6, "12mo": 12, year: Number(last.slice(5, 7)) }[period]
      assert.strictEqual(last, DateRange.today({ now, timeZone }))
      assert.strictEqual(first?.slice(8), "01")
      assert.strictEqual(monthIndex(last) - monthIndex(first ?? last) + 1, months)
    }
  )

  it.prop(
    "the labels of a range ascend, and the label of a time in the range is among them",
    {
      time: Time,
      timeZone: TimeZone,
      before: between(0, 70),
      after: between(0, 70),
      dimension: Schema.Literals(timeDimensions)
    },
    ({ after, before, dimension, time, timeZone }) => {
      const date = DateRange.today({ now: time, timeZone })
      const range = { first: LocalTime.addDays(date, -before), last: LocalTime.addDays(date, after) }
      const labels = DateRange.labels(dimension, range, timeZone)
      assert.deepStrictEqual(labels, [...new Set(labels)].sort())
      assert.include(labels, DateRange.label(dimension, LocalTime.zone(timeZone).toLocal(time)))
    }
  )

  it.prop("a year earlier is the same day, or February 28 instead of 29", { time: Time }, ({ time }) => {
    const date = dateOf(time)
    const { first } = DateRange.compared({ first: date, last: date }, { ...over, comparison: "year_over_year" })
    const [year, day] = [Number(date.slice(0, 4)), date.slice(5)]
    assert.strictEqual(first, `${year - 1}-${day === "02-29" ? "02-28" : day}`)
  })

  it("`all` begins on the day of the first visit, or today if no visit is before today", () => {
    const all = { range: { first: null, last: "2026-11-26" }, now: null, timeZone: "UTC" }
    assert.strictEqual(DateRange.resolved(all, Date.UTC(2026, 4, 3)).first, "2026-05-03")
    assert.strictEqual(DateRange.resolved(all, null).first, "2026-11-26")
    assert.strictEqual(DateRange.resolved(all, Date.UTC(2027, 4, 3)).first, "2026-11-26")
  })

  it("a query until now ends now if its last day is today, and has all visits of an earlier range", () => {
    const [now, first] = [Date.parse("2026-11-26T23:00Z"), "2026-11-01"]
    const untilOf = (last: string, timeZone: string) =>
      DateRange.resolved({ range: { first, last }, now, timeZone, untilNow: true }, null).until
    assert.strictEqual(untilOf("2026-11-26", "UTC"), now)
    assert.isUndefined(untilOf("2026-11-26", "Europe/Berlin"))
    assert.strictEqual(untilOf("2026-11-27", "Europe/Berlin"), now)
  })

  it.prop(
    "a comparison has as many days as the range, and ends before the range begins",
    { day: between(0, 30_000), length: between(1, 300), comparison: Schema.Literals(comparisons) },
    ({ comparison, day, length }) => {
      const first = dateOf(day * dayMillis)
      const range = { first, last: LocalTime.addDays(first, length - 1) }
      const compared = DateRange.compared(range, { ...over, comparison })
      assert.strictEqual(LocalTime.countDays(compared.first, compared.last), length)
      assert.isBelow(Date.parse(compared.last), Date.parse(first))
    }
  )

  it("compares with the days directly before, or with a year earlier", () => {
    const november = { first: "2026-11-01", last: "2026-11-25" }
    assert.deepStrictEqual(DateRange.compared(november, { ...over, comparison: "previous_period" }), {
      first: "2026-10-07",
      last: "2026-10-31"
    })
    assert.deepStrictEqual(DateRange.compared(november, { ...over, comparison: "year_over_year" }), {
      first: "2025-11-01",
      last: "2025-11-25"
    })
    assert.strictEqual(
      DateRange.compared({ first: "2028-02-29", last: "2028-02-29" }, { ...over, comparison: "year_over_year" }).first,
      "2027-02-28"
    )
  })

  it.prop(
    "if the range ends today, the comparison ends when the wall clock shows the same time, unless the query is by hours",
    { time: Time, timeZone: TimeZone, comparison: Schema.Literals(comparisons), length: between(1, 60) },
    ({ comparison, length, time, timeZone }) => {
      const last = DateRange.today({ now: time, timeZone })
      const range = { first: LocalTime.addDays(last, 1 - length), last }
      const query = { comparison, dimensions: [], now: time, timeZone }
      const { until = 0, ...days } = DateRange.compared(range, query)
      const { toLocal } = LocalTime.zone(timeZone)
      const [day] = LocalTime.days(timeZone, days.last, days.last)
      const ofDay = (at: number) => toLocal(at) - LocalTime.midnight(dateOf(toLocal(at)))
      assert.isTrue(day !== undefined && until >= day.start && until <= day.end)
      // A clock change may skip or repeat the time.
      if (until > day!.start && until < day!.end) assert.isAtMost(Math.abs(ofDay(until) - ofDay(time)), 3_600_000)
      assert.isUndefined(DateRange.compared(range, { ...query, dimensions: ["time:hour"] }).until)
      assert.isUndefined(DateRange.compared({ ...range, last: LocalTime.addDays(last, -1) }, query).until)
      assert.include(DateRange.unfinishedLabels("time:day", range, query), last)
    }
  )

  it("compares today until 14:37 with an earlier day until 14:37, also if a clock change lies between", () => {
    const query = { comparison: "previous_period", dimensions: [], timeZone: "Europe/Berlin" } as const
    const now = Date.parse("2026-10-26T14:37:00+01:00")
    const { until = 0 } = DateRange.compared({ first: "2026-10-25", last: "2026-10-26" }, { ...query, now })
    assert.strictEqual(new Date(until).toISOString(), "2026-10-24T12:37:00.000Z")
  })
})
