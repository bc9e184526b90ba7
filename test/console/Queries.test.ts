import { assert, describe, it } from "@effect/vitest"
import * as Address from "../../src/console/Address.ts"
import * as Format from "../../src/console/Format.ts"
import * as Queries from "../../src/console/overview/Queries.ts"

const filtersOf = (dimension: Address.Dimension, search: string) =>
  Queries.list(
    { siteId: "site", timeZone: "UTC", address: Address.initial },
    [dimension],
    { limit: 100, search },
    Date.UTC(2026, 10, 27)
  ).filters

describe("console/overview/Queries", () => {
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
