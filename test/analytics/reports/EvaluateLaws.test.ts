import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { ResultRow } from "../../../src/analytics/reports/Answer.ts"
import * as Evaluate from "../../../src/analytics/reports/Evaluate.ts"
import {
  isTimeDimension,
  type Metric,
  operators,
  type Query,
  timeDimensions,
  visitDimensions
} from "../../../src/analytics/reports/Query.ts"
import type { SiteRows } from "../../../src/analytics/reports/Visits.ts"
import * as Text from "../../../src/platform/text/Text.ts"
import * as Evaluation from "../../support/Evaluation.ts"
import { FilterShape, filterOf, queryOf, RequestShape, Rows, rowsOf, TimeZone } from "../../support/Reports.ts"

/** Metrics that count a visit or a fact once. */
const additive: ReadonlyArray<Metric> = ["visits", "pageviews", "events", "conversions"]

const everything = { limit: 10_000, offset: 0, comparison: null } as const

const numbers = (row: ResultRow): ReadonlyArray<number> =>
  row.metrics.map((value) => (typeof value === "number" ? value : Number.NaN))

const sums = (rows: ReadonlyArray<ResultRow>, width: number): ReadonlyArray<number> =>
  Array.from({ length: width }, (_, index) => rows.reduce((sum, row) => sum + (numbers(row)[index] ?? 0), 0))

const total = (query: Query, rows: SiteRows, metrics: ReadonlyArray<Metric>): ReadonlyArray<number> =>
  sums(Evaluation.evaluate({ ...query, ...everything, metrics, dimensions: [] }, rows).results, metrics.length)

const grouped = (query: Query, rows: SiteRows, metrics: ReadonlyArray<Metric>, dimensions: Query["dimensions"]) =>
  sums(Evaluation.evaluate({ ...query, ...everything, metrics, dimensions }, rows).results, metrics.length)

/** Names of goals and of leads of `Rows`, and a part of several. */
const goals = ["Signed up", "Thanked", "Any page", "Form submitted", "n"] as const

const shapes = { rows: Rows, request: RequestShape, timeZone: TimeZone }

describe("analytics/reports/Evaluate, for arbitrary rows and queries", () => {
  it.prop(
    "the counts of time periods add up to the totals; those of visitors do too, except by hour",
    { ...shapes, dimension: Schema.Literals(timeDimensions) },
    ({ dimension, request, rows: shape, timeZone }) => {
      const rows = rowsOf(shape)
      const query = queryOf(request, timeZone)
      const metrics: ReadonlyArray<Metric> = dimension === "time:hour" ? additive : [...additive, "visitors"]
      assert.deepStrictEqual(grouped(query, rows, metrics, [dimension]), total(query, rows, metrics))
    }
  )

  it.prop(
    "the counts by a visit dimension add up to the totals",
    { ...shapes, dimension: Schema.Literals(visitDimensions) },
    ({ dimension, request, rows: shape, timeZone }) => {
      const rows = rowsOf(shape)
      const query = queryOf(request, timeZone)
      assert.deepStrictEqual(grouped(query, rows, additive, [dimension]), total(query, rows, additive))
    }
  )

  it.prop(
    "the goals that a query does not need change no answer",
    { ...shapes, operator: Schema.Literals(operators), values: Schema.NonEmptyArray(Schema.Literals(goals)) },
    ({ operator, request, rows: shape, timeZone, values }) => {
      const rows = rowsOf(shape)
      const query = queryOf(request, timeZone)
      for (const filters of [[], query.filters]) {
        const filtered: Query = { ...query, filters: [...filters, { operator, dimension: "event:goal", values }] }
        const needed = Evaluate.goalsOf(filtered, rows.goals)
        assert.deepStrictEqual(
          Evaluation.evaluate(filtered, { ...rows, goals: needed }),
          Evaluation.evaluate(filtered, rows)
        )
        if (filters.length === 0 && operator === "is") {
          assert.isTrue(needed.every(({ name }) => values.some((value) => value === name)))
        }
      }
    }
  )

  it.prop(
    "a filter and its negation partition page views, events and conversions",
    { ...shapes, filter: FilterShape },
    ({ filter, request, rows: shape, timeZone }) => {
      const rows = rowsOf(shape)
      const query = queryOf(request, timeZone)
      const metrics: ReadonlyArray<Metric> = ["pageviews", "events", "conversions"]
      const totalWith = (filters: Query["filters"]) =>
        total({ ...query, filters: [...query.filters, ...filters] }, rows, metrics)
      const matching = totalWith([filterOf(filter)])
      const others = totalWith([{ operator: "not", filter: filterOf(filter) }])
      assert.deepStrictEqual(
        matching.map((value, index) => value + (others[index] ?? 0)),
        totalWith([])
      )
    }
  )

  it.prop("the order of the rows does not matter", shapes, ({ request, rows: shape, timeZone }) => {
    const rows = rowsOf(shape)
    const query = queryOf(request, timeZone)
    const reversed: SiteRows = {
      views: rows.views.toReversed(),
      events: rows.events.toReversed(),
      conversions: rows.conversions.toReversed(),
      goals: rows.goals.toReversed()
    }
    assert.deepStrictEqual(Evaluation.evaluate(query, rows), Evaluation.evaluate(query, reversed))
  })

  it.prop(
    "results are in the order of the query, and ties are in the order of their dimensions",
    shapes,
    ({ request, rows: shape, timeZone }) => {
      const query = { ...queryOf(request, timeZone), ...everything }
      const { results } = Evaluation.evaluate(query, rowsOf(shape))
      const valueOf = ({ dimensions, metrics }: ResultRow, by: string): string | number => {
        const index = (query.dimensions as ReadonlyArray<string>).indexOf(by)
        if (index !== -1) return dimensions[index] ?? ""
        const metric = metrics[(query.metrics as ReadonlyArray<string>).indexOf(by)] ?? null
        return typeof metric === "number" ? metric : (metric?.value ?? -1)
      }
      const compareValues = (left: string | number, right: string | number): number =>
        typeof left === "string" && typeof right === "string"
          ? Text.compareCodePoints(left, right)
          : Number(left) - Number(right)
      const compare = (left: ResultRow, right: ResultRow): number => {
        for (const { by, direction } of query.orderBy) {
          const order = compareValues(valueOf(left, by), valueOf(right, by))
          if (order !== 0) return direction === "asc" ? order : -order
        }
        const different = left.dimensions.findIndex((value, index) => value !== right.dimensions[index])
        return different === -1
          ? 0
          : Text.compareCodePoints(left.dimensions[different] ?? "", right.dimensions[different] ?? "")
      }
      for (const [index, row] of results.slice(1).entries()) {
        assert.isBelow(compare(results[index] ?? row, row), 0)
      }
    }
  )

  it.prop("the pages together are the complete result", shapes, ({ request, rows: shape, timeZone }) => {
    const rows = rowsOf(shape)
    const query = { ...queryOf(request, timeZone), includeTotalRows: true }
    const whole = Evaluation.evaluate({ ...query, limit: 10_000, offset: 0 }, rows)
    // A year by hours has thousands of results. If every page had only three, the test would take minutes.
    const size = Math.max(3, Math.ceil(whole.results.length / 10))
    const pages = Array.from({ length: Math.ceil(whole.results.length / size) + 1 }, (_, index) =>
      Evaluation.evaluate({ ...query, limit: size, offset: index * size }, rows)
    )
    assert.deepStrictEqual(
      pages.flatMap(({ results }) => results),
      whole.results
    )
    for (const { meta } of pages) assert.strictEqual(meta.total_rows, whole.results.length)
  })

  it.prop(
    "a comparison has the results of the same query in the other range",
    shapes,
    ({ request, rows: shape, timeZone }) => {
      const rows = rowsOf(shape)
      const query: Query = { ...queryOf(request, timeZone), ...everything, comparison: "previous_period", now: null }
      const { meta, results } = Evaluation.evaluate(query, rows)
      const [first = "", last = ""] = meta.comparison_date_range ?? []
      const other = Evaluation.evaluate({ ...query, comparison: null, range: { first, last } }, rows)
      const metricsOf = new Map(other.results.map(({ dimensions, metrics }) => [JSON.stringify(dimensions), metrics]))
      for (const { comparison } of results) {
        const expected = metricsOf.get(JSON.stringify(comparison?.dimensions))
        if (expected !== undefined) assert.deepStrictEqual(comparison?.metrics, expected)
        else for (const value of comparison?.metrics ?? []) assert.include([0, null], value)
      }
    }
  )

  it.prop(
    "the counts of the days of a range add up to the counts of the range",
    shapes,
    ({ request, rows: shape, timeZone }) => {
      const rows = rowsOf(shape)
      const query = { ...queryOf(request, timeZone), filters: [] }
      const metrics: ReadonlyArray<Metric> = [...additive, "visitors"]
      const range = { first: "2026-10-23", last: "2026-10-26" }
      const parts = ["2026-10-23", "2026-10-24", "2026-10-25", "2026-10-26"].map((date) =>
        total({ ...query, range: { first: date, last: date } }, rows, metrics)
      )
      assert.deepStrictEqual(
        metrics.map((_, index) => parts.reduce((sum, part) => sum + (part[index] ?? 0), 0)),
        total({ ...query, range }, rows, metrics)
      )
    }
  )

  it.prop("every time is one of the time labels, which are in order", shapes, ({ request, rows: shape, timeZone }) => {
    const query = { ...queryOf(request, timeZone), ...everything }
    const time = query.dimensions.findIndex(isTimeDimension)
    const { meta, results } = Evaluation.evaluate(query, rowsOf(shape))
    if (time === -1) return assert.isUndefined(meta.time_labels)
    const labels = meta.time_labels ?? []
    assert.deepStrictEqual(labels, labels.toSorted(Text.compareCodePoints))
    for (const { dimensions } of results) assert.include(labels, dimensions[time])
  })

  it.prop(
    "no count of events is below that of page views or visits, and no rate above 100",
    shapes,
    ({ request, rows: shape, timeZone }) => {
      const rows = rowsOf(shape)
      const query = { ...queryOf(request, timeZone), ...everything, dimensions: [], filters: [] }
      const metrics: ReadonlyArray<Metric> = ["visits", "pageviews", "events", "bounce_rate", "conversion_rate"]
      const [visits = 0, pageviews = 0, events = 0, bounceRate = 0, conversionRate = 0] = total(query, rows, metrics)
      assert.isAtLeast(events, pageviews)
      assert.isAtLeast(events, visits)
      assert.isAtMost(bounceRate, 100)
      assert.isAtMost(conversionRate, 100)
    }
  )
})
