/**
 * Every metric of the service, as Prometheus sees it: name, help, labels, buckets. Values live in the
 * `Metric.MetricRegistry` of the context that updates them; `observe...` registers a metric whose value is read on demand, as
 * `layerProcess` does for those of the process itself.
 *
 * No label contains client input: each has a few values, all known beforehand.
 *
 * @module
 */
import { constants, monitorEventLoopDelay, PerformanceObserver, performance } from "node:perf_hooks"
import { type Context, Effect, Layer, Metric, Schema, type Scope } from "effect"
import { constVoid } from "effect/Function"

/**
 * A duration in seconds, rounded to a multiple of 2^-20. Sums of such numbers are exact in any order, so that a counter
 * that is merged over processes never falls by a rounding error, which Prometheus would take for a restart.
 */
export const seconds = (millis: number): number => Math.round(millis * 1_048.576) / 1_048_576

/** From a millisecond to the longest chat stream, in seconds. */
export const durationBounds = [
  0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 60, 900
] as const satisfies ReadonlyArray<number>

const sizeBounds = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000]

type Labels = Readonly<Record<string, string>>

const counter =
  <L extends Labels = Record<never, never>>(id: string, description: string) =>
  (attributes: L) =>
    Metric.counter(id, { description, attributes, incremental: true })

const gauge =
  <L extends Labels = Record<never, never>>(id: string, description: string) =>
  (attributes: L) =>
    Metric.gauge(id, { description, attributes })

const histogram =
  <L extends Labels = Record<never, never>>(id: string, description: string, boundaries: ReadonlyArray<number>) =>
  (attributes: L) =>
    Metric.histogram(id, { description, attributes, boundaries })

// HTTP

export const requests = counter<{ readonly route: string; readonly method: string; readonly status: string }>(
  "hydracore_http_requests_total",
  "Responses by route, method and status; the status is aborted if the client disconnected before the response."
)

export const requestDuration = histogram<{ readonly route: string }>(
  "hydracore_http_request_duration_seconds",
  "Time from a request's head to the end of its response, by route.",
  durationBounds
)

export const requestsOpen = gauge("hydracore_http_requests_open", "Requests without a complete response.")

export const connections = gauge("hydracore_http_connections", "Open connections of clients.")

export const decisions = counter<{ readonly decision: string }>(
  "hydracore_decisions_total",
  "Decisions about page views, events, submissions and requests that are not valid HTTP, as in the header X-HydraCore-Decision."
)

export const connectionsLimited = counter<{ readonly bound: string; readonly outcome: "closed" | "refused" }>(
  "hydracore_connections_limited_total",
  "Connections beyond a limit (of an address, of the process) or of an excluded address: idle ones closed, and new ones refused."
)

export const limiterFallbacks = counter(
  "hydracore_limiter_fallbacks_total",
  "Requests that a process counted on its own because the shared rate limiter was unavailable."
)

export const limiterAway = gauge(
  "hydracore_limiter_away",
  "Processes that apply the rate limits alone because they cannot use Redis."
)

export const untrustedForwarded = counter(
  "hydracore_untrusted_forwarded_total",
  "Requests whose X-Forwarded-For was ignored because TRUSTED_PROXIES does not name their sender."
)

// Chat

export const chatStreamsOpen = gauge("hydracore_chat_streams_open", "Chat responses that are being streamed.")

/** `finished`: the agent completed its answer. `left`: the visitor disconnected. Otherwise the stream failed. */
export const chatEnds = [
  "finished",
  "left",
  "agent-timeout",
  "agent-broken",
  "agent-empty",
  "agent-declined",
  "too-long",
  "too-much",
  "unread",
  "shutting-down",
  "internal"
] as const

export type ChatEnd = (typeof chatEnds)[number]

export const chatStreams = counter<{ readonly reason: ChatEnd }>(
  "hydracore_chat_streams_total",
  "Chat streams that ended, by reason."
)

export const chatFirstToken = histogram(
  "hydracore_chat_time_to_first_token_seconds",
  "Time from the request to the agent to the first text of its answer.",
  durationBounds
)

export const chatTokens = counter(
  "hydracore_chat_tokens_total",
  "Pieces of text that agents sent; most runtimes send one for each token."
)

/**
 * `refused` and `busy`: before the agent accepted the message. `broken` and `empty` (no text): after the agent accepted it.
 * `timeout`: before or after.
 */
export type AgentFailureKind = "refused" | "busy" | "timeout" | "broken" | "empty"

export const agentFailureKinds: ReadonlyArray<AgentFailureKind> = ["refused", "busy", "timeout", "broken", "empty"]

export const agentFailures = counter<{ readonly kind: AgentFailureKind }>(
  "hydracore_agent_failures_total",
  "Chat messages that an agent did not answer completely, by kind of failure."
)

// Batches

interface Batch extends Labels {
  readonly kind: string
}

export const batchSize = histogram<Batch>(
  "hydracore_batch_size",
  "Items in a batch that was sent to the database, by kind.",
  sizeBounds
)

export const batchDuration = histogram<Batch & { readonly outcome: string }>(
  "hydracore_batch_duration_seconds",
  "Time that the database took for a batch, by kind and outcome.",
  durationBounds
)

export const batchQueue = gauge<Batch>("hydracore_batch_queue", "Items that wait for a batch, by kind.")

// Deliveries

/** `retried`: the attempt failed, and another follows. `failed`: none follows. */
export type AttemptOutcome = "delivered" | "retried" | "failed"

export const attemptOutcomes: ReadonlyArray<AttemptOutcome> = ["delivered", "retried", "failed"]

export const webhookAttempts = counter<{ readonly outcome: AttemptOutcome }>(
  "hydracore_webhook_attempts_total",
  "Attempts to deliver an event to a webhook, by outcome."
)

export const mailAttempts = counter<{ readonly outcome: AttemptOutcome }>(
  "hydracore_mail_attempts_total",
  "Attempts to send a mail, by outcome."
)

// Workers

export const workers = gauge("hydracore_workers", "Workers that serve.")

export const workerRestarts = counter(
  "hydracore_worker_restarts_total",
  "Workers that were started in place of one that died."
)

// One process

export const memory = gauge<{ readonly kind: "resident" | "heap" }>(
  "hydracore_process_memory_bytes",
  "Memory by kind: resident, heap (in use)."
)

export const cpu = counter<{ readonly mode: "user" | "system" }>(
  "hydracore_process_cpu_seconds_total",
  "Processor time, by mode."
)

export const startTime = gauge("hydracore_process_start_time_seconds", "Start of the process, in Unix time.")

export const buildInfo = gauge<{ readonly version: string; readonly node: string }>(
  "hydracore_build_info",
  "Always 1; the labels hold the version of the service and of Node."
)

export const eventLoopActive = counter(
  "hydracore_event_loop_active_seconds_total",
  "Time in which the event loop was busy."
)

export const eventLoopDelay = Metric.summary("hydracore_event_loop_delay_seconds", {
  description: "Delay of the event loop; the quantiles cover the last ten seconds or more.",
  quantiles: [0.5, 0.99, 1],
  maxAge: "10 seconds",
  maxSize: 1
})

export const gc = counter<{ readonly kind: string }>(
  "hydracore_gc_seconds_total",
  "Time for which garbage collection stopped the process, by kind."
)

const perProcess: ReadonlySet<string> = new Set(
  [
    memory({ kind: "heap" }),
    cpu({ mode: "user" }),
    startTime({}),
    buildInfo({ version: "", node: "" }),
    eventLoopActive({}),
    eventLoopDelay,
    gc({ kind: "" })
  ].map(({ id }) => id)
)

/** Whether each process has its own series of a metric, with the label `process`. Other metrics are summed. */
export const isPerProcess = (id: string): boolean => perProcess.has(id)

/** Registers a metric whose state is the result of `read`, and returns the function that removes it. */
export const observeUnsafe = <Input, State>(
  metric: Metric.Metric<Input, State>,
  read: () => State,
  context: Context.Context<never>
): (() => void) => Metric.registerUnsafe(metric, context, { get: read, update: constVoid, modify: constVoid }).remove

/** Registers a metric as long as the scope is open. */
export const observe = <Input, State>(
  metric: Metric.Metric<Input, State>,
  read: () => State
): Effect.Effect<void, never, Scope.Scope> =>
  Effect.contextWith((context: Context.Context<Scope.Scope>) =>
    Effect.asVoid(
      Effect.acquireRelease(
        Effect.sync(() => observeUnsafe(metric, read, context)),
        (remove) => Effect.sync(remove)
      )
    )
  )

export const observeCounter = (metric: Metric.Counter<number>, read: () => number) =>
  observe(metric, () => ({ count: read(), incremental: true }))

export const observeGauge = (metric: Metric.Gauge<number>, read: () => number) =>
  observe(metric, () => ({ value: read() }))

/** The minimum interval over which quantiles of the event loop's delay are computed, in milliseconds. */
const delayWindow = 10_000

/** The interval at which the event loop's delay is sampled, in milliseconds. Node includes it in each sample. */
const delayResolution = 20

const collectionKinds = [
  [constants.NODE_PERFORMANCE_GC_MINOR, "minor"],
  [constants.NODE_PERFORMANCE_GC_MAJOR, "major"],
  [constants.NODE_PERFORMANCE_GC_INCREMENTAL, "incremental"],
  [constants.NODE_PERFORMANCE_GC_WEAKCB, "weak"]
] as const

const isCollection = Schema.is(
  Schema.Struct({ duration: Schema.Number, detail: Schema.Struct({ kind: Schema.Number }) })
)

/** The delay in seconds of a sample in nanoseconds. */
const delayOf = (nanos: number): number => seconds(Math.max(0, nanos / 1e6 - delayResolution))

const observeEventLoop = Effect.gen(function* () {
  yield* observeCounter(eventLoopActive({}), () => seconds(performance.eventLoopUtilization().active))
  const delay = yield* Effect.acquireRelease(
    Effect.sync(() => {
      const monitor = monitorEventLoopDelay({ resolution: delayResolution })
      monitor.enable()
      return monitor
    }),
    (monitor) => Effect.sync(() => monitor.disable())
  )
  let since = performance.now()
  let state = { quantiles: [] as ReadonlyArray<readonly [number, number]>, count: 0, sum: 0, min: 0, max: 0 }
  yield* observe(eventLoopDelay, () => {
    if (state.quantiles.length > 0 && performance.now() - since < delayWindow) return state
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

const observeCollections = Effect.gen(function* () {
  const context = yield* Effect.context<never>()
  const pauses = new Map<number, ReturnType<typeof gc>>(
    collectionKinds.map(([kind, label]) => [kind, gc({ kind: label })])
  )
  for (const metric of pauses.values()) metric.updateUnsafe(0, context)
  yield* Effect.acquireRelease(
    Effect.sync(() => {
      const observer = new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) {
          if (isCollection(entry)) pauses.get(entry.detail.kind)?.updateUnsafe(seconds(entry.duration), context)
        }
      })
      observer.observe({ entryTypes: ["gc"] })
      return observer
    }),
    (observer) => Effect.sync(() => observer.disconnect())
  )
})

/**
 * Registers the metrics of the process itself while the scope is open: memory, processor time, event loop, garbage collection,
 * version. Most are read when a snapshot is taken. `version` is the service's.
 */
export const layerProcess = (version: string): Layer.Layer<never> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const build = buildInfo({ version, node: process.version })
      yield* observeGauge(build, () => 1)
      yield* observeGauge(startTime({}), () => performance.timeOrigin / 1_000)
      yield* observeGauge(memory({ kind: "resident" }), () => process.memoryUsage.rss())
      yield* observeGauge(memory({ kind: "heap" }), () => process.memoryUsage().heapUsed)
      yield* observeCounter(cpu({ mode: "user" }), () => seconds(process.cpuUsage().user / 1_000))
      yield* observeCounter(cpu({ mode: "system" }), () => seconds(process.cpuUsage().system / 1_000))
      yield* observeEventLoop
      yield* observeCollections
    })
  )
