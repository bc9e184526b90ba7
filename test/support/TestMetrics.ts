/**
 * A registry of its own for a test's metrics, and a look at what Prometheus would read of it.
 *
 * @module
 */
import { Context, Layer, Metric } from "effect"
import * as Snapshot from "../../src/core/metrics/Snapshot.ts"
import { render } from "../../src/telemetry/MetricsServer.ts"

/** Prometheus's samples: each line without its value, and the value. */
export const samplesOf = (text: string): ReadonlyMap<string, number> =>
  new Map(
    text
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ") + 1))])
  )

export const make = (registry: Metric.MetricRegistry = new Map()) => {
  const context = Context.make(Metric.MetricRegistry, registry)
  const text = () => render(Snapshot.take(context))
  return {
    context,
    layer: Layer.succeed(Metric.MetricRegistry, registry),
    text,
    /** A sample's value, by its name without the prefix and its labels. */
    value: (sample: string) => samplesOf(text()).get(`hydracore_${sample}`)
  }
}
