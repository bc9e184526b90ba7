/**
 * Keeps what was measured in this process. Bounded, since labels have few values (see `core/Metrics`).
 *
 * @module
 */
import { Effect, Layer } from "effect"
import { families, type Labels, merge, type Name, type Series } from "../core/Metrics.ts"
import { Metrics, type MetricsService } from "../services/Metrics.ts"

/** A process's own registry. */
export const make = (): MetricsService => {
  const kept: Array<Series & { readonly values: Array<number> }> = []
  const watched: Array<{ readonly name: Name; readonly labels: Labels; readonly read: () => number }> = []
  const keep = (name: Name, labels: Labels, length: number): Array<number> => {
    const values = new Array<number>(length).fill(0)
    kept.push({ name, labels, values })
    return values
  }
  return {
    enabled: true,
    counter: (name, labels) => {
      const values = keep(name, labels, 1)
      return (amount = 1) => {
        values[0]! += amount
      }
    },
    histogram: (name, labels) => {
      const { bounds } = families[name]
      const values = keep(name, labels, bounds.length + 2)
      return (value) => {
        // Few bounds, and most values are small: quicker than to halve.
        let bucket = 0
        while (bucket < bounds.length && value > bounds[bucket]!) bucket++
        values[bucket]!++
        values[bounds.length + 1]! += value
      }
    },
    watch: (name, labels, read) => void watched.push({ name, labels, read }),
    snapshot: () =>
      merge([
        kept.map((series) => ({ ...series, values: [...series.values] })),
        watched.map(({ labels, name, read }) => ({ name, labels, values: [read()] }))
      ])
  }
}

/** Measures from here on. */
export const layer: Layer.Layer<never> = Layer.effect(Metrics, Effect.sync(make))
