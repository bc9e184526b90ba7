import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { Counted } from "../../../src/analytics/reports/Assembly.ts"
import * as Counts from "../../../src/analytics/reports/Counts.ts"
import * as DateRange from "../../../src/analytics/reports/DateRange.ts"
import { comparisons, type Query } from "../../../src/analytics/reports/Query.ts"
import * as SharedQuery from "../../../src/analytics/shares/SharedQuery.ts"
import * as SmallCounts from "../../../src/analytics/shares/SmallCounts.ts"
import { now, siteId } from "../../support/Reports.ts"

/** Two counts that are shown as the same text. */
const Pair = Schema.Struct({
  /** The multiple of 5; 0 stands for small counts. */
  fives: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 30 })),
  left: Schema.Literals([0, 1, 2, 3, 4]),
  right: Schema.Literals([0, 1, 2, 3, 4]),
  isZero: Schema.Boolean
})

const pairOf = ({ fives, isZero, left, right }: typeof Pair.Type): readonly [number, number] => {
  if (isZero) return [0, 0]
  if (fives === 0) return [Math.max(left, 1), Math.max(right, 1)]
  // 5 itself is the smallest count that is not hidden.
  return [Math.max(5 * fives + left - 2, 5), Math.max(5 * fives + right - 2, 5)]
}

const countNames = [
  "visitors",
  "visits",
  "pageviews",
  "events",
  "visit_pageviews",
  "entries",
  "bounces",
  "conversions",
  "converted",
  "groupVisitors"
] as const

const Group = Schema.Struct({ name: Schema.Literals(["a", "b", "c", "d", "e"]), counts: Schema.Array(Pair) })

const Groups = Schema.Array(Group).check(Schema.isMaxLength(6))

const QueryShape = Schema.Struct({
  metrics: Schema.Array(Schema.Literals(SharedQuery.metrics)).check(Schema.isMinLength(1), Schema.isMaxLength(9)),
  direction: Schema.Literals(["asc", "desc"]),
  limit: Schema.Literals([1, 2, 100]),
  comparison: Schema.NullOr(Schema.Literals(comparisons))
})

const queryOf = ({ comparison, direction, limit, metrics }: typeof QueryShape.Type): Query => {
  const unique = [...new Set(metrics)]
  return DateRange.queryOf(
    {
      siteId,
      metrics: unique,
      dateRange: "7d",
      dimensions: ["visit:source"],
      filters: [],
      orderBy: unique.map((by) => ({ by, direction })),
      comparison,
      includeTotalRows: true,
      includeTimeLabels: false,
      limit,
      offset: 0
    },
    { now, timeZone: "UTC" }
  )
}

const range = { first: "2026-10-20", last: "2026-10-26" }

/** The groups with the first or the second count of each pair. */
const countedOf = (groups: typeof Groups.Type, all: typeof Pair.Type, side: 0 | 1): Counted => ({
  range,
  allVisitors: pairOf(all)[side],
  groups: [...new Map(groups.map((group) => [group.name, group])).values()].map(({ counts, name }) => ({
    dimensions: [name],
    counts: {
      ...(Object.fromEntries(
        countNames.map((count, index) => [count, counts[index] === undefined ? 7 : pairOf(counts[index])[side]])
      ) as unknown as Counts.Counts),
      duration: 100,
      revenue: side === 0 ? [] : [{ currency: "EUR", value: "1" }]
    }
  }))
})

describe("analytics/shares/SmallCounts", () => {
  it.prop(
    "counts that are shown as the same text give the same answer, including order, rates, changes and pages",
    { before: Groups, groups: Groups, all: Pair, query: QueryShape },
    ({ all, before, groups, query: shape }) => {
      const query = queryOf(shape)
      const answers = ([0, 1] as const).map((side) =>
        SmallCounts.answer(
          query,
          countedOf(groups, all, side),
          query.comparison === null ? null : countedOf(before, all, side)
        )
      )
      assert.deepStrictEqual(answers[0], answers[1])
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop(
    "the part of the whole answer is the answer to the query, up to the maximum number of rows",
    { groups: Groups, all: Pair, query: QueryShape, offset: Schema.Literals([0, 1, 3]), include: Schema.Boolean },
    ({ all, groups, include, offset, query: shape }) => {
      const query: Query = { ...queryOf(shape), offset, includeTotalRows: include, includeTimeLabels: !include }
      const of = (asked: Query) => {
        const compared = asked.comparison === null ? null : countedOf(groups, all, 1)
        return SmallCounts.answer(asked, countedOf(groups, all, 0), compared)
      }
      assert.deepStrictEqual(SharedQuery.part(of(SharedQuery.whole(query)), query), of(query))
      const other = { ...query, limit: 7, offset: 2, includeTimeLabels: include }
      assert.deepStrictEqual(SharedQuery.whole(other), SharedQuery.whole(query))
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop(
    "a filter that names a value gives one answer for few and none, with and without a comparison",
    {
      few: Schema.Array(Schema.Literals([0, 1, 2, 3, 4])).check(Schema.isMinLength(24), Schema.isMaxLength(24)),
      query: QueryShape,
      dimension: Schema.NullOr(Schema.Literals(["time:day", "visit:source"]))
    },
    ({ dimension, few, query: shape }) => {
      const query: Query = {
        ...queryOf(shape),
        dimensions: dimension === null ? [] : [dimension],
        filters: [{ operator: "is", dimension: "event:page", values: ["/guessed"] }]
      }
      const counted = (values: ReadonlyArray<number>): Counted => ({
        range,
        allVisitors: values[0] ?? 0,
        groups: [
          {
            dimensions: dimension === null ? [] : [dimension === "time:day" ? "2026-10-21" : "Google"],
            counts: {
              ...(Object.fromEntries(
                countNames.map((name, index) => [name, values[index + 1] ?? 0])
              ) as unknown as Counts.Counts),
              duration: values[0] ?? 0,
              revenue: []
            }
          }
        ]
      })
      const answerOf = (values: ReadonlyArray<number>) =>
        SmallCounts.answer(
          query,
          counted(values.slice(0, 12)),
          query.comparison === null ? null : counted(values.slice(12))
        )
      assert.deepStrictEqual(answerOf(few), answerOf(few.map(() => 0)))
    },
    { arbitrary: { runs: 300 } }
  )

  it.prop(
    "a count is 0, hidden, or a multiple of 5 near it",
    [Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000 }))],
    ([count]) => {
      const shown = SmallCounts.shown(count)
      if (count === 0) assert.strictEqual(shown, 0)
      else if (count < 5) assert.strictEqual(shown, "<5")
      else if (shown === "<5") assert.fail()
      else {
        assert.strictEqual(shown % 5, 0)
        assert.isAtMost(Math.abs(shown - count), 2)
        assert.isAtLeast(shown, 5)
      }
    }
  )

  it("a rate of a hidden count is null, and so is a change from or to a hidden count", () => {
    const counts = { visitors: 20, visits: 40, entries: 40, bounces: 3, visit_pageviews: 80, converted: 2 } as const
    const group = (more: Partial<Counts.Counts>) => ({
      range,
      allVisitors: 40,
      groups: [
        {
          dimensions: ["a"],
          counts: {
            ...counts,
            pageviews: 3,
            events: 80,
            duration: 400,
            conversions: 2,
            groupVisitors: 0,
            revenue: [],
            ...more
          }
        }
      ]
    })
    const query = queryOf({
      metrics: ["pageviews", "visits", "bounce_rate", "views_per_visit", "visit_duration", "conversion_rate"],
      direction: "desc",
      limit: 1,
      comparison: "previous_period"
    })
    const { results } = SmallCounts.answer(query, group({}), group({ pageviews: 20, visits: 22 }))
    assert.deepStrictEqual(results, [
      {
        dimensions: ["a"],
        metrics: ["<5", 40, null, 2, 10, null],
        comparison: {
          dimensions: ["a"],
          metrics: [20, 20, null, 4, 10, null],
          change: [null, 100, null, -50, 0, null]
        }
      }
    ])
  })

  it.prop(
    "lists no name with fewer than 5 visitors, and no such day if a filter selects visitors",
    { groups: Groups, before: Groups, all: Pair, query: QueryShape, list: Schema.Literals(["names", "days"]) },
    ({ all, before, groups, list, query: shape }) => {
      const query: Query = {
        ...queryOf({ ...shape, comparison: null }),
        metrics: ["visits"],
        orderBy: [{ by: "visits", direction: "desc" }],
        ...(list === "names"
          ? {}
          : {
              dimensions: ["time:day"],
              filters: [{ operator: "is", dimension: "visit:source", values: ["Google"] }]
            })
      }
      assert.deepStrictEqual(SmallCounts.queryToCount(query).metrics, ["visits", "visitors"])
      const counted = countedOf(groups, all, 0)
      const many = counted.groups.filter(({ counts }) => counts.visitors >= SmallCounts.threshold)
      const { meta, results } = SmallCounts.answer(query, counted, null)
      assert.strictEqual(meta.total_rows, many.length)
      const names = many.map(({ dimensions }) => dimensions[0])
      for (const { dimensions } of results) assert.include(names, dimensions[0])
      // A group with few visitors in the compared range is compared as if it had none.
      const compared = countedOf(before, all, 0)
      const few = { ...compared, groups: compared.groups.filter(({ counts }) => counts.visitors >= 5) }
      const comparing: Query = { ...query, comparison: "previous_period" }
      assert.deepStrictEqual(
        SmallCounts.answer(comparing, counted, compared),
        SmallCounts.answer(comparing, counted, few)
      )
    }
  )

  it("lists every day if no filter selects visitors", () => {
    const query: Query = {
      ...queryOf({ metrics: ["visitors"], direction: "desc", limit: 100, comparison: null }),
      dimensions: ["time:day"],
      filters: [{ operator: "is", dimension: "event:goal", values: ["Chat started", "Form submitted"] }]
    }
    const groups = [{ dimensions: ["2026-10-20"], counts: { ...Counts.none, visitors: 1 } }]
    const { results } = SmallCounts.answer(query, { range, allVisitors: 1, groups }, null)
    assert.deepStrictEqual(results, [{ dimensions: ["2026-10-20"], metrics: ["<5"] }])
    assert.strictEqual(SmallCounts.queryToCount({ ...query, metrics: ["visits"] }).metrics.length, 1)
  })

  it.prop(
    "average durations are rounded to 10 seconds",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3_600 }))
    ],
    ([fives, average]) => {
      const query = queryOf({ metrics: ["visit_duration"], direction: "desc", limit: 1, comparison: null })
      const [entries, visitors] = [5 * fives, 5]
      const counts = { ...Counts.none, visitors, entries, duration: entries * average }
      const counted = { range, allVisitors: visitors, groups: [{ dimensions: ["a"], counts }] }
      const value = SmallCounts.answer(query, counted, null).results[0]?.metrics[0]
      if (typeof value !== "number") return assert.fail()
      assert.strictEqual(value % 10, 0)
      assert.isAtMost(Math.abs(value - average), 5)
    }
  )

  it("shows a rate or an average of 2.5, which is also the value by which hidden counts are sorted", () => {
    const query = queryOf({
      metrics: ["views_per_visit", "bounce_rate", "conversion_rate"],
      direction: "desc",
      limit: 1,
      comparison: null
    })
    const [row] = SmallCounts.answer(
      query,
      {
        range,
        allVisitors: 200,
        groups: [
          {
            dimensions: ["a"],
            counts: {
              ...Counts.none,
              visitors: 10,
              visits: 10,
              visit_pageviews: 25,
              entries: 10,
              bounces: 5,
              converted: 5
            }
          }
        ]
      },
      null
    ).results
    assert.deepStrictEqual(row?.metrics, [2.5, 50, 2.5])
  })
})
