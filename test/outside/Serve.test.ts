/**
 * `serve` in one process and with `--workers 2`: what several workers share, the owner API's own port (`OWNER_PORT`), bytes that
 * violate HTTP, and draining. All tests share two services, which the last tests end.
 *
 * Imports nothing of `src`.
 */
import { Agent } from "node:http"
import { createServer } from "node:net"
import { assert, layer } from "@effect/vitest"
import { Context, Effect, Layer } from "effect"
import { AttackedService } from "../../scripts/torture/AttackedService.ts"
import * as Load from "../../scripts/torture/Load.ts"
import * as Raw from "../../scripts/torture/Raw.ts"
import { rawSockets } from "../../scripts/torture/scenarios/RawSockets.ts"
import * as Process from "../support/Process.ts"
import * as ProcessTree from "../support/ProcessTree.ts"
import * as TestDatabase from "../support/postgres/TestDatabase.ts"
import { pause, until } from "../support/Wait.ts"
import * as Command from "./Command.ts"

/** Page views of an address in an hour. */
const viewLimit = 60

/** Connections of an address. A worker may have half of them, which is more than the other tests open at once. */
const connectionLimit = 16

class Services extends Context.Service<
  Services,
  {
    readonly databaseUrl: string
    readonly site: Readonly<Record<string, string>>
    /** A key for everything. */
    readonly root: string
    /** One process. */
    readonly single: Process.Process
    /** Two workers, with limits. */
    readonly several: Process.Process
  }
>()("test/outside/Serve") {}

const services = Layer.effect(
  Services,
  Effect.gen(function* () {
    const databaseUrl = yield* TestDatabase.url
    const env = {
      DATABASE_URL: databaseUrl,
      DATABASE_TIMEOUT: "1 minute",
      OWNER_PORT: "0",
      DRAIN_DELAY: "5 seconds"
    }
    const limits = {
      RATE_LIMIT_ANALYTICS: `${viewLimit}/hour`,
      METRICS_PORT: "0",
      CONNECTIONS_PER_ADDRESS: `${connectionLimit}`
    }
    const [site, { key: root = "" }, single, several] = yield* Effect.all(
      [
        Command.json(["site", "create", "--name", "Owned"], env),
        Command.json(["key", "issue", "--all-sites", "--scope", "write"], env),
        Process.start("serve", env),
        Process.start("serve", { ...env, ...limits }, ["--workers", "2"])
      ],
      { concurrency: 2 }
    )
    return { databaseUrl, site, root, single, several }
  })
)

/** The values of the workers' metrics, by name and labels. */
const metrics = Effect.gen(function* () {
  const { several } = yield* Services
  const url = /Metrics on (http:\/\/[^"\s]+)/.exec(several.output())?.[1] ?? ""
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

/** Sends page views of this machine to the workers, four at a time. */
const views = Effect.fnUntraced(function* (count: number) {
  const { several, site } = yield* Services
  const agent = new Agent({ keepAlive: false })
  const body = JSON.stringify({ site_id: site["tracking_token"], page_path: "/" })
  return yield* Effect.forEach(
    Array.from({ length: count }),
    () => Effect.promise(() => Load.post(agent, `${several.url}/v1/public/analytics/track`, body)),
    { concurrency: 4 }
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

/** Makes a change after this machine has reached its limit. Asserts that it stays limited, and that no count decreases. */
const limitedThroughout = Effect.fnUntraced(function* (
  change: (service: Process.Process) => Effect.Effect<void>,
  restarts: number
) {
  const { several } = yield* Services
  assert.include(
    (yield* views(viewLimit + 1)).map(({ status }) => status),
    429
  )
  const before = yield* metrics
  yield* change(several)
  yield* checkGrowth(before, {
    [trackRequests(429)]: 0,
    [trackRequests(204)]: 0,
    'hydracore_decisions_total{decision="limited"}': 0,
    'hydracore_decisions_total{decision="counted"}': 0,
    hydracore_worker_restarts_total: restarts
  })
  assert.deepStrictEqual(
    (yield* views(1)).map(({ status }) => status),
    [429]
  )
})

/** Sends a request over a connection of its own, which any worker may get. */
const send = (
  url: string,
  {
    body,
    headers = {},
    key,
    method
  }: {
    readonly key?: string
    readonly method?: string
    readonly body?: object
    readonly headers?: Readonly<Record<string, string>>
  } = {}
) =>
  Effect.promise(async () => {
    const response = await fetch(url, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        connection: "close",
        ...(body === undefined ? {} : { "content-type": "application/json" }),
        ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
        ...headers
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) })
    })
    return { status: response.status, text: await response.text() }
  })

/** Checks that only the service's port for owners has the API, and that a revoked key cannot use it. */
const checkPorts = Effect.fnUntraced(function* (service: Process.Process) {
  const { root, site } = yield* Services
  const owner = yield* until(
    "the owner API has a URL",
    () => /Owner API on (http:\/\/127\.0\.0\.1:\d+)/.exec(service.output())?.[1]
  )
  assert.notStrictEqual(owner, service.url)
  const sites = [site["site_id"]]
  const issued = yield* send(`${owner}/v1/owner/keys`, { key: root, body: { scope: "stats", sites } })
  assert.strictEqual(issued.status, 200, issued.text)
  const { key, key_id } = JSON.parse(issued.text) as { readonly key: string; readonly key_id: string }
  const list = send(`${owner}/v1/owner/sites`, { key })
  // More requests than workers.
  for (let index = 0; index < 6; index++) {
    const { status, text } = yield* list
    assert.strictEqual(status, 200, text)
    assert.include(text, `${site["site_id"]}`)
  }
  assert.strictEqual((yield* send(`${owner}/v1/owner/sites`)).status, 401)
  assert.strictEqual((yield* send(`${owner}/docs`)).status, 200)
  assert.strictEqual((yield* send(`${owner}/v1/public/analytics/track`, { body: {} })).status, 404)
  assert.strictEqual((yield* send(`${owner}/healthz`)).status, 404)
  const unknown = yield* send(`${owner}/nothing`, { headers: { accept: "text/html" } })
  assert.strictEqual(unknown.status, 404)
  assert.include(unknown.text, '<a href="/docs">')
  assert.strictEqual((yield* send(`${service.url}/v1/owner/sites`, { key })).status, 404)
  assert.strictEqual((yield* send(`${service.url}/healthz`)).status, 200)
  yield* send(`${owner}/v1/owner/keys/${key_id}`, { key: root, method: "DELETE" })
  // Each worker caches the key for less than a second.
  for (let refused = 0; refused < 4; ) {
    const { status } = yield* list
    refused = status === 401 ? refused + 1 : 0
    if (refused === 0) yield* pause(50)
  }
  for (const secret of [key, root]) assert.notInclude(service.output(), secret)
})

/** Checks that after SIGTERM the service is not ready, still accepts and answers new connections, and ends without an error. */
const checkDrain = Effect.fnUntraced(function* (service: Process.Process) {
  const { root, site } = yield* Services
  const ready = send(`${service.url}/readyz`)
  assert.strictEqual((yield* ready).status, 200)
  yield* service.signal("SIGTERM")
  const unready = yield* until("the service is not ready", async () => {
    const answer = await Effect.runPromise(ready)
    return answer.status === 503 && answer
  })
  assert.include(unready.text, "shutting down")
  // With workers, each of them answers some of these.
  for (const { status } of yield* Effect.all(Array.from({ length: 6 }, () => ready))) assert.strictEqual(status, 503)
  assert.strictEqual((yield* send(`${service.url}/healthz`)).status, 200)
  const body = { site_id: site["site_id"], form_data: { message: "Hello" } }
  const submitted = yield* send(`${service.url}/v1/public/forms/submit`, { body })
  assert.strictEqual(submitted.status, 200, submitted.text)
  assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null })
  const output = service.output()
  const [notReady = -1, closed = -1] = ["Shutting down: not ready", "Shutting down: no new connections"].map((step) =>
    output.indexOf(step)
  )
  assert.isAtLeast(notReady, 0)
  assert.isAbove(closed, notReady)
  assert.notInclude(output, root)
})

layer(services, { excludeTestServices: true, timeout: "5 minutes" })("serve", (it) => {
  it.effect("workers share one limit, and the metrics are sums", () =>
    Effect.gen(function* () {
      const before = yield* metrics
      const answers = yield* views(200)
      const counted = answers.filter(({ status }) => status === 204)
      assert.strictEqual(counted.length, viewLimit)
      assert.strictEqual(answers.filter(({ status }) => status === 429).length, 200 - viewLimit)
      const remaining = counted.map(({ headers }) => Number(/r=(\d+)/.exec(String(headers["ratelimit"]))?.[1]))
      assert.deepStrictEqual(
        remaining.toSorted((one, other) => one - other),
        Array.from({ length: viewLimit }, (_, index) => index)
      )
      const after = yield* checkGrowth(before, {
        [trackRequests(204)]: viewLimit,
        [trackRequests(429)]: 200 - viewLimit,
        [`hydracore_http_request_duration_seconds_count{${route}}`]: 200,
        'hydracore_decisions_total{decision="counted"}': viewLimit,
        'hydracore_decisions_total{decision="limited"}': 200 - viewLimit,
        hydracore_limiter_fallbacks_total: 0
      })
      for (const name of ["primary", "1", "2"]) {
        assert.isAbove(after.get(`hydracore_process_memory_bytes{kind="resident",process="${name}"}`) ?? 0, 2 ** 24)
      }
    })
  )

  it.effect("workers lose no count when they are replaced", () =>
    limitedThroughout(
      ({ output, signal }) =>
        Effect.andThen(
          signal("SIGHUP"),
          until("all workers are replaced", () => output().includes("All workers are replaced"))
        ),
      0
    )
  )

  it.effect("workers lose no limit when one is killed, and count it as a restart", () =>
    limitedThroughout(
      ({ output, pid }) =>
        Effect.suspend(() => {
          ProcessTree.signalAll(ProcessTree.children(pid).slice(0, 1), "SIGKILL")
          return until("another worker serves", () => output().includes("serves again"))
        }),
      1
    )
  )

  it.effect("workers divide the connection limit of an address", () =>
    Effect.gen(function* () {
      const { several } = yield* Services
      const connections: Array<Raw.Raw> = []
      const open = () => connections.filter(({ closed }) => !closed()).length
      // One worker may get fewer connections than the other.
      while (connections.length <= connectionLimit || (open() < connectionLimit && connections.length < 400)) {
        const connection = yield* Raw.open(several.port)
        connection.write("HEAD /healthz HTTP/1.1\r\nHost: edge\r\n\r\n")
        yield* until("the request is answered", () => Raw.statuses(connection.received()).length === 1)
        connections.push(connection)
      }
      yield* until("only as many connections are open as an address may have", () => open() <= connectionLimit)
      assert.strictEqual(open(), connectionLimit)
      yield* until("it is logged", () =>
        several.output().includes(`An address reached its limit of ${connectionLimit / 2} connections`)
      )
    }).pipe(Effect.scoped)
  )

  for (const [name, flags] of [
    ["single", []],
    ["several", ["--workers", "2"]]
  ] as const) {
    const title = ["serve", ...flags].join(" ")

    it.effect(`${title}: only the port for owners has the API, and a revoked key cannot use it`, () =>
      Effect.flatMap(Services, (services) => checkPorts(services[name]))
    )

    it.effect(`${title}: a port that is in use ends the start with an error that names the setting`, () =>
      Effect.gen(function* () {
        const { databaseUrl } = yield* Services
        const port = yield* Effect.acquireRelease(
          Effect.callback<{ readonly port: number; readonly close: () => void }>((resume) => {
            const server = createServer().listen(0, "127.0.0.1", () => {
              const address = server.address()
              const port = typeof address === "object" && address !== null ? address.port : 0
              resume(Effect.succeed({ port, close: () => server.close() }))
            })
          }),
          ({ close }) => Effect.sync(close)
        )
        const { code, stderr, stdout } = yield* Command.start(["serve", ...flags], {
          DATABASE_URL: databaseUrl,
          PORT: "0",
          OWNER_PORT: String(port.port)
        })
        assert.strictEqual(code, 1)
        assert.include(
          stdout + stderr,
          `Cannot listen on 127.0.0.1:${port.port}: another program uses this port; set OWNER_PORT to another one.`
        )
      }).pipe(Effect.scoped)
    )
  }

  it.effect("hostile bytes are refused, and what follows them is not executed", () =>
    Effect.gen(function* () {
      const { databaseUrl: database, single, site } = yield* Services
      const target = {
        trackingToken: `${site["tracking_token"]}`,
        websiteConfigId: `${site["site_id"]}`,
        // No attack names an instance.
        instanceId: "",
        widgetToken: ""
      }
      const figures = yield* Effect.provideService(rawSockets, AttackedService, { database, port: single.port, target })
      assert.isAbove(figures.attacks, 30)
    })
  )

  for (const name of ["single", "several"] as const) {
    it.effect(`draining of ${name === "single" ? "one process" : "workers"}`, () =>
      Effect.flatMap(Services, (services) => checkDrain(services[name]))
    )
  }
})
