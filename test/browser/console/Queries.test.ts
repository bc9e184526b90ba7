import { assert, describe, it } from "@effect/vitest"
import * as Address from "../../../src/browser/console/Address.ts"
import * as Queries from "../../../src/browser/console/overview/Queries.ts"

const filtersOf = (dimension: Address.Dimension, search: string) =>
  Queries.list(
    { siteId: "site", timeZone: "UTC", address: Address.initial },
    [dimension],
    { limit: 100, search },
    Date.UTC(2026, 10, 27)
  ).filters

describe("browser/console/overview/Queries", () => {
  it("a search in a list finds countries by the names that the list shows, and by their codes", () => {
    assert.deepStrictEqual(filtersOf("visit:country", " norway"), [["contains", "visit:country", ["NO"]]])
    assert.deepStrictEqual(filtersOf("visit:country", "us")?.[0]?.[2]?.slice(-1), ["US"])
    assert.deepStrictEqual(filtersOf("visit:country", "xx"), [["contains", "visit:country", ["xx"]]])
    // Too many countries for a filter.
    assert.deepStrictEqual(filtersOf("visit:country", "a"), [])
    assert.deepStrictEqual(filtersOf("event:page", "norway"), [["contains", "event:page", ["norway"]]])
  })
})
