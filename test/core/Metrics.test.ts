import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Metrics from "../../src/core/Metrics.ts"

const Value = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 1_000_000_000 }))

const Scalars = ["requests", "requestsOpen", "decisions", "cpu", "memory"] as const

/** Few labels, so that snapshots have series in common; and hostile ones. */
const Labels = Schema.Record(
  Schema.Literals(["route", "kind"]),
  Schema.Union([Schema.Literals(["a", 'quo"te', "back\\slash", "new\nline", ""]), Schema.String])
)

/** The buckets, the last one, and the sum. */
const width = Metrics.families.requestDuration.bounds.length + 2

const Series = Schema.Union([
  Schema.Struct({ name: Schema.Literals(Scalars), labels: Labels, values: Schema.Tuple([Value]) }),
  Schema.Struct({
    name: Schema.Literals(["requestDuration"]),
    labels: Labels,
    values: Schema.Array(Value).check(Schema.isMinLength(width), Schema.isMaxLength(width))
  })
])

const Snapshot = Schema.Array(Series).check(Schema.isMaxLength(6))

const keyOf = ({ labels, name }: Metrics.Series) => JSON.stringify([name, Object.entries(labels).sort()])

/** As a map from what a series is to its values, in which order does not matter. */
const mapOf = (snapshot: Metrics.Snapshot) => new Map(snapshot.map((series) => [keyOf(series), series.values]))

/** Reads what Prometheus reads, by its own grammar: each sample's name and labels, and its value. */
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
    assert.isFalse(samples.has(key), `${key} stands there twice`)
    samples.set(key, Number(value))
  }
  return samples
}

describe("core/Metrics", () => {
  it.prop("merging sums each series", [Schema.Array(Snapshot).check(Schema.isMaxLength(4))], ([snapshots]) => {
    const merged = Metrics.merge(snapshots)
    assert.strictEqual(mapOf(merged).size, merged.length)
    const sums = new Map<string, Array<number>>()
    for (const series of snapshots.flat()) {
      const sum = sums.get(keyOf(series)) ?? []
      series.values.forEach((value, index) => {
        sum[index] = (sum[index] ?? 0) + value
      })
      sums.set(keyOf(series), sum)
    }
    assert.deepStrictEqual(mapOf(merged), sums)
  })

  it.prop("merging is associative and does not care for the order", [Snapshot, Snapshot, Snapshot], ([a, b, c]) => {
    const { merge } = Metrics
    const all = mapOf(merge([a, b, c]))
    assert.deepStrictEqual(mapOf(merge([merge([a, b]), c])), all)
    assert.deepStrictEqual(mapOf(merge([a, merge([b, c])])), all)
    assert.deepStrictEqual(mapOf(merge([c, a, b])), all)
    assert.deepStrictEqual(mapOf(merge([merge([a, b, c])])), all)
  })

  it.prop("what is rendered is read as the same values, whatever the labels hold", [Snapshot], ([snapshot]) => {
    const merged = Metrics.merge([snapshot])
    const samples = read(Metrics.render(merged))
    let expected = 0
    for (const { labels, name, values } of merged) {
      const family: Metrics.Family = Metrics.families[name as Metrics.Name]
      const at = (suffix: string, more: Metrics.Labels = {}) =>
        samples.get(JSON.stringify([family.name + suffix, Object.entries({ ...labels, ...more }).sort()]))
      const shown = (value: number) => value / (family.divisor ?? 1)
      if (family.type !== "histogram") {
        assert.strictEqual(at(""), shown(values[0]!))
        expected++
        continue
      }
      const bounds = family.bounds ?? []
      let count = 0
      ;[...bounds.map((bound) => String(shown(bound))), "+Inf"].forEach((le, index) => {
        count += values[index]!
        assert.strictEqual(at("_bucket", { le }), count)
      })
      assert.strictEqual(at("_count"), count)
      assert.strictEqual(at("_sum"), shown(values[bounds.length + 1]!))
      expected += bounds.length + 3
    }
    assert.strictEqual(samples.size, expected)
  })

  it.prop("what lasts only grows and belongs to no process", [Snapshot], ([snapshot]) => {
    const lasting = Metrics.lasting(snapshot)
    for (const { name } of snapshot) {
      const lasts = name === "requests" || name === "decisions" || name === "requestDuration"
      assert.strictEqual(
        lasting.some((series) => series.name === name),
        lasts
      )
    }
  })

  it("names the process on what each shows for itself, and on nothing else", () => {
    const snapshot = [
      { name: "memory", labels: { kind: "heap" }, values: [1] },
      { name: "requests", labels: { route: "a" }, values: [2] }
    ]
    assert.deepStrictEqual(Metrics.named("3", snapshot), [
      { name: "memory", labels: { kind: "heap", process: "3" }, values: [1] },
      { name: "requests", labels: { route: "a" }, values: [2] }
    ])
  })

  it("leaves out what another version measures", () => {
    assert.strictEqual(Metrics.render([{ name: "toString", labels: {}, values: [1] }]), "")
    assert.deepStrictEqual(Metrics.lasting([{ name: "constructor", labels: {}, values: [1] }]), [])
  })

  it("names every family as Prometheus wants it", () => {
    for (const { name, type } of Object.values<Metrics.Family>(Metrics.families)) {
      assert.match(name, /^hydracore_[a-z_]+$/)
      assert.strictEqual(name.endsWith("_total"), type === "counter", name)
    }
  })
})
