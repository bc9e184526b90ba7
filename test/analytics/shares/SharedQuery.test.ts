import { assert, describe, it } from "@effect/vitest"
import { Result } from "effect"
import * as QueryBody from "../../../src/analytics/reports/QueryBody.ts"
import * as SharedQuery from "../../../src/analytics/shares/SharedQuery.ts"
import type { Numbers } from "../../../src/sites/access/Share.ts"
import { siteId } from "../../support/Reports.ts"

const valid = { site_id: siteId, metrics: ["visitors"], date_range: "30d" }

const decode = (parts: Record<string, unknown>) => Result.getOrThrow(QueryBody.decode({ ...valid, ...parts }))

/** The paths of what is refused; none if the query is accepted. */
const refusedPaths = (parts: Record<string, unknown>, numbers: Numbers = "protected") =>
  SharedQuery.refuse(decode(parts), numbers).map(({ path }) => path.join("."))

const google = ["is", "visit:source", ["Google"]]
const leads = ["is", "event:goal", ["Chat started", "Form submitted"]]

describe("analytics/shares/SharedQuery", () => {
  it("accepts the queries of the console's overview", () => {
    for (const parts of [
      { metrics: ["visitors", "visits", "pageviews", "bounce_rate", "visit_duration"], filters: [google] },
      { metrics: ["conversions"], filters: [google, leads], dimensions: ["time:day"], include: { time_labels: true } },
      { dimensions: ["event:page"], filters: [google, ["contains", "event:page", ["a"]]] },
      {
        metrics: ["conversion_rate"],
        dimensions: ["event:goal"],
        filters: [google, ["contains", "event:goal", ["a"]]]
      },
      { dimensions: ["visit:utm_campaign"], filters: [["is_not", "visit:utm_campaign", ["(not set)"]]] },
      { date_range: "all", include: { comparison: "year_over_year" } }
    ]) {
      assert.deepStrictEqual(refusedPaths(parts), [], JSON.stringify(parts))
    }
  })

  it("with exact numbers, refuses only revenue and what could identify a person", () => {
    for (const parts of [
      { date_range: ["2026-10-01", "2026-10-02"], filters: [google, ["is_not", "visit:country", ["NO", "SE"]]] },
      { metrics: ["conversions", "group_conversion_rate"], dimensions: ["visit:utm_campaign"], filters: [leads] },
      { dimensions: ["visit:source", "visit:country"] }
    ]) {
      assert.deepStrictEqual(refusedPaths(parts, "exact"), [], JSON.stringify(parts))
      assert.isNotEmpty(refusedPaths(parts), JSON.stringify(parts))
    }
    assert.deepStrictEqual(refusedPaths({ metrics: ["total_revenue"] }, "exact"), ["metrics.0"])
    assert.deepStrictEqual(refusedPaths({ dimensions: ["event:props:email"] }, "exact"), ["dimensions.0"])
    const nested = ["not", ["or", [google, ["is", "visit:referrer", ["mail.example/ann"]]]]]
    assert.deepStrictEqual(refusedPaths({ filters: [nested] }, "exact"), ["filters"])
  })

  it("refuses queries that could single out a few visitors", () => {
    for (const [parts, locations] of [
      [{ date_range: ["2026-10-01", "2026-10-02"] }, ["date_range"]],
      [{ metrics: ["total_revenue"] }, ["metrics.0"]],
      [{ metrics: ["group_conversion_rate", "visitors"] }, ["metrics.0"]],
      [{ dimensions: ["event:props:user"] }, ["dimensions.0"]],
      [{ dimensions: ["visit:referrer"] }, ["dimensions.0"]],
      [{ dimensions: ["visit:source", "visit:country"] }, ["dimensions"]],
      [{ dimensions: ["visit:source", "time:day"] }, ["dimensions"]],
      [{ filters: [google, ["is", "visit:country", ["LI"]]] }, ["filters"]],
      [{ filters: [["is", "visit:source", ["Google", "Bing"]]] }, ["filters"]],
      [{ filters: [["is_not", "visit:source", ["Google"]]] }, ["filters"]],
      [{ filters: [["contains", "visit:source", ["oo"]]] }, ["filters"]],
      [{ filters: [["is", "event:goal", ["Signup", "Form submitted"]]] }, ["filters"]],
      [{ filters: [["not", google]] }, ["filters.0"]],
      [{ filters: [["or", [google, google]]] }, ["filters.0"]],
      [{ filters: [["is", "event:props:user", ["1"]]] }, ["filters.0.1"]],
      // Every row reveals its divisor, the number of all visitors that the filter selects.
      [
        {
          metrics: ["conversion_rate"],
          dimensions: ["visit:country"],
          filters: [["is", "visit:country", ["DE", "LI"]]]
        },
        ["filters"]
      ],
      [
        { metrics: ["conversion_rate"], dimensions: ["event:page"], filters: [["is_not", "event:page", ["/"]]] },
        ["filters"]
      ]
    ] as const) {
      assert.deepStrictEqual(refusedPaths(parts), [...locations], JSON.stringify(parts))
    }
  })

  it("limits the number of rows", () => {
    assert.strictEqual(SharedQuery.limited(decode({})).limit, SharedQuery.maxRows)
  })
})
