/** The texts of `stats`. */
import { assert, describe, it } from "@effect/vitest"
import * as StatsText from "../../../src/cli/support/StatsText.ts"

describe("cli/support/StatsText", () => {
  it("a chart without room for the first metric has bars of the second metric, under its heading", () => {
    const dimensions = ["/"]
    const comparison = { dimensions, metrics: [60, 5, 9], change: [50, 40, 33] }
    const chart = StatsText.chart(
      { dimensions: ["event:page"], metrics: ["visit_duration", "visitors", "visits"] },
      [{ site: null, row: { dimensions, metrics: [90, 7, 12], comparison } }],
      80
    )
    const [heading = "", row = ""] = chart.split("\n")
    assert.match(heading, /^event:page\s+visitors\s+change\s+visits$/)
    assert.match(row, /^\/\s+█+\s+7\s+\+40 %\s+12$/)
  })

  it("the period of several websites spans their dates, and is not over if it ends today where one of them is", () => {
    const answer = (timeZone: string, first: string, last: string) => ({
      query: { date_range: [first, last] as const },
      meta: { time_zone: timeZone, comparison_date_range: [first, last] as const }
    })
    // In Auckland it is November 26.
    const now = Date.parse("2026-11-25T20:00Z")
    const berlin = answer("Europe/Berlin", "2026-11-19", "2026-11-25")
    const auckland = answer("Pacific/Auckland", "2026-11-20", "2026-11-26")
    const days = ["2026-11-19", "2026-11-26"] as const
    assert.deepStrictEqual(StatsText.periodOf([berlin, auckland], now), { days, compared: days, isUnfinished: true })
    const ended = answer("Pacific/Auckland", "2026-11-19", "2026-11-25")
    assert.isFalse(StatsText.periodOf([ended], now).isUnfinished)
    assert.isTrue(StatsText.periodOf([ended, berlin], now).isUnfinished)
  })
})
