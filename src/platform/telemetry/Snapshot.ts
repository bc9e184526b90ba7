/**
 * Snapshots of the service's metrics, of one process or merged. A snapshot can be serialized as JSON. Only
 * `take` reads the registry.
 *
 * @module
 */
import { Context, Metric } from "effect"
import { constVoid } from "effect/Function"
import { isPerProcess } from "./Metrics.ts"

/** The values of one metric under one set of labels. */
export type Series = Metric.Metric.Snapshot

export type Snapshot = ReadonlyArray<Series>

/** The series of our own metrics in the context's registry. */
export const take = (context: Context.Context<never>): Snapshot =>
  Metric.snapshotUnsafe(context).filter(({ id }) => id.startsWith("hydracore_"))

const keyOf = ({ attributes = {}, id }: Series): string =>
  JSON.stringify([id, ...Object.entries(attributes).sort(([a], [b]) => (a < b ? -1 : 1))])

const addCounts = (a: number | bigint, b: number | bigint): number => Number(a) + Number(b)

/** The sum of two series with the same name and labels; `a` if they have no sum, such as histograms with different bounds. */
const add = (a: Series, b: Series): Series => {
  if (a.type === "Counter" && b.type === "Counter") {
    return { ...a, state: { ...a.state, count: addCounts(a.state.count, b.state.count) } }
  }
  if (a.type === "Gauge" && b.type === "Gauge") {
    return { ...a, state: { value: addCounts(a.state.value, b.state.value) } }
  }
  if (a.type === "Histogram" && b.type === "Histogram") {
    const buckets = a.state.buckets.map(([bound, count], index) => {
      const [otherBound, otherCount] = b.state.buckets[index] ?? []
      return otherBound === bound && otherCount !== undefined
        ? ([bound, count + otherCount] satisfies [number, number] as [number, number])
        : undefined
    })
    if (a.state.buckets.length !== b.state.buckets.length || !buckets.every((bucket) => bucket !== undefined)) return a
    return {
      ...a,
      state: {
        buckets,
        count: a.state.count + b.state.count,
        sum: a.state.sum + b.state.sum,
        min: Math.min(a.state.min, b.state.min),
        max: Math.max(a.state.max, b.state.max)
      }
    }
  }
  return a
}

/** Sums the series of several snapshots. */
export const merge = (snapshots: ReadonlyArray<Snapshot>): Snapshot => {
  const merged = new Map<string, Series>()
  for (const snapshot of snapshots) {
    for (const series of snapshot) {
      const key = keyOf(series)
      const known = merged.get(key)
      merged.set(key, known === undefined ? series : add(known, series))
    }
  }
  return [...merged.values()]
}

/** The summed series that only grow. They are kept after their process ends, so that the sums do not fall. */
export const cumulative = (snapshot: Snapshot): Snapshot =>
  snapshot.filter(({ id, type }) => (type === "Counter" || type === "Histogram") && !isPerProcess(id))

/** Adds the label `process` to the series that each process has for itself, so that `merge` does not sum them. */
export const withProcess = (process: string, snapshot: Snapshot): Snapshot =>
  snapshot.map((series) =>
    isPerProcess(series.id) ? { ...series, attributes: { ...series.attributes, process } } : series
  )

/** A context whose registry holds a snapshot. */
export const toContext = (snapshot: Snapshot): Context.Context<never> => {
  const registry: Metric.MetricRegistry = new Map()
  for (const { state, ...series } of snapshot) {
    registry.set(keyOf({ ...series, state } as Series), {
      ...series,
      hooks: { get: () => state, update: constVoid, modify: constVoid }
    })
  }
  return Context.make(Metric.MetricRegistry, registry)
}
