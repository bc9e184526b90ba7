import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as DateRange from "../../../../src/core/analytics/report/DateRange.ts"
import * as LocalTime from "../../../../src/core/analytics/report/LocalTime.ts"
import { comparisons, type Request, timeDimensions } from "../../../../src/core/analytics/report/Query.ts"
import { dateOf, dayMillis } from "../../../../src/core/text/Calendar.ts"
import { Time, TimeZone } from "../../../support/Dates.ts"
import * as ReportQuery from "../../../support/ReportQuery.ts"

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

describe("core/analytics/report/DateRange", () => {
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
    const { first } = DateRange.compared({ first: date, last: date }, "year_over_year")
    const [year, day] = [Number(date.slice(0, 4)), date.slice(5)]
    assert.strictEqual(first, `${year - 1}-${day === "02-29" ? "02-28" : day}`)
  })

  it("`all` begins on the day of the first visit, or today if no visit is before today", () => {
    const range = { first: null, last: "2026-11-26" }
    assert.strictEqual(DateRange.withFirstDay(range, Date.UTC(2026, 4, 3)).first, "2026-05-03")
    assert.strictEqual(DateRange.withFirstDay(range, null).first, "2026-11-26")
    assert.strictEqual(DateRange.withFirstDay(range, Date.UTC(2027, 4, 3)).first, "2026-11-26")
  })

  it.prop(
    "a comparison has as many days as the range, and ends before the range begins",
    { day: between(0, 30_000), length: between(1, 300), comparison: Schema.Literals(comparisons) },
    ({ comparison, day, length }) => {
      const first = dateOf(day * dayMillis)
      const range = { first, last: LocalTime.addDays(first, length - 1) }
      const compared = DateRange.compared(range, comparison)
      assert.strictEqual(LocalTime.countDays(compared.first, compared.last), length)
      assert.isBelow(Date.parse(compared.last), Date.parse(first))
    }
  )

  it("compares with the days directly before, or with a year earlier", () => {
    const november = { first: "2026-11-01", last: "2026-11-25" }
    assert.deepStrictEqual(DateRange.compared(november, "previous_period"), { first: "2026-10-07", last: "2026-10-31" })
    assert.deepStrictEqual(DateRange.compared(november, "year_over_year"), { first: "2025-11-01", last: "2025-11-25" })
    assert.strictEqual(
      DateRange.compared({ first: "2028-02-29", last: "2028-02-29" }, "year_over_year").first,
      "2027-02-28"
    )
  })
})
