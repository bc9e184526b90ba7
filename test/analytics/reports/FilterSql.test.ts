import { runInNewContext } from "node:vm"
import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Filters from "../../../src/analytics/reports/Filters.ts"
import { type Condition, type Filter, operators } from "../../../src/analytics/reports/Query.ts"

const Text = Schema.Literals(["a", "ab", "b", "\0a", "\ud800"])

const Leaf = Schema.Struct({
  operator: Schema.Literals(operators),
  dimension: Schema.Literals(["event:page", "visit:source"]),
  values: Schema.NonEmptyArray(Text)
})

const Pair = Schema.Struct({ operator: Schema.Literals(["and", "or"]), filters: Schema.NonEmptyArray(Leaf) })

const AnyFilter: Schema.Codec<Filter> = Schema.Union([
  Leaf,
  Pair,
  Schema.Struct({ operator: Schema.Literal("not"), filter: Schema.Union([Leaf, Pair]) }),
  Schema.Struct({ operator: Schema.Literals(["and", "or"]), filters: Schema.NonEmptyArray(Schema.Union([Leaf, Pair])) })
])

const Stored = Schema.Literals(["a", "ab", "b", "c"])

/** The SQL of a condition in which each comparison with the stored text is replaced by its result. */
const sqlFor = (condition: Condition, stored: string): string =>
  Filters.conditionSql(condition, (isEqual, values) =>
    String(values.some((value) => (isEqual ? value === stored : stored.includes(value))))
  )

describe("analytics/reports/FilterSql", () => {
  it.prop(
    "the SQL of a filter matches what the filter matches",
    [AnyFilter, Stored, Stored],
    ([filter, page, source]) => {
      const valueOf = (dimension: string) => (dimension === "event:page" ? page : source)
      const sql = Filters.matchesSql(filter, (condition) => sqlFor(condition, valueOf(condition.dimension)))
      const script = sql.replaceAll("NOT ", "!").replaceAll("AND", "&&").replaceAll("OR", "||")
      assert.strictEqual(
        runInNewContext(script),
        Filters.matches(filter, (dimension) => [valueOf(dimension)]),
        sql
      )
    }
  )

  it.prop("a pattern matches each character literally, except the star", [Schema.String], ([text]) => {
    const escaped = Filters.like(text)
    assert.strictEqual(escaped.replace(/\\(.)/gs, "$1").replaceAll("%", "*"), text.replaceAll("%", "*"))
    assert.strictEqual([...escaped.matchAll(/(?<!\\)(?:\\\\)*%/g)].length, text.split("*").length - 1)
  })
})
