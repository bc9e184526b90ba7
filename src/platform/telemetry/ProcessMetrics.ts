/**
 * Metrics of the process itself: memory, processor time, event loop, garbage collection, version. Most are read when a
 * snapshot is taken.
 *
 * @module
 */
import { constants, monitorEventLoopDelay, PerformanceObserver, performance } from "node:perf_hooks"
import { Effect, Layer, Schema } from "effect"
import * as Metrics from "./Metrics.ts"
import { observe, observeCounter, observeGauge } from "./Metrics.ts"

/** The minimum interval over which quantiles of the event loop's delay are computed, in milliseconds. */
const window = 10_000

/** The interval at which the event loop's delay is sampled, in milliseconds. Node includes it in each sample. */
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

/** The delay in seconds of a sample in nanoseconds. */
const delayOf = (nanos: number): number => Metrics.seconds(Math.max(0, nanos / 1e6 - resolution))

const eventLoop = Effect.gen(function* () {
  yield* observeCounter(Metrics.eventLoopActive({}), () => Metrics.seconds(performance.eventLoopUtilization().active))
  const delay = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const histogram = monitorEventLoopDelay({ resolution })
      histogram.enable()
      return histogram
    }),
    (histogram) => Effect.sync(() => histogram.disable())
  )
  let since = performance.now()
  let state = { quantiles: [] as ReadonlyArray<readonly [number, number]>, count: 0, sum: 0, min: 0, max: 0 }
  yield* observe(Metrics.eventLoopDelay, () => {
    if (state.quantiles.length > 0 && performance.now() - since < window) return state
    const { count } = delay
    state = {
      quantiles: [0.5, 0.99, 1].map((quantile) => [quantile, delayOf(delay.percentile(100 * quantile))] as const),
      count: state.count + count,
      sum: state.sum + (count === 0 ? 0 : delayOf(delay.mean) * count),
      min: count === 0 ? 0 : delayOf(delay.min),
      max: count === 0 ? 0 : delayOf(delay.max)
    }
    delay.reset()
    since = performance.now()
    return state
  })
})

const garbageCollection = Effect.gen(function* () {
  const context = yield* Effect.context<never>()
  const pauses = new Map<number, ReturnType<typeof Metrics.gc>>(
    kinds.map(([kind, label]) => [kind, Metrics.gc({ kind: label })])
  )
  for (const metric of pauses.values()) metric.updateUnsafe(0, context)
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const observer = new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          if (isCollection(entry)) pauses.get(entry.detail.kind)?.updateUnsafe(Metrics.seconds(entry.duration), context)
        }
      })
      observer.observe({ entryTypes: ["gc"] })
      return observer
    }),
    (observer) => Effect.sync(() => observer.disconnect())
  )
})

/** Registers the metrics while the scope is open. `version` is the service's. */
export const layer = (version: string): Layer.Layer<never> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const build = Metrics.buildInfo({ version, node: process.version })
      yield* observeGauge(build, () => 1)
      yield* observeGauge(Metrics.startTime({}), () => performance.timeOrigin / 1_000)
      yield* observeGauge(Metrics.memory({ kind: "resident" }), () => process.memoryUsage.rss())
      yield* observeGauge(Metrics.memory({ kind: "heap" }), () => process.memoryUsage().heapUsed)
      yield* observeCounter(Metrics.cpu({ mode: "user" }), () => Metrics.seconds(process.cpuUsage().user / 1_000))
      yield* observeCounter(Metrics.cpu({ mode: "system" }), () => Metrics.seconds(process.cpuUsage().system / 1_000))
      yield* eventLoop
      yield* garbageCollection
    })
  )
