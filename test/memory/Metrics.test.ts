import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import { families } from "../../src/core/Metrics.ts"
import * as MemoryMetrics from "../../src/memory/Metrics.ts"

const Micros = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 2_000_000_000 }))

describe("memory/Metrics", () => {
  it.prop("puts each value into the first bucket that holds it", [Schema.Array(Micros)], ([values]) => {
    const metrics = MemoryMetrics.make()
    const observe = metrics.histogram("requestDuration", { route: "a" })
    for (const value of values) observe(value)
    const { bounds } = families.requestDuration
    const [series] = metrics.snapshot()
    const edges = [Number.NEGATIVE_INFINITY, ...bounds, Number.POSITIVE_INFINITY]
    assert.deepStrictEqual(series?.values, [
      ...edges.slice(1).map((upper, index) => values.filter((value) => value <= upper && value > edges[index]!).length),
      values.reduce((sum, value) => sum + value, 0)
    ])
  })

  it("adds what several count under the same labels, and looks up what is watched", () => {
    const metrics = MemoryMetrics.make()
    metrics.counter("decisions", { decision: "bot" })()
    metrics.counter("decisions", { decision: "bot" })(3)
    let open = 1
    metrics.watch("connections", {}, () => open)
    metrics.watch("connections", {}, () => 10)
    const before = metrics.snapshot()
    open = 2
    metrics.counter("decisions", { decision: "bot" })()
    assert.deepStrictEqual(
      before.map(({ values }) => values),
      [[4], [11]]
    )
    assert.deepStrictEqual(
      metrics.snapshot().map(({ values }) => values),
      [[5], [12]]
    )
  })
})
