import { assert, describe, it } from "@effect/vitest"
import * as DateRange from "../../../src/analytics/reports/DateRange.ts"
import type { Query, Request } from "../../../src/analytics/reports/Query.ts"
import type { EventRow, SiteRows, ViewRow } from "../../../src/analytics/reports/Visits.ts"
import { viewWithoutFacts, withoutFacts } from "../../../src/analytics/StoredView.ts"
import * as Evaluation from "../../support/Evaluation.ts"
import * as ReportQuery from "../../support/ReportQuery.ts"

const start = Date.UTC(2026, 10, 25, 10)
const timeAt = (minute: number) => start + minute * 60_000

const client = { deviceType: "desktop", browser: "Firefox", os: "Linux", country: "DE" }
const { campaign: noCampaign } = viewWithoutFacts

const view = (visitor: string, minute: number, path: string, more: Partial<ViewRow> = {}): ViewRow => ({
  ...viewWithoutFacts,
  ...client,
  receivedAt: timeAt(minute),
  path,
  sessionId: visitor,
  visitorHash: visitor,
  ...more
})

const event = (visitor: string, minute: number, name: string, more: Partial<EventRow> = {}): EventRow => ({
  ...withoutFacts,
  ...client,
  receivedAt: timeAt(minute),
  path: "/pricing",
  sessionId: visitor,
  visitorHash: visitor,
  name,
  properties: null,
  revenue: null,
  isInteractive: true,
  ...more
})

const rows: SiteRows = {
  views: [
    // Ada comes from an advertisement and views three pages. An hour later she views one more.
    view("ada", 0, "/", { campaign: { ...noCampaign, source: "google", medium: "cpc", name: "spring" } }),
    view("ada", 10, "/pricing"),
    view("ada", 40, "/thanks/1"),
    view("ada", 100, "/pricing", { referrerHost: "news.example", referrerPath: "/a" }),
    // Bob views one page.
    view("bob", 5, "/pricing", { referrerHost: "www.google.com", referrerPath: "/", country: null }),
    // Eve views one page and scrolls on it.
    view("eve", 20, "/", { browser: null })
  ],
  events: [
    event("ada", 39, "Signup", { properties: { plan: "pro", seats: 3 }, revenue: { currency: "EUR", amount: 0.1 } }),
    event("ada", 40, "Signup", { properties: { plan: "pro" }, revenue: { currency: "EUR", amount: 0.2 } }),
    event("eve", 21, "Scroll", { path: "/" })
  ],
  conversions: [
    { visitStartedAt: timeAt(0), sessionKey: "ada", name: "Form submitted" },
    // No visit includes this time, so this conversion does not count.
    { visitStartedAt: timeAt(70), sessionKey: "ada", name: "Chat started" }
  ],
  goals: [
    { name: "Signed up", kind: "event", value: "Signup" },
    { name: "Thanked", kind: "page", value: "/thanks/*" }
  ]
}

const request: Request = {
  ...ReportQuery.plain,
  siteId: "3f0c2c1e-9c0b-4c57-8d55-6b6d0f6f7a10",
  metrics: ["visitors"],
  dateRange: "day",
  dimensions: [],
  orderBy: [{ by: "visitors", direction: "desc" }],
  limit: 100
}

const query = (parts: Partial<Request>): Query =>
  DateRange.queryOf(
    { ...request, ...parts, orderBy: parts.orderBy ?? [{ by: parts.metrics?.[0] ?? "visitors", direction: "desc" }] },
    { now: timeAt(300), timeZone: "UTC" }
  )

const resultsOf = (parts: Partial<Request>) =>
  Evaluation.evaluate(query(parts), rows).results.map(({ dimensions, metrics }) => [...dimensions, ...metrics])

describe("analytics/reports/Evaluate", () => {
  it("counts the visitors, visits and conversions of a day", () => {
    assert.deepStrictEqual(
      resultsOf({
        metrics: [
          "visitors",
          "visits",
          "pageviews",
          "events",
          "views_per_visit",
          "bounce_rate",
          "visit_duration",
          "conversions",
          "conversion_rate"
        ]
      }),
      // Two of four visits bounce: Ada's second and Bob's. Ada's first lasts 40 minutes, Eve's lasts one minute.
      [[3, 4, 6, 9, 1.5, 50, 615, 4, 33.33]]
    )
  })

  it("sums revenue exactly", () => {
    assert.deepStrictEqual(resultsOf({ metrics: ["total_revenue"] }), [
      [{ value: 0.3, currency: "EUR", short: "€0.3", long: "€0.30" }]
    ])
  })

  it("compares today until now with an earlier day until the same time, and says that today is not over", () => {
    const dayBefore = (minutes: number) => view("dan", minutes - 24 * 60, "/")
    const { meta, results } = Evaluation.evaluate(
      DateRange.queryOf(
        {
          ...request,
          dimensions: ["time:day"],
          metrics: ["visits"],
          comparison: "previous_period",
          includeTimeLabels: true
        },
        { now: timeAt(30), timeZone: "UTC" }
      ),
      { ...rows, views: [...rows.views, dayBefore(0), dayBefore(40)] }
    )
    assert.deepStrictEqual(results[0]?.comparison?.metrics, [1])
    assert.deepStrictEqual(meta.partial_time_labels, meta.time_labels)
  })

  it("takes a visit's source from its first view", () => {
    assert.deepStrictEqual(
      resultsOf({ metrics: ["pageviews", "conversions"], dimensions: ["visit:source", "visit:channel"] }),
      [
        ["Google", "Paid Search", 3, 4],
        ["Direct / None", "Direct", 1, 0],
        ["Google", "Organic Search", 1, 0],
        ["news.example", "Referral", 1, 0]
      ]
    )
  })

  it("counts the visits that viewed a page, and the bounces of the visits that began on the page", () => {
    assert.deepStrictEqual(resultsOf({ metrics: ["visits", "pageviews", "bounce_rate"], dimensions: ["event:page"] }), [
      ["/pricing", 3, 3, 100],
      ["/", 2, 2, 0],
      ["/thanks/1", 1, 1, 0]
    ])
    assert.deepStrictEqual(
      resultsOf({
        metrics: ["visits", "visit_duration"],
        filters: [{ operator: "is", dimension: "event:page", values: ["/pricing"] }]
      }),
      [[3, 0]]
    )
  })

  it("groups conversions by goal", () => {
    assert.deepStrictEqual(
      resultsOf({
        metrics: ["conversions", "visitors", "conversion_rate", "group_conversion_rate"],
        dimensions: ["event:goal"]
      }),
      [
        ["Signed up", 2, 1, 33.33, 33.33],
        ["Form submitted", 1, 1, 33.33, 33.33],
        ["Thanked", 1, 1, 33.33, 33.33]
      ]
    )
    assert.deepStrictEqual(
      resultsOf({ metrics: ["conversion_rate", "group_conversion_rate"], dimensions: ["visit:utm_campaign"] }),
      [
        ["spring", 33.33, 100],
        ["(not set)", 0, 0]
      ]
    )
  })

  it("groups events by a property", () => {
    assert.deepStrictEqual(
      resultsOf({
        metrics: ["events"],
        dimensions: ["event:props:plan", "event:props:seats"],
        filters: [{ operator: "is", dimension: "event:goal", values: ["Signed up"] }]
      }),
      [
        ["pro", "(not set)", 1],
        ["pro", "3", 1]
      ]
    )
  })
})
