import { assert, describe, it } from "@effect/vitest"
import type { RevenueTotal } from "../../../src/analytics/reports/Answer.ts"
import * as Counts from "../../../src/analytics/reports/Counts.ts"

const euros = (value: number): RevenueTotal => ({ value, currency: "EUR", short: `€${value}`, long: `€${value}` })

describe("analytics/reports/Counts", () => {
  it("the change of revenue has the sign of the difference, also if refunds exceed the revenue", () => {
    const change = (old: number, current: number) => Counts.change("total_revenue", euros(old), euros(current))
    assert.deepStrictEqual(
      [change(200, 300), change(100, -100), change(-100, 100), change(-100, -150), change(0, 5), change(0, -5)],
      [50, -200, 200, -50, 100, -100]
    )
    assert.strictEqual(change(0, 0), 0)
  })
})
