import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import { metrics } from "../../../src/analytics/reports/Query.ts"
import * as QueryBody from "../../../src/analytics/reports/QueryBody.ts"
import * as Evaluation from "../../support/Evaluation.ts"
import { queryOf, RequestShape, siteId, TimeZone } from "../../support/Reports.ts"

const valid = { site_id: siteId, metrics: ["visitors"], date_range: "7d" }

const errors = (parts: Record<string, unknown>) =>
  Result.match(QueryBody.decode({ ...valid, ...parts }), {
    onFailure: (found) => found.map(({ loc, msg, type }) => [loc.join("."), type, msg]),
    onSuccess: () => []
  })

const nested = (depth: number): unknown => (depth === 0 ? ["is", "event:page", ["/"]] : ["not", nested(depth - 1)])

const condition = ["is", "event:page", ["/"]]

describe("analytics/reports/QueryBody", () => {
  it("fills in the defaults", () => {
    assert.deepStrictEqual(
      QueryBody.decode({ ...valid, dimensions: ["visit:source", "time:day"] }),
      Result.succeed({
        siteId,
        metrics: ["visitors"],
        dateRange: "7d",
        dimensions: ["visit:source", "time:day"],
        filters: [],
        orderBy: [
          { by: "time:day", direction: "asc" },
          { by: "visitors", direction: "desc" }
        ],
        comparison: null,
        includeTotalRows: false,
        includeTimeLabels: false,
        limit: 10_000,
        offset: 0
      })
    )
  })

  it.prop(
    "decodes the `query` of an answer to the query that was evaluated",
    [RequestShape, TimeZone],
    ([shape, timeZone]) => {
      const query = queryOf(shape, timeZone)
      const echo = Evaluation.evaluate(query, { views: [], events: [], conversions: [], goals: [] }).query
      const { now: _now, range, timeZone: _zone, ...parts } = query
      assert.deepStrictEqual(
        QueryBody.decode(JSON.parse(JSON.stringify(echo))),
        Result.succeed({ ...parts, dateRange: { first: range.first ?? range.last, last: range.last } })
      )
    }
  )

  it.prop("returns a request or errors for any JSON", [Schema.Json], ([json]) => {
    for (const input of [
      json,
      { ...valid, filters: json },
      { ...valid, metrics: json, include: json, pagination: json }
    ]) {
      Result.match(QueryBody.decode(input), {
        onFailure: (found) => assert.isAbove(found.length, 0),
        onSuccess: (request) => assert.isAbove(request.metrics.length, 0)
      })
    }
  })

  it("names the missing members", () => {
    assert.deepStrictEqual(
      Result.mapError(QueryBody.decode({}), (found) => found.map(({ loc, type }) => [...loc, type])),
      Result.fail([
        ["site_id", "missing"],
        ["metrics", "missing"],
        ["date_range", "missing"]
      ])
    )
  })

  it("lists the valid metrics, dimensions or operators in the error of an unknown one", () => {
    assert.deepStrictEqual(errors({ metrics: ["visitors", "users"] }), [
      [
        "metrics.1",
        "literal_error",
        `Input should be ${metrics
          .map((name) => `'${name}'`)
          .join(", ")
          .replace(/, ([^,]*)$/, " or $1")}`
      ]
    ])
    const [[loc, type, msg] = []] = errors({ dimensions: ["visit:city"] })
    assert.deepStrictEqual([loc, type], ["dimensions.0", "literal_error"])
    assert.include(msg, "'visit:country', 'time:hour'")
    assert.include(msg, "or 'event:props:NAME'")
    assert.deepStrictEqual(errors({ filters: [["matches", "event:page", ["/"]]] }), [
      [
        "filters.0.0",
        "literal_error",
        "Input should be 'is', 'is_not', 'contains', 'contains_not', 'and', 'or' or 'not'"
      ]
    ])
    assert.strictEqual(errors({ filters: [["is", "time:day", ["2026-11-01"]]] })[0]?.[0], "filters.0.1")
  })

  it("refuses ranges that end before they begin, do not exist or are too long", () => {
    assert.deepStrictEqual(errors({ date_range: ["2026-11-25", "2026-11-01"] }), [
      ["date_range", "value_error", "Value error, the range ends on 2026-11-01, before it begins on 2026-11-25"]
    ])
    assert.deepStrictEqual(
      errors({ date_range: ["2026-02-30", 3] }).map(([loc, type]) => [loc, type]),
      [
        ["date_range.0", "date_parsing"],
        ["date_range.1", "date_parsing"]
      ]
    )
    assert.strictEqual(errors({ date_range: ["2000-01-01", "2026-01-01"] })[0]?.[1], "value_error")
    assert.strictEqual(errors({ date_range: "2w" })[0]?.[1], "literal_error")
    assert.deepStrictEqual(
      ["2999-12-31", "3000-01-01", "9999-12-31"].map((last) => errors({ date_range: [last, last] }).length),
      [0, 2, 2]
    )
  })

  it("refuses the hours of more than a year", () => {
    const message = "Value error, hours need a range of at most 366 days; choose days, or a shorter range"
    for (const date_range of ["all", ["2024-01-01", "2025-01-01"]]) {
      assert.deepStrictEqual(errors({ date_range, dimensions: ["time:hour"] }), [
        ["date_range", "value_error", message]
      ])
      assert.deepStrictEqual(errors({ date_range, dimensions: ["time:day"] }), [])
    }
    for (const date_range of ["12mo", ["2024-01-01", "2024-12-31"]]) {
      assert.deepStrictEqual(errors({ date_range, dimensions: ["time:hour"] }), [])
    }
  })

  it("refuses filters that are nested too deeply, and too many conditions and values", () => {
    assert.deepStrictEqual(errors({ filters: [nested(8)] }), [])
    const [[loc, type, msg] = []] = errors({ filters: [nested(20)] })
    assert.deepStrictEqual(
      [loc, type, msg],
      [`filters.0${".1".repeat(8)}`, "value_error", "Value error, filters are nested at most 8 deep"]
    )
    assert.deepStrictEqual(errors({ filters: [["is", "event:page", Array(10_000).fill("/")]] }), [
      ["filters.0.2", "too_long", "List should have at most 100 items after validation, not 10000"]
    ])
    assert.deepStrictEqual(
      errors({
        filters: [
          ["or", Array(60).fill(condition)],
          ["or", Array(60).fill(condition)]
        ]
      }),
      [["filters", "value_error", "Value error, a query has at most 100 conditions"]]
    )
    assert.deepStrictEqual(errors({ filters: [["is", "event:page", []]] }), [
      ["filters.0.2", "too_short", "List should have at least 1 item after validation, not 0"]
    ])
  })

  it("refuses a limit that is too large, and members that are unknown, repeated or of no use to the query", () => {
    assert.deepStrictEqual(errors({ pagination: { limit: 1_000_000 } }), [
      ["pagination.limit", "less_than_equal", "Input should be less than or equal to 10000"]
    ])
    assert.deepStrictEqual(errors({ include: { imports: true } }), [
      [
        "include.imports",
        "extra_forbidden",
        "Extra inputs are not permitted; use 'comparison', 'total_rows' or 'time_labels'"
      ]
    ])
    assert.strictEqual(errors({ include: { time_labels: true } })[0]?.[0], "include.time_labels")
    assert.strictEqual(errors({ order_by: [["pageviews", "desc"]] })[0]?.[0], "order_by.0.0")
    assert.strictEqual(errors({ metrics: ["visits", "visits"] })[0]?.[0], "metrics.1")
    assert.strictEqual(errors({ dimensions: ["time:day", "time:hour"] })[0]?.[0], "dimensions")
    assert.strictEqual(errors({ filters: [["is", "event:page", ["a\0"]]] })[0]?.[0], "filters.0.2.0")
  })

  it("lists the faults of members with those of how they fit to each other", () => {
    assert.deepStrictEqual(
      errors({
        date_range: "all",
        dimensions: ["time:hour"],
        order_by: [["visits", "desc"]],
        pagination: { limit: 0 },
        page: 1
      }).map(([loc, type]) => [loc, type]),
      [
        ["page", "extra_forbidden"],
        ["pagination.limit", "greater_than_equal"],
        ["order_by.0.0", "literal_error"],
        ["date_range", "value_error"]
      ]
    )
  })

  it("names the parts of conditions, orders and nested filters that have too few or too many", () => {
    assert.deepStrictEqual(
      errors({
        filters: [["is", "event:page"], ["contains", "event:page", ["/"], { case_sensitive: false }], ["not"], ["or"]],
        order_by: [["visitors"]]
      }).map(([loc, , msg]) => [loc, msg]),
      [
        ["filters.0", 'Value error, a condition should be ["is", dimension, [values]], without modifiers'],
        ["filters.1", 'Value error, a condition should be ["contains", dimension, [values]], without modifiers'],
        ["filters.2", 'Value error, "not" takes one filter'],
        ["filters.3", 'Value error, "or" takes one list of filters'],
        ["order_by.0", 'Value error, an order should be [metric or dimension, "asc" or "desc"]']
      ]
    )
    assert.deepStrictEqual(
      errors({ filters: [3, [], ["is", "event:props:", ["x"]]] }).map(([loc, type]) => [loc, type]),
      [
        ["filters.0", "list_type"],
        ["filters.1", "too_short"],
        ["filters.2.1", "literal_error"]
      ]
    )
  })

  it("does not decode what exceeds a maximum", () => {
    const depth = 30_000
    const deep: unknown = JSON.parse(`${'["not",'.repeat(depth)}0${"]".repeat(depth)}`)
    assert.deepStrictEqual(
      errors({ filters: [deep] }).map(([loc]) => loc),
      [`filters.0${".1".repeat(8)}`]
    )
    const many = Array<unknown>(100_000).fill(0)
    for (const parts of [
      { metrics: many },
      { dimensions: many },
      { order_by: many },
      { filters: many },
      { filters: [["or", many]] },
      { filters: [["is", "event:page", many]] }
    ]) {
      assert.deepStrictEqual(
        errors(parts).map(([, type]) => type),
        ["too_long"]
      )
    }
  })

  it("returns at most 100 errors", () => {
    assert.isAtMost(
      errors({ metrics: ["a", "b"], filters: Array(100).fill(["is", "x", Array(100).fill(1)]) }).length,
      100
    )
  })
})
