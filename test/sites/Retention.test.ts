import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as Retention from "../../src/sites/Retention.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))
const day = 86_400_000

/** Any time within 150 years, often close to a leap day or to the end of a month or a year. */
const Now = Schema.Union([
  between(Date.UTC(1970, 0, 1), Date.UTC(2120, 0, 1)),
  between(Date.UTC(2028, 1, 26), Date.UTC(2028, 2, 2)),
  between(Date.UTC(2027, 1, 26), Date.UTC(2027, 3, 1)),
  between(Date.UTC(2026, 11, 29), Date.UTC(2027, 0, 2))
])
const Period = Schema.Union([
  Schema.Struct({ count: between(1, 800), unit: Schema.Literal("days") }),
  Schema.Struct({ count: between(1, 30), unit: Schema.Literal("months") })
])

/** The partitions of the months around a time. */
const monthsAround = (now: number) =>
  Array.from({ length: 120 }, (_, index) => {
    const date = new Date(now)
    const month = (offset: number) => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + index - 110 + offset, 1)
    return { name: new Date(month(0)).toISOString().slice(0, 7), from: month(0), to: month(1) }
  })

describe("sites/Retention.parse", () => {
  it.prop("parses a number of days or months, up to a hundred years", [between(1, 99_999)], ([count]) => {
    for (const [unit, max] of [
      ["days", 36_500],
      ["months", 1_200]
    ] as const) {
      const expected = count <= max ? Option.some({ count, unit }) : Option.none()
      assert.deepStrictEqual(Retention.parse(`${count} ${unit}`), expected)
      assert.deepStrictEqual(Retention.parse(`${count} ${unit.slice(0, -1)}`), expected)
      assert.deepStrictEqual(Option.flatMap(Option.map(expected, Retention.format), Retention.parse), expected)
    }
  })

  it("rejects similar texts", () => {
    for (const text of ["", "90", "days", "0 days", "-1 days", "1.5 months", "1e2 days", "90days", "90 d", "2 years"]) {
      assert.isTrue(Option.isNone(Retention.parse(text)), text)
    }
  })
})

describe("sites/Retention.cutoff", () => {
  it("a month ago is the same day and time, or the end of a month without that day", () => {
    for (const [count, now, expected] of [
      [1, "2026-11-25T08:30:00Z", "2026-10-25T08:30:00Z"],
      [1, "2027-03-28T10:00:00Z", "2027-02-28T10:00:00Z"],
      [1, "2027-03-29T10:00:00Z", "2027-03-01T00:00:00Z"],
      [1, "2027-03-31T09:00:00Z", "2027-03-01T00:00:00Z"],
      [12, "2028-02-29T12:00:00Z", "2027-03-01T00:00:00Z"],
      [13, "2027-01-31T00:00:00Z", "2025-12-31T00:00:00Z"]
    ] as const) {
      assert.strictEqual(Retention.cutoff({ count, unit: "months" }, Date.parse(now)), Date.parse(expected), now)
    }
  })

  it.prop("data is kept for the whole retention, short months included", [Period, Now], ([period, now]) => {
    const length = now - Retention.cutoff(period, now)
    if (period.unit === "days") assert.strictEqual(length, period.count * day)
    else {
      // A month has 28 to 31 days. If the month of the cutoff lacks the day, the data is kept up to three days longer.
      assert.isAtLeast(length, period.count * 28 * day)
      assert.isAtMost(length, period.count * 31 * day)
    }
  })

  it.prop("a later `now` never has an earlier cutoff", [Period, Now, between(0, 40 * day)], ([period, now, later]) => {
    assert.isAtLeast(Retention.cutoff(period, now + later), Retention.cutoff(period, now))
  })
})

describe("sites/Retention.expired", () => {
  it.prop("a partition expires if and only if all of its rows have expired", [Period, Now], ([period, now]) => {
    const months = monthsAround(now)
    const dropped = new Set(Retention.expired(period, months, now))
    // The latest rows of a month are from just before its end.
    for (const month of months) assert.strictEqual(dropped.has(month), month.to <= Retention.cutoff(period, now))
  })

  it.prop("an expired partition stays expired", [Period, Now, between(0, 400 * day)], ([period, now, later]) => {
    const months = monthsAround(now)
    const after = new Set(Retention.expired(period, months, now + later))
    for (const month of Retention.expired(period, months, now)) assert.isTrue(after.has(month))
  })

  it.prop("a partition without an upper bound never expires", [Period, Now], ([period, now]) => {
    assert.deepStrictEqual(Retention.expired(period, [{ name: "page_view_default", to: null }], now), [])
  })

  it.prop(
    "`firstMonth`, before which rows are deleted, is at most a month before the cutoff, and no expired partition ends after it",
    [Period, Now],
    ([period, now]) => {
      const first = Retention.firstMonth(period, now)
      assert.isAtMost(first, Retention.cutoff(period, now))
      assert.isAbove(first, Retention.cutoff(period, now) - 31 * day)
      for (const month of Retention.expired(period, monthsAround(now), now)) assert.isAtMost(month.to, first)
    }
  )
})
