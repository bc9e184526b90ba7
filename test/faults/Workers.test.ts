import { Agent } from "node:http"
import { connect } from "node:net"
import { assert, describe, it, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Command from "../support/Command.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import * as TestMetrics from "../support/TestMetrics.ts"
import { until } from "../support/Wait.ts"
import * as Cluster from "../torture/Cluster.ts"
import * as Load from "../torture/Load.ts"
import * as Process from "../torture/Process.ts"
import * as Store from "../torture/Store.ts"
import * as Shutdown from "../torture/scenarios/Shutdown.ts"
import * as Workers from "../torture/scenarios/Workers.ts"

const metricsOf = (service: Process.Process) =>
  Effect.promise(async () => {
    const url = /Metrics on (http:\/\/[^"\s]+)/.exec(service.output())?.[1] ?? ""
    const response = await fetch(url)
    assert.strictEqual(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
    const text = await response.text()
    assert.isEmpty(TestMetrics.lint(text) ?? "")
    return TestMetrics.samplesOf(text)
  })

const database = TestDatabase.url

const grace = 1_500

const bench = Workers.bench({ database, workers: 2, environment: { SHUTDOWN_GRACE: `${grace} millis` } })

layer(bench, { excludeTestServices: true })("faults: several workers, under load", (it) => {
  it.effect("SIGHUP replaces all workers and fails no request", () =>
    Effect.map(Workers.hangup({ rounds: 1, ...Load.moderate }), (figures) => {
      assert.strictEqual(figures.requests, figures.rows)
    })
  )

  it.effect("kill -9 of a worker loses its open requests only, and no connection is refused", () =>
    Effect.map(Workers.killed({ rounds: 1, ...Load.moderate }), (figures) => {
      assert.strictEqual(figures.lost, 0)
    })
  )

  it.effect("SIGTERM ends all workers as gracefully as a single process", () =>
    Effect.gen(function* () {
      const { took } = yield* Shutdown.end(yield* Workers.Bench, { grace, ...Load.moderate })
      assert.isBelow(took, grace + 5_000)
    })
  )
})

const limit = 60

const limited = Workers.bench({
  database,
  workers: 2,
  environment: { RATE_LIMIT_ANALYTICS: `${limit}/hour`, METRICS_PORT: "0" }
})

layer(limited, { excludeTestServices: true })("faults: several workers, with a limit", (it) => {
  it.effect("all workers share one limit, and the metrics are sums", () =>
    Effect.gen(function* () {
      const { service, target } = yield* Workers.Bench
      const agent = new Agent({ keepAlive: false })
      const body = JSON.stringify({ site_id: target.trackingToken, page_path: "/" })
      const answers = yield* Effect.forEach(
        Array.from({ length: 200 }),
        () => Effect.promise(() => Load.post(agent, `${service.url}/v1/public/analytics/track`, body)),
        { concurrency: 20 }
      )
      const counted = answers.filter(({ status }) => status === 204)
      assert.strictEqual(counted.length, limit)
      assert.strictEqual(answers.filter(({ status }) => status === 429).length, 200 - limit)
      const remaining = counted.map(({ headers }) => Number(/r=(\d+)/.exec(String(headers["ratelimit"]))?.[1]))
      assert.deepStrictEqual(
        remaining.toSorted((a, b) => a - b),
        Array.from({ length: limit }, (_, index) => index)
      )

      const route = 'route="/v1/public/analytics/track"'
      const expect = {
        [`hydracore_http_requests_total{${route},method="POST",status="204"}`]: limit,
        [`hydracore_http_requests_total{${route},method="POST",status="429"}`]: 200 - limit,
        [`hydracore_http_request_duration_seconds_count{${route}}`]: 200,
        'hydracore_decisions_total{decision="counted"}': limit,
        'hydracore_decisions_total{decision="limited"}': 200 - limit,
        hydracore_limiter_fallbacks_total: 0,
        hydracore_workers: 2,
        hydracore_worker_restarts_total: 0
      }
      const metrics = yield* metricsOf(service)
      for (const [sample, value] of Object.entries(expect)) assert.strictEqual(metrics.get(sample), value, sample)
      for (const process of ["primary", "1", "2"]) {
        assert.isAbove(
          metrics.get(`hydracore_process_memory_bytes{kind="resident",process="${process}"}`) ?? 0,
          2 ** 24
        )
      }

      // The counts of a worker that ended gracefully are not lost, and those of a killed one do not decrease.
      yield* service.signal("SIGHUP")
      yield* until("all workers are replaced", () => service.output().includes("All workers are replaced"))
      Cluster.signalAll(Workers.workersOf(service).slice(0, 1), "SIGKILL")
      yield* until("the restarted worker serves", () => service.output().includes("serves again"))
      const after = yield* metricsOf(service)
      for (const [sample, value] of Object.entries(expect)) {
        assert.strictEqual(after.get(sample), sample === "hydracore_worker_restarts_total" ? 1 : value, sample)
      }
      assert.strictEqual(
        (yield* Effect.promise(() => Load.post(agent, `${service.url}/v1/public/analytics/track`, body))).status,
        429
      )
    })
  )

  it.effect("kill -9 of the primary ends all workers, after they answer their open requests", () => Workers.orphaned)
})

describe("faults: starting and ending several workers", () => {
  /** A server that hangs, and what starts workers on it: only the first has been started. */
  const hanging = Effect.gen(function* () {
    const cluster = yield* Cluster.make({ fsync: "off" })
    yield* Store.prepare(cluster.url)
    yield* cluster.freeze
    const start = Effect.gen(function* () {
      const environment = {
        DATABASE_URL: cluster.url,
        DATABASE_TIMEOUT: "60 seconds",
        PORT: "0",
        SHUTDOWN_GRACE: "1 second"
      }
      const launched = yield* Process.launch(["serve", "--workers", "2"], environment)
      const pid = launched.child.pid ?? 0
      yield* until("a worker is started", () => Cluster.children(pid).length > 0)
      return { ...launched, workers: Cluster.children(pid) }
    })
    return { start, thaw: cluster.thaw }
  })

  it.live("SIGTERM or SIGINT during the start shuts down cleanly and leaves no worker", () =>
    Effect.gen(function* () {
      const { start } = yield* hanging
      const end = (name: NodeJS.Signals) =>
        Effect.gen(function* () {
          const { child, ended, output, workers } = yield* start
          child.kill(name)
          assert.deepStrictEqual(yield* ended, { code: 0, signal: null }, output())
          assert.isFalse(workers.some(Cluster.isAlive))
        })
      yield* Effect.all([end("SIGTERM"), end("SIGINT")], { concurrency: "unbounded" })
    }).pipe(Effect.scoped)
  )

  it.live("SIGHUP during the start takes effect once the workers serve, and does not cut the shutdown short", () =>
    Effect.gen(function* () {
      const { start, thaw } = yield* hanging
      const { child, ended, output } = yield* start
      child.kill("SIGHUP")
      yield* thaw
      yield* until("all workers are replaced", () => {
        assert.isNull(child.signalCode)
        assert.isNull(child.exitCode, output())
        return output().includes("All workers are replaced")
      })
      // Half a request, for which the shutdown waits until the grace period ends.
      const port = Number(/Listening on http:\/\/127\.0\.0\.1:(\d+)/.exec(output())?.[1])
      const socket = yield* Effect.acquireRelease(
        Effect.sync(() => connect({ host: "127.0.0.1", port })),
        (open) => Effect.sync(() => open.destroy())
      )
      socket.on("error", () => {})
      socket.write("GET /healthz HTTP/1.1\r\n")
      yield* until("it is connected", () => !socket.pending)
      child.kill("SIGTERM")
      yield* until("it ends", () => output().includes("Shutting down"))
      child.kill("SIGHUP")
      assert.deepStrictEqual(yield* ended, { code: 0, signal: null })
    }).pipe(Effect.scoped)
  )

  it.live("one process serves its metrics as well", () =>
    Effect.gen(function* () {
      const service = yield* Process.start("serve", { DATABASE_URL: yield* database, METRICS_PORT: "0" })
      for (const path of ["/healthz", "/nowhere?a=1", "/healthz?x"])
        yield* Effect.promise(() => fetch(service.url + path))
      const metrics = yield* metricsOf(service)
      assert.strictEqual(metrics.get('hydracore_http_requests_total{route="/healthz",method="GET",status="200"}'), 2)
      assert.strictEqual(metrics.get('hydracore_http_requests_total{route="other",method="GET",status="404"}'), 1)
      assert.isFalse([...metrics.keys()].some((sample) => sample.includes("nowhere")))
      // The public port does not serve the metrics.
      assert.strictEqual((yield* Effect.promise(() => fetch(`${service.url}/metrics`))).status, 404)
      yield* service.signal("SIGTERM")
      assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
    }).pipe(Effect.scoped)
  )

  it.live("an invalid number of workers is refused with one sentence", () =>
    Effect.gen(function* () {
      for (const wrong of ["0", "-1", "1.5", "many", "1025", ""]) {
        const { code, output } = yield* Command.run(["serve", "--workers", wrong], {})
        assert.strictEqual(code, 1)
        assert.match(output, /^The flag --workers [^\n]+\.\n$/)
      }
    }).pipe(Effect.scoped)
  )

  it.live("a fault common to all workers is reported once and fails the start", () =>
    Effect.gen(function* () {
      const DATABASE_URL = yield* TestDatabase.unmigrated
      const { ended, output } = yield* Process.launch(["serve", "--workers", "3"], { DATABASE_URL, PORT: "0" })
      assert.deepStrictEqual(yield* ended, { code: 1, signal: null })
      assert.match(output(), /^The database is not migrated [^\n]+\n$/)
    }).pipe(Effect.scoped)
  )
})
