import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Metric, Result } from "effect"
import { HttpServer } from "effect/http"
import * as Batches from "../../../src/platform/batch/Batches.ts"
import * as Metrics from "../../../src/platform/telemetry/Metrics.ts"
import * as MetricsServer from "../../../src/platform/telemetry/MetricsServer.ts"
import * as Snapshot from "../../../src/platform/telemetry/Snapshot.ts"
import * as TestMetrics from "../../support/TestMetrics.ts"
import * as TestServer from "../../support/TestServer.ts"

/** The Prometheus text of a service after a page view and a chat, with all metrics. */
const scraped = Effect.gen(function* () {
  const context = yield* Effect.context<never>()
  yield* Layer.build(Metrics.layerProcess("1.2.3"))
  for (const kind of ["page-views", "submissions"] as const) {
    const { submit } = yield* Batches.make<number, number, never>(kind, {
      flush: (items) => Effect.succeed(items.map((item) => Result.succeed(item))),
      timeout: "10 seconds",
      maxQueue: 10,
      maxBatch: 10
    })
    yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7], submit, { concurrency: "unbounded" }).pipe(Effect.orDie)
  }
  for (const metric of [Metrics.limiterFallbacks({}), Metrics.workerRestarts({})]) metric.updateUnsafe(1, context)
  Metrics.workers({}).updateUnsafe(2, context)
  const built = yield* Layer.build(TestServer.layer({ measured: true }))
  const server = yield* Effect.provide(TestServer.TestServer, built)
  yield* server.send(TestServer.paths.track, { site_id: server.trackingToken, page_path: "/" })
  yield* server.send(
    TestServer.paths.chat(server.instance.instance_id),
    { message: "Hello" },
    { headers: { "x-widget-token": server.widgetToken } }
  )
  const snapshot = Effect.sync(() =>
    Snapshot.merge(["1", "2"].map((process) => Snapshot.withProcess(process, Snapshot.take(context))))
  )
  const metrics = yield* Layer.build(MetricsServer.layer({ host: "127.0.0.1", port: 0 }, snapshot))
  const { address } = yield* Effect.provide(HttpServer.HttpServer, metrics)
  return yield* Effect.promise(async () => (await fetch(`${HttpServer.formatAddress(address)}/metrics`)).text())
}).pipe(Effect.scoped, Effect.orDie)

/** Runs an effect with its own registry of metrics. */
const isolated = <A>(effect: Effect.Effect<A>) => Effect.provideService(effect, Metric.MetricRegistry, new Map())

describe("platform/telemetry/MetricsServer", () => {
  TestMetrics.withPromtool("promtool finds nothing wrong with the metrics", () =>
    Effect.map(isolated(scraped), (text) => assert.strictEqual(TestMetrics.lint(text), ""))
  )

  it.live("serves exactly the expected metrics, summed over processes or labelled by process", () =>
    Effect.gen(function* () {
      const text = yield* isolated(scraped)
      const names = [...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`)
      // Operators' queries depend on these names.
      assert.deepStrictEqual(names.sort(), [
        "hydracore_agent_failures_total counter",
        "hydracore_batch_duration_seconds histogram",
        "hydracore_batch_queue gauge",
        "hydracore_batch_size histogram",
        "hydracore_build_info gauge",
        "hydracore_chat_streams_open gauge",
        "hydracore_chat_streams_total counter",
        "hydracore_chat_time_to_first_token_seconds histogram",
        "hydracore_chat_tokens_total counter",
        "hydracore_connections_limited_total counter",
        "hydracore_decisions_total counter",
        "hydracore_event_loop_active_seconds_total counter",
        "hydracore_event_loop_delay_seconds summary",
        "hydracore_gc_seconds_total counter",
        "hydracore_http_connections gauge",
        "hydracore_http_request_duration_seconds histogram",
        "hydracore_http_requests_open gauge",
        "hydracore_http_requests_total counter",
        "hydracore_limiter_fallbacks_total counter",
        "hydracore_process_cpu_seconds_total counter",
        "hydracore_process_memory_bytes gauge",
        "hydracore_process_start_time_seconds gauge",
        "hydracore_untrusted_forwarded_total counter",
        "hydracore_worker_restarts_total counter",
        "hydracore_workers gauge"
      ])
      const samples = TestMetrics.samplesOf(text)
      assert.strictEqual(samples.get('hydracore_batch_size_sum{kind="submissions"}'), 14)
      assert.strictEqual(samples.get("hydracore_workers"), 4)
      for (const id of ["1", "2"]) {
        assert.strictEqual(
          samples.get(`hydracore_build_info{version="1.2.3",node="${process.version}",process="${id}"}`),
          1
        )
        const started = samples.get(`hydracore_process_start_time_seconds{process="${id}"}`) ?? 0
        assert.isBelow(Math.abs(started - performance.timeOrigin / 1_000), 1)
        assert.isAtLeast(samples.get(`hydracore_event_loop_delay_seconds{process="${id}",quantile="0.99"}`) ?? -1, 0)
      }
    })
  )
})
