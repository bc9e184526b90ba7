import { assert, describe, it } from "@effect/vitest"
import { Metric, Schema } from "effect"
import * as Metrics from "../../../src/platform/telemetry/Metrics.ts"
import { render } from "../../../src/platform/telemetry/MetricsServer.ts"
import * as Snapshot from "../../../src/platform/telemetry/Snapshot.ts"
import * as TestMetrics from "../../support/TestMetrics.ts"

/** A few labels, so that snapshots have series in common, and labels that need escaping. */
const Labels = Schema.Record(
  Schema.Literals(["route", "kind"]),
  Schema.Union([Schema.Literals(["a", 'quo"te', "back\\slash", "new\nline", ""]), Schema.String])
)

const metrics = {
  requests: (attributes: Readonly<Record<string, string>>) =>
    Metric.counter("hydracore_http_requests_total", { attributes, incremental: true }),
  open: (attributes: Readonly<Record<string, string>>) => Metric.gauge("hydracore_http_requests_open", { attributes }),
  memory: (attributes: Readonly<Record<string, string>>) =>
    Metric.gauge("hydracore_process_memory_bytes", { attributes }),
  duration: (attributes: Readonly<Record<string, string>>) =>
    Metric.histogram("hydracore_http_request_duration_seconds", { attributes, boundaries: Metrics.durationBounds })
}

/** One update of a metric, in tenths of a millisecond. */
const Update = Schema.Struct({
  metric: Schema.Literals(["requests", "open", "memory", "duration"]),
  labels: Labels,
  tenths: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 10_000_000_000 }))
})

const Updates = Schema.Array(Update).check(Schema.isMaxLength(8))

/** The snapshot of a registry after these updates. */
const snapshotOf = (updates: ReadonlyArray<typeof Update.Type>): Snapshot.Snapshot => {
  const { context } = TestMetrics.make()
  for (const { labels, metric, tenths } of updates) {
    metrics[metric](labels).updateUnsafe(Metrics.seconds(tenths / 10), context)
  }
  return Snapshot.take(context)
}

const keyOf = ({ attributes, id }: Snapshot.Series) => JSON.stringify([id, Object.entries(attributes ?? {}).sort()])

/** The states of the series by identity, independent of their order. */
const mapOf = (snapshot: Snapshot.Snapshot) => new Map(snapshot.map((series) => [keyOf(series), series.state]))

/** Parses Prometheus's text format: the name, labels and value of each sample. */
const read = (text: string): ReadonlyMap<string, number> => {
  const samples = new Map<string, number>()
  for (const line of text.split("\n")) {
    if (line === "" || line.startsWith("# HELP ") || line.startsWith("# TYPE ")) continue
    const match = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]+="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)$/.exec(line)
    assert.isNotNull(match, line)
    const [, name, inner = "", value] = match!
    const labels = [...inner.matchAll(/([a-zA-Z_]+)="((?:[^"\\\n]|\\["\\n])*)"/g)].map(([, label, escaped]) => [
      label,
      escaped!.replace(/\\(["\\n])/g, (_, character: string) => (character === "n" ? "\n" : character))
    ])
    const key = JSON.stringify([name, labels.sort()])
    assert.isFalse(samples.has(key), `${key} occurs twice`)
    samples.set(key, Number(value))
  }
  return samples
}

describe("platform/telemetry/Snapshot", () => {
  it.prop(
    "merged snapshots equal the snapshot of one process with all updates, except for gauges",
    [Schema.Array(Updates).check(Schema.isMaxLength(4))],
    ([processes]) => {
      const counted = processes.map((updates) =>
        updates.filter(({ metric }) => metric === "requests" || metric === "duration")
      )
      assert.deepStrictEqual(mapOf(Snapshot.merge(counted.map(snapshotOf))), mapOf(snapshotOf(counted.flat())))
    }
  )

  it.prop(
    "merging is associative and does not depend on the order, to the last bit",
    [Updates, Updates, Updates],
    ([x, y, z]) => {
      const { merge } = Snapshot
      const [a, b, c] = [snapshotOf(x), snapshotOf(y), snapshotOf(z)]
      const all = mapOf(merge([a, b, c]))
      assert.deepStrictEqual(mapOf(merge([merge([a, b]), c])), all)
      assert.deepStrictEqual(mapOf(merge([a, merge([b, c])])), all)
      assert.deepStrictEqual(mapOf(merge([c, a, b])), all)
      assert.deepStrictEqual(mapOf(merge([merge([a, b, c])])), all)
    }
  )

  it.prop("JSON preserves a snapshot", [Updates], ([updates]) => {
    const snapshot = snapshotOf(updates)
    const sent = JSON.parse(JSON.stringify(snapshot)) as Snapshot.Snapshot
    assert.deepStrictEqual(mapOf(sent), mapOf(snapshot))
    assert.strictEqual(render(sent), render(snapshot))
  })

  it.prop("the rendered text parses to the same values, with any labels", [Updates], ([updates]) => {
    const snapshot = snapshotOf(updates)
    const samples = read(render(snapshot))
    let expected = 0
    for (const { attributes, id, state, type } of snapshot) {
      const sample = (suffix: string, more: Readonly<Record<string, string>> = {}) =>
        samples.get(JSON.stringify([id + suffix, Object.entries({ ...attributes, ...more }).sort()]))
      if (type === "Counter") assert.strictEqual(sample(""), state.count)
      else if (type === "Gauge") assert.strictEqual(sample(""), state.value)
      else if (type === "Histogram") {
        for (const [bound, count] of state.buckets) assert.strictEqual(sample("_bucket", { le: String(bound) }), count)
        assert.strictEqual(sample("_bucket", { le: "+Inf" }), state.count)
        assert.strictEqual(sample("_count"), state.count)
        assert.strictEqual(sample("_sum"), state.sum)
        expected += state.buckets.length + 2
      }
      expected++
    }
    assert.strictEqual(samples.size, expected)
  })

  it.prop("the cumulative series are the counters and the histograms", [Updates], ([updates]) => {
    const cumulative = Snapshot.cumulative(snapshotOf(updates))
    for (const { metric } of updates) {
      const { id } = metrics[metric]({})
      assert.strictEqual(
        cumulative.some((series) => series.id === id),
        metric === "requests" || metric === "duration"
      )
    }
  })

  it("adds the process to per-process series only", () => {
    const { context } = TestMetrics.make()
    Metrics.memory({ kind: "heap" }).updateUnsafe(1, context)
    Metrics.decisions({ decision: "bot" }).updateUnsafe(2, context)
    const attributes = Snapshot.withProcess("3", Snapshot.take(context)).map((series) => series.attributes)
    assert.deepStrictEqual(attributes, [{ kind: "heap", process: "3" }, { decision: "bot" }])
  })

  it("merging series that cannot be added keeps the first", () => {
    const histogramWith = (boundaries: ReadonlyArray<number>) => {
      const { context } = TestMetrics.make()
      Metric.histogram("hydracore_batch_size", { boundaries }).updateUnsafe(1, context)
      return Snapshot.take(context)
    }
    const snapshots = [[1, 2], [1, 3], [1]].map(histogramWith)
    assert.deepStrictEqual(Snapshot.merge(snapshots), histogramWith([1, 2]))
  })

  it("takes the service's own metrics only", () => {
    const { context } = TestMetrics.make()
    Metric.counter("child_fibers_started").updateUnsafe(1, context)
    assert.deepStrictEqual(Snapshot.take(context), [])
  })
})

describe("platform/telemetry/Metrics", () => {
  it.prop(
    "durations are exact to a microsecond, and their sum does not depend on their order",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 900_000_000 })))],
    ([tenths]) => {
      const durations = tenths.map((count) => Metrics.seconds(count / 10))
      for (const [index, duration] of durations.entries()) assert.closeTo(duration, tenths[index]! / 10_000, 5e-7)
      const sum = (values: ReadonlyArray<number>) => values.reduce((a, b) => a + b, 0)
      assert.strictEqual(sum(durations), sum(durations.toReversed()))
    }
  )
})
