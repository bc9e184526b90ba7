import { assert, describe, it } from "@effect/vitest"
import { Option, Schema } from "effect"
import * as Filters from "../../../src/analytics/reports/Filters.ts"
import { operators } from "../../../src/analytics/reports/Query.ts"

describe("analytics/reports/Filters", () => {
  it.prop(
    "parses a dimension, an operator and values",
    {
      dimension: Schema.Literals(["event:page", "visit:utm_campaign", "event:props:my plan"]),
      operator: Schema.Literals(operators),
      values: Schema.Array(Schema.Literals(["/", "a b", "is", "is_not x"])).check(Schema.isMinLength(1))
    },
    ({ dimension, operator, values }) =>
      assert.deepStrictEqual(
        Filters.parse(` ${dimension}  ${operator} ${values.join("|")} `),
        Option.some([operator, dimension, values])
      )
  )

  it("parses a filter in JSON, and rejects invalid filters", () => {
    assert.deepStrictEqual(
      Filters.parse('["not", ["is", "event:page", ["a|b"]]]'),
      Option.some(["not", ["is", "event:page", ["a|b"]]])
    )
    for (const text of ["", "event:page", "event:page is", "event:page = /", "[", "is /"]) {
      assert.deepStrictEqual(Filters.parse(text), Option.none())
    }
  })
})
