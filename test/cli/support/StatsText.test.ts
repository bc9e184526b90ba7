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
})
