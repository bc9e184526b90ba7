import { assert, it } from "@effect/vitest"
import * as AnalyticsExport from "../../src/analytics/AnalyticsExport.ts"

it("analytics/AnalyticsExport: the CSV cell of a refund is the negative number", () => {
  const visitor = { sessionId: null, visitorHash: "", deviceType: null, browser: null, os: null, country: null }
  const refund = { name: "-Refund", path: "/", properties: null, revenue: { amount: -12.5, currency: "EUR" } }
  const event = { hostedWebsiteId: "", receivedAt: 0, ...visitor, ...refund, isInteractive: true }
  const cells = AnalyticsExport.csv({ type: "event", event }).split(",")
  const cell = (name: string) => cells[AnalyticsExport.csvHeader.split(",").indexOf(`"${name}"`)]
  assert.deepStrictEqual([cell("revenue_amount"), cell("name")], ['"-12.5"', `"'-Refund"`])
})
