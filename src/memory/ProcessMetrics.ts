/**
 * Measures the process itself: its memory, its time, and how late its event loop is. Most of it is looked up when somebody
 * asks.
 *
 * @module
 */
import { constants, monitorEventLoopDelay, PerformanceObserver, performance } from "node:perf_hooks"
import { Effect, Layer, Schema } from "effect"
import { Metrics } from "../services/Metrics.ts"

/** For how long a measure of the loop's delay is gathered at least, in milliseconds. */
const window = 10_000

/** How often the loop's delay is looked at, in milliseconds; as much is taken off what was measured. */
const resolution = 20

const kinds = [
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weak"]
] as const

const isCollection = Schema.is(
  Schema.Struct({ duration: Schema.Number, detail: Schema.Struct({ kind: Schema.Number }) })
)

/** Measures for as long as its scope is open, if anybody watches. */
export const layer: Layer.Layer<never> = Layer.effectDiscard(
  Effect.gen(function* () {
    const metrics = yield* Metrics
    if (!metrics.enabled) return
    metrics.watch("memory", { kind: "resident" }, () => process.memoryUsage.rss())
    metrics.watch("memory", { kind: "heap" }, () => process.memoryUsage().heapUsed)
    metrics.watch("cpu", { mode: "user" }, () => process.cpuUsage().user)
    metrics.watch("cpu", { mode: "system" }, () => process.cpuUsage().system)
    metrics.watch("loopActive", {}, () => Math.round(performance.eventLoopUtilization().active * 1_000))

    const delay = yield* Effect.acquireRelease(
      Effect.sync(() => {
        const histogram = monitorEventLoopDelay({ resolution })
        histogram.enable()
        return histogram
      }),
      (histogram) => Effect.sync(() => histogram.disable())
    )
    let since = performance.now()
    let last: ReadonlyMap<number, number> = new Map()
    const delayed = (quantile: number) => {
      if (last.size === 0 || performance.now() - since >= window) {
        last = new Map([50, 99, 100].map((each) => [each, delay.percentile(each)]))
        delay.reset()
        since = performance.now()
      }
      return Math.max(0, Math.round((last.get(quantile) ?? 0) / 1_000 - resolution * 1_000))
    }
    for (const [quantile, label] of [
      [50, "0.5"],
      [99, "0.99"],
      [100, "1"]
    ] as const) {
      metrics.watch("loopDelay", { quantile: label }, () => delayed(quantile))
    }

    const stopped = new Map<number, (micros?: number) => void>(
      kinds.map(([kind, label]) => [kind, metrics.counter("garbage", { kind: label })])
    )
    yield* Effect.acquireRelease(
      Effect.sync(() => {
        const observer = new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) {
            if (isCollection(entry)) stopped.get(entry.detail.kind)?.(Math.round(entry.duration * 1_000))
          }
        })
        observer.observe({ entryTypes: ["gc"] })
        return observer
      }),
      (observer) => Effect.sync(() => observer.disconnect())
    )
  })
)
