/**
 * The fragment of the console's address.
 */
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Address from "../../src/console/Address.ts"

const dimensions = ["event:page", "event:goal", "event:props:plan.not", "visit:source", "visit:country"] as const

const Filter = Schema.Struct({
  dimension: Schema.Literals(dimensions),
  operator: Schema.Literals(Address.operators),
  values: Schema.NonEmptyArray(Schema.Union([Schema.String, Schema.Literals(["a&b", "Direct / None", "#/?=%"])]))
})

const AddressFields = Schema.Struct({
  link: Schema.Null,
  share: Schema.NullOr(Schema.Literals(["hsh_secret", "a/b"])),
  site: Schema.Literals(["0f8fad5b-d9cb-469f-a165-70867728950e", "a/b c"]),
  page: Schema.Literal("overview"),
  item: Schema.Null,
  view: Schema.Struct({}),
  range: Schema.Union([
    Schema.Literals(["day", "yesterday", "30d", "last-month", "all"]),
    Schema.Tuple([Schema.Literal("2026-01-05"), Schema.Literal("2026-02-01")])
  ]),
  comparison: Schema.NullOr(Schema.Literals(["previous_period", "year_over_year"])),
  filters: Schema.Array(Filter),
  metric: Schema.Literals(["visitors", "bounce_rate", "conversions", "total_revenue"]),
  interval: Schema.NullOr(Schema.Literals(["time:hour", "time:month"])),
  tabs: Schema.Array(Schema.Literals(["visit:channel", "visit:os", "links"])),
  list: Schema.NullOr(Schema.Literals([...dimensions, "files"])),
  split: Schema.NullOr(Schema.Literals(dimensions))
})

/** One filter for each dimension and operator. */
const distinct = (filters: ReadonlyArray<Address.Filter>): ReadonlyArray<Address.Filter> => [
  ...new Map(filters.map((filter) => [`${filter.operator} ${filter.dimension}`, filter])).values()
]

describe("console/Address", () => {
  it.prop("a formatted address is parsed to the same address", [AddressFields], ([fields]) => {
    const filters = distinct(fields.filters).map((filter) => ({
      ...filter,
      values: filter.values.map((value) => value.toWellFormed())
    }))
    // Only an open list can be split, and not by its own dimension.
    const split = fields.list === null || fields.list === fields.split ? null : fields.split
    const address = { ...fields, filters, split, site: fields.share === null ? fields.site : null }
    assert.deepStrictEqual(Address.parse(Address.format(address)), address)
  })

  it.prop(
    "the fragment of a page other than the overview keeps its parameters and its open item",
    [
      Schema.Record(Schema.Literals(["search", "folder", "a b"]), Schema.Literals(["x", "", "&=?#/%"])),
      Schema.NullOr(Schema.Literals(["id", "a/b"]))
    ],
    ([view, item]) => {
      const address = { ...Address.initial, site: "s", page: "inbox", item, view }
      assert.deepStrictEqual(Address.parse(Address.format(address)), address)
    }
  )

  it.prop(
    "the fragment of the list of websites keeps its parameters",
    [Schema.Record(Schema.Literals(["search", "parts", "page"]), Schema.Literals(["x", "", "&=?#/%"]))],
    ([view]) => {
      const address = { ...Address.initial, view }
      assert.deepStrictEqual(Address.parse(Address.format(address)), address)
    }
  )

  it.prop("any text is an address", [Schema.String], ([text]) => {
    const address = Address.parse(`#/${text}`)
    assert.deepStrictEqual(Address.parse(Address.format(address)), address)
  })

  it("a page without a website is the overview", () => {
    assert.deepStrictEqual(Address.parse("#//inbox"), Address.initial)
  })

  it("a range names days that exist", () => {
    const rangeOf = (days: string) => Address.parse(`#/s/overview?range=${days}`).range
    assert.deepStrictEqual(rangeOf("2028-02-29_2028-03-31"), ["2028-02-29", "2028-03-31"])
    for (const days of ["2027-02-29_2027-03-31", "2026-11-01_2026-11-31", "2026-12-31_2026-13-01"]) {
      assert.strictEqual(rangeOf(days), Address.initial.range, days)
    }
  })

  it("an address is short and readable", () => {
    assert.strictEqual(Address.format({ ...Address.initial, site: "s" }), "#/s/overview")
    assert.strictEqual(
      Address.format({
        ...Address.initial,
        site: "s",
        range: "7d",
        filters: [
          { dimension: "visit:source", operator: "is", values: ["google", "bing"] },
          { dimension: "event:page", operator: "contains_not", values: ["/blog"] }
        ]
      }),
      "#/s/overview?range=7d&source=google&source=bing&page.has-not=%2Fblog"
    )
  })

  it("the address of a link has the link's secret, and otherwise the defaults", () => {
    const link = { ...Address.initial, link: "hcl_A-b_9" }
    assert.deepStrictEqual(Address.parse("#/link/hcl_A-b_9"), link)
    const deep = { ...link, item: "#/a/inbox/b?status=new" }
    assert.deepStrictEqual(Address.parse(Address.format(deep)), deep)
    assert.deepStrictEqual(Address.parse("#/link/hcl_A-b_9/https%3A%2F%2Fevil.example"), link)
  })

  it("a value is added to its dimension's filter, and removed from it", () => {
    const one = Address.toggle({ filters: [], share: null }, "visit:source", "a")
    const two = Address.toggle({ filters: one, share: null }, "visit:source", "b")
    assert.deepStrictEqual(two, [{ dimension: "visit:source", operator: "is", values: ["a", "b"] }])
    assert.deepStrictEqual(Address.toggle({ filters: two, share: null }, "visit:source", "b"), one)
    assert.deepStrictEqual(Address.toggle({ filters: one, share: null }, "visit:source", "a"), [])
  })
})
