import { assert, it } from "@effect/vitest"
import * as AnalyticsExport from "../../src/analytics/AnalyticsExport.ts"
import { withoutFacts } from "../../src/analytics/StoredView.ts"

it("analytics/AnalyticsExport: the CSV cell of a refund is the negative number", () => {
  const refund = { name: "-Refund", path: "/", properties: null, revenue: { amount: -12.5, currency: "EUR" } }
  const event = { ...withoutFacts, hostedWebsiteId: "", receivedAt: 0, visitorHash: "", ...refund, isInteractive: true }
  const cells = AnalyticsExport.csv({ type: "event", event }).split(",")
  const cell = (name: string) => cells[AnalyticsExport.csvHeader.split(",").indexOf(`"${name}"`)]
  assert.deepStrictEqual([cell("revenue_amount"), cell("name")], ['"-12.5"', `"'-Refund"`])
})
