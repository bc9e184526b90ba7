import { assert, describe, it } from "@effect/vitest"
import { Result, Schema } from "effect"
import * as QueryBody from "../../src/analytics/reports/QueryBody.ts"
import * as SharedQuery from "../../src/analytics/shares/SharedQuery.ts"
import * as Address from "../../src/console/Address.ts"
import * as Format from "../../src/console/Format.ts"
import * as Queries from "../../src/console/overview/Queries.ts"
import type { Numbers } from "../../src/sites/access/Share.ts"

const now = Date.UTC(2026, 10, 27)

const scopeOf = (fragment: string): Queries.Scope => ({
  siteId: "site",
  timeZone: "UTC",
  isExact: true,
  address: Queries.shownAddress(Address.parse(fragment))
})

const filtersOf = (dimension: Address.Dimension, search: string) =>
  Queries.list(scopeOf("#/site/overview"), dimension, { limit: 100, search }, now).filters

const listOf = (listed: Address.Listed, fragment: string, options = {}) => {
  const { filters, metrics, order_by } = Queries.list(scopeOf(fragment), listed, { limit: 8, ...options }, now)
  return { filters, metrics, order: order_by?.[0]?.[0] }
}

/** Whatever the address says, the service must accept the query. */
const isAccepted = (query: object, numbers: Numbers | null): boolean => {
  const body = { ...query, site_id: "0f8fad5b-d9cb-469f-a165-70867728950e" }
  const decoded = QueryBody.decode(body)
  return Result.isSuccess(decoded) && (numbers === null || SharedQuery.refuse(decoded.success, numbers).length === 0)
}

const leads = ["is", "event:goal", ["Form submitted", "Chat started"]] as const

describe("console/overview/Queries", () => {
  it("the chosen metric orders the lists: which campaign brought leads, at which rate", () => {
    assert.deepStrictEqual(listOf("visit:utm_campaign", "#/site/overview?metric=conversions"), {
      filters: [leads, ["is_not", "visit:utm_campaign", ["(not set)"]]],
      metrics: ["conversions", "group_conversion_rate"],
      order: "conversions"
    })
    const ofSources = (metric: string, options = {}) => {
      const { metrics, order } = listOf("visit:source", `#/site/overview?metric=${metric}`, options)
      return [order, ...metrics]
    }
    assert.deepStrictEqual(ofSources("pageviews"), ["pageviews", "pageviews"])
    assert.deepStrictEqual(ofSources("total_revenue"), ["total_revenue", "total_revenue"])
    // By a rate, rows with one visit would be first.
    assert.deepStrictEqual(ofSources("bounce_rate"), ["visitors", "visitors", "bounce_rate"])
    const all = ofSources("pageviews", { withAllMetrics: true })
    assert.deepStrictEqual(all, ["pageviews", ...Queries.totalMetrics])
  })

  it("a filter by a goal makes its conversions the chosen metric, also by page", () => {
    const { filters, metrics } = listOf("event:page", "#/site/overview?metric=conversions&goal=Signup&page=/prices")
    assert.deepStrictEqual(metrics, ["conversions", "group_conversion_rate"])
    assert.deepStrictEqual(filters, [
      ["is", "event:goal", ["Signup"]],
      ["is", "event:page", ["/prices"]]
    ])
    const tabs = ["event:page", "visit:entry_page"] as const
    assert.deepStrictEqual(Queries.tabsFor(tabs, scopeOf("#/site/overview?metric=conversions&goal=Signup")), tabs)
    // A lead has no page of its own.
    assert.deepStrictEqual(Queries.tabsFor(tabs, scopeOf("#/site/overview?metric=conversions")), ["visit:entry_page"])
    assert.strictEqual(Queries.conversions(scopeOf("#/site/overview?page=/prices"), now), null)
    assert.deepStrictEqual(listOf("visit:source", "#/site/overview?metric=conversions&page=/prices").metrics, [
      "visitors"
    ])
  })

  it("outbound links and downloads are the addresses of their events", () => {
    assert.deepStrictEqual(listOf("files", "#/site/overview").filters, [
      ["is", "event:name", ["File Download"]],
      ["is_not", "event:props:url", ["(not set)"]]
    ])
  })

  it.prop(
    "the service accepts the queries of every metric and list",
    [
      Schema.Literals(["visitors", "visits", "bounce_rate", "conversions", "total_revenue"]),
      Schema.Literals([
        "event:page",
        "event:goal",
        "event:name",
        "visit:source",
        "visit:utm_campaign",
        "links",
        "files"
      ]),
      Schema.Literals(["", "&goal=Signup", "&page=/prices", "&country=NO"]),
      Schema.Literals(["#/site/overview", "#/share/hsh_secret"]),
      Schema.Literals(["protected", "exact"]),
      Schema.Boolean
    ],
    ([metric, listed, filter, place, shared, withAllMetrics]) => {
      const numbers = place.startsWith("#/share") ? shared : null
      const scope = { ...scopeOf(`${place}?metric=${metric}${filter}`), isExact: numbers !== "protected" }
      const lists = Queries.tabsFor([listed], scope).map((tab) =>
        Queries.list(scope, tab, { limit: 8, withAllMetrics }, now)
      )
      for (const query of [
        ...lists,
        Queries.totals(scope, now),
        Queries.conversions(scope, now),
        Queries.series(scope, "time:day", now)
      ]) {
        assert.isTrue(query === null || isAccepted(query, numbers), JSON.stringify(query))
      }
    }
  )

  it("a search in a list finds countries by the names that the list shows, and by their codes", () => {
    assert.deepStrictEqual(filtersOf("visit:country", " norway"), [["contains", "visit:country", ["NO"]]])
    assert.deepStrictEqual(filtersOf("visit:country", "us")?.[0]?.[2]?.slice(-1), ["US"])
    assert.deepStrictEqual(filtersOf("visit:country", "xx"), [["contains", "visit:country", ["xx", "Xx"]]])
    // Too many countries for a filter.
    assert.deepStrictEqual(filtersOf("visit:country", "a"), [])
    assert.deepStrictEqual(filtersOf("event:page", "norway"), [["contains", "event:page", ["norway", "Norway"]]])
  })

  it("a search in a list finds other values by the names that the list shows, in each usual letter case", () => {
    const found = (dimension: Address.Dimension, search: string, value: string): boolean =>
      filtersOf(dimension, search)?.some((filter) => {
        const [operator, , values] = filter as readonly [string, string, ReadonlyArray<string>]
        return operator === "contains" && values.some((part) => value.includes(part))
      }) === true
    for (const [dimension, value] of [
      ["visit:browser", "Microsoft Edge"],
      ["visit:os", "Windows"],
      ["visit:os", "(not set)"],
      ["visit:country", "(not set)"],
      ["visit:source", "Direct / None"],
      ["visit:device", "desktop"],
      ["event:page", "/tours"]
    ] as const) {
      const shown = Format.value(dimension, value)
      const word = shown.split(" ").at(-1)!
      for (const search of [shown, word, word.toLowerCase(), ` ${word} `]) {
        assert.isTrue(found(dimension, search, value), `${dimension}: ${search}`)
      }
    }
  })
})
