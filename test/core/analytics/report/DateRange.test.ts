import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as DateRange from "../../../../src/core/analytics/report/DateRange.ts"
import * as LocalTime from "../../../../src/core/analytics/report/LocalTime.ts"
import { comparisons, type Request } from "../../../../src/core/analytics/report/Query.ts"
import { dateOf, dayMillis } from "../../../../src/core/text/Calendar.ts"
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
