/**
 * What several workers of `serve --workers` share: the rate limits and the metrics, also while workers are replaced or killed.
 *
 * Imports nothing of `src`.
 */
import { Agent } from "node:http"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import * as Load from "../../scripts/torture/Load.ts"
import * as Process from "../support/Process.ts"
import * as ProcessTree from "../support/ProcessTree.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { until } from "../support/Wait.ts"
import * as Command from "./Command.ts"

/** Page views of an address in an hour. */
const limit = 60

class Workers extends Context.Service<Workers, { readonly service: Process.Process; readonly trackingToken: string }>()(
  "test/outside/Workers"
) {}

const workers = Layer.effect(
  Workers,
  Effect.gen(function* () {
    const DATABASE_URL = yield* TestDatabase.url
    const settings = { RATE_LIMIT_ANALYTICS: `${limit}/hour`, METRICS_PORT: "0", TRUSTED_PROXIES: "127.0.0.1" }
    const [site, service] = yield* Effect.all(
      [
        Command.json(["site", "create", "--name", "Shop"], { DATABASE_URL }),
        Process.start("serve", { DATABASE_URL, ...settings }, ["--workers", "2"])
      ],
      { concurrency: 2 }
    )
    return { service, trackingToken: `${site["tracking_token"]}` }
  })
)

/** The values of the service's metrics, by name and labels. */
const metrics = Effect.gen(function* () {
  const { service } = yield* Workers
  const url = /Metrics on (http:\/\/[^"\s]+)/.exec(service.output())?.[1] ?? ""
  const text = yield* Effect.promise(async () => {
    const response = await fetch(url)
    assert.strictEqual(response.headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
    return response.text()
  })
  // Sums, not the metrics of each worker one after the other.
  const declared = Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name)
  assert.deepStrictEqual(declared, [...new Set(declared)])
  return new Map(Array.from(text.matchAll(/^([^#\s].*) (\S+)$/gm), ([, sample = "", value]) => [sample, Number(value)]))
})

/** Sends page views of one visitor, 20 at a time. */
const views = Effect.fnUntraced(function* (visitor: string, count: number) {
  const { service, trackingToken } = yield* Workers
  const agent = new Agent({ keepAlive: false })
  const body = JSON.stringify({ site_id: trackingToken, page_path: "/" })
  return yield* Effect.forEach(
    Array.from({ length: count }),
    () =>
      Effect.promise(() =>
        Load.post(agent, `${service.url}/v1/public/analytics/track`, body, { "x-forwarded-for": visitor })
      ),
    { concurrency: 20 }
  )
})

const route = 'route="/v1/public/analytics/track"'
const trackRequests = (status: number) => `hydracore_http_requests_total{${route},method="POST",status="${status}"}`

/** Asserts by how much metrics have grown since `before`. */
const checkGrowth = (before: ReadonlyMap<string, number>, wanted: Readonly<Record<string, number>>) =>
  Effect.map(metrics, (after) => {
    for (const [sample, value] of Object.entries(wanted)) {
      assert.strictEqual((after.get(sample) ?? Number.NaN) - (before.get(sample) ?? 0), value, sample)
    }
    assert.strictEqual(after.get("hydracore_workers"), 2)
    return after
  })

/** Makes a change after a visitor has reached its limit. Asserts that the visitor stays limited, and that no count decreases. */
const limitedThroughout = Effect.fnUntraced(function* (
  visitor: string,
  change: (service: Process.Process) => Effect.Effect<void>,
  restarts: number
) {
  const { service } = yield* Workers
  yield* views(visitor, limit + 1)
  const before = yield* metrics
  yield* change(service)
  yield* checkGrowth(before, {
    [trackRequests(429)]: 0,
    [trackRequests(204)]: 0,
    'hydracore_decisions_total{decision="limited"}': 0,
    'hydracore_decisions_total{decision="counted"}': 0,
    hydracore_worker_restarts_total: restarts
  })
  assert.deepStrictEqual(
    (yield* views(visitor, 1)).map(({ status }) => status),
    [429]
  )
})

layer(workers, { excludeTestServices: true, timeout: "2 minutes" })("several workers", (it) => {
  it.effect("share one limit, and the metrics are sums", () =>
    Effect.gen(function* () {
      const before = yield* metrics
      const answers = yield* views("192.0.2.1", 200)
      const counted = answers.filter(({ status }) => status === 204)
      assert.strictEqual(counted.length, limit)
      assert.strictEqual(answers.filter(({ status }) => status === 429).length, 200 - limit)
      const remaining = counted.map(({ headers }) => Number(/r=(\d+)/.exec(String(headers["ratelimit"]))?.[1]))
      assert.deepStrictEqual(
        remaining.toSorted((one, other) => one - other),
        Array.from({ length: limit }, (_, index) => index)
      )
      const after = yield* checkGrowth(before, {
        [trackRequests(204)]: limit,
        [trackRequests(429)]: 200 - limit,
        [`hydracore_http_request_duration_seconds_count{${route}}`]: 200,
        'hydracore_decisions_total{decision="counted"}': limit,
        'hydracore_decisions_total{decision="limited"}': 200 - limit,
        hydracore_limiter_fallbacks_total: 0
      })
      for (const name of ["primary", "1", "2"]) {
        assert.isAbove(after.get(`hydracore_process_memory_bytes{kind="resident",process="${name}"}`) ?? 0, 2 ** 24)
      }
    })
  )

  it.effect("lose no count when they are replaced", () =>
    limitedThroughout(
      "192.0.2.2",
      ({ output, signal }) =>
        Effect.andThen(
          signal("SIGHUP"),
          until("all workers are replaced", () => output().includes("All workers are replaced"))
        ),
      0
    )
  )

  it.effect("lose no limit when one is killed, and count it as a restart", () =>
    limitedThroughout(
      "192.0.2.3",
      ({ output, pid }) =>
        Effect.suspend(() => {
          ProcessTree.signalAll(ProcessTree.children(pid).slice(0, 1), "SIGKILL")
          return until("another worker serves", () => output().includes("serves again"))
        }),
      1
    )
  )
})
