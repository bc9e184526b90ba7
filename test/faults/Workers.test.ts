import { assert, describe, it, layer } from "@effect/vitest"
import { Context, Effect, Layer, type Scope } from "effect"
import * as Cluster from "../../scripts/torture/Cluster.ts"
import * as Load from "../../scripts/torture/Load.ts"
import * as Store from "../../scripts/torture/Store.ts"
import * as Shutdown from "../../scripts/torture/scenarios/Shutdown.ts"
import * as Command from "../support/Command.ts"
import * as ControlledAgent from "../support/ControlledAgent.ts"
import * as Ports from "../support/Ports.ts"
import * as Process from "../support/Process.ts"
import * as ProcessTree from "../support/ProcessTree.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import * as TestMetrics from "../support/TestMetrics.ts"
import { until } from "../support/Wait.ts"

const metricsAt = (url: string) =>
  Effect.promise(async () => {
    const response = await fetch(url)
    assert.strictEqual(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
    const text = await response.text()
    assert.isEmpty(TestMetrics.lint(text) ?? "")
    return TestMetrics.samplesOf(text)
  })

const database = TestDatabase.url

const grace = 1_500

/** A database that can hang, and services with workers that start on it. */
class Starting extends Context.Service<
  Starting,
  {
    readonly running: Omit<Shutdown.Running, "service">
    /** Runs an effect while the database hangs. A service then starts only one worker, which waits for the database. */
    readonly whileHanging: <A>(use: Effect.Effect<A, never, Scope.Scope>) => Effect.Effect<A, never, Scope.Scope>
    readonly start: Effect.Effect<Process.Launched & { readonly workers: ReadonlyArray<number> }, never, Scope.Scope>
  }
>()("hydracore/test/WorkersStarting") {}

const starting = Layer.effect(
  Starting,
  Effect.gen(function* () {
    const cluster = yield* Cluster.make({ fsync: "off" })
    const agent = yield* ControlledAgent.start
    const target = yield* Store.prepare(cluster.url, agent.url)
    const environment = {
      ...Process.defaults,
      DATABASE_URL: cluster.url,
      DATABASE_TIMEOUT: "60 seconds",
      SHUTDOWN_GRACE: `${grace} millis`
    }
    return Starting.of({
      running: { agent, database: cluster.url, target },
      whileHanging: (use) => cluster.freeze.pipe(Effect.andThen(use), Effect.ensuring(cluster.thaw)),
      start: Effect.gen(function* () {
        const launched = yield* Process.launch(["serve", "--workers", "2"], environment)
        const pid = launched.child.pid ?? 0
        yield* until("a worker is started", () => ProcessTree.children(pid).length > 0)
        return { ...launched, workers: ProcessTree.children(pid) }
      })
    })
  })
)

layer(starting, { excludeTestServices: true })("faults: signals to several workers", (it) => {
  it.effect("SIGTERM or SIGINT during the start shuts down cleanly and leaves no worker", () =>
    Effect.gen(function* () {
      const { start, whileHanging } = yield* Starting
      const end = (name: NodeJS.Signals) =>
        Effect.gen(function* () {
          const { child, ended, output, workers } = yield* start
          child.kill(name)
          assert.deepStrictEqual(yield* ended, { code: 0, signal: null }, output())
          assert.isFalse(workers.some(ProcessTree.isAlive))
        })
      yield* whileHanging(Effect.all([end("SIGTERM"), end("SIGINT")], { concurrency: "unbounded" }))
    })
  )

  it.effect(
    "SIGHUP during the start takes effect once the workers serve; during the shutdown it does not shorten the shutdown",
    () =>
      Effect.gen(function* () {
        const { running, start, whileHanging } = yield* Starting
        const launched = yield* whileHanging(Effect.tap(start, ({ child }) => Effect.sync(() => child.kill("SIGHUP"))))
        const { child, output } = launched
        yield* until("all workers are replaced", () => {
          assert.isNull(child.signalCode)
          assert.isNull(child.exitCode, output())
          return output().includes("All workers are replaced")
        })
        const service = yield* Process.serving(launched)
        yield* until("the service shuts down", () => output().includes("Shutting down")).pipe(
          Effect.andThen(service.signal("SIGHUP")),
          Effect.forkScoped
        )
        // The service shuts down as gracefully as a single process.
        const { took } = yield* Shutdown.end({ ...running, service }, { grace, ...Load.moderate })
        assert.isBelow(took, grace + 30_000)
      })
  )
})

describe.concurrent("faults: starting several workers", () => {
  it.live("a service without workers serves metrics too", () =>
    Effect.gen(function* () {
      const [port, metricsPort] = [yield* Ports.free, yield* Ports.free]
      yield* Command.launch(["serve"], {
        DATABASE_URL: yield* database,
        PORT: String(port),
        METRICS_PORT: String(metricsPort),
        LOG_LEVEL: "error"
      })
      const statusOf = (path: string) => fetch(`http://127.0.0.1:${port}${path}`).then(({ status }) => status)
      yield* until("the service serves", () => statusOf("/healthz").catch(() => undefined))
      for (const path of ["/nowhere?a=1", "/healthz?x"]) yield* Effect.promise(() => statusOf(path))
      const metrics = yield* metricsAt(`http://127.0.0.1:${metricsPort}/metrics`)
      assert.strictEqual(metrics.get('hydracore_http_requests_total{route="/healthz",method="GET",status="200"}'), 2)
      assert.strictEqual(metrics.get('hydracore_http_requests_total{route="other",method="GET",status="404"}'), 1)
      assert.isFalse([...metrics.keys()].some((sample) => sample.includes("nowhere")))
      // The public port does not serve the metrics.
      assert.strictEqual(yield* Effect.promise(() => statusOf("/metrics")), 404)
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
