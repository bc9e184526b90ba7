import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer, Logger, Redacted, type Tracer } from "effect"
import { TestClock } from "effect/testing"
import * as Store from "../../../scripts/torture/Store.ts"
import { Settings } from "../../../src/Config.ts"
import * as Serve from "../../../src/cli/commands/Serve.ts"
import * as Otlp from "../../../src/platform/telemetry/Otlp.ts"
import * as Process from "../../support/Process.ts"
import * as TestDatabase from "../../support/postgres/TestDatabase.ts"
import * as TestCollector from "../../support/TestCollector.ts"
import { finishes, says, sse, start } from "../../support/TestUpstream.ts"
import { until } from "../../support/Wait.ts"

const traceId = "0af7651916cd43dd8448eb211c80319c"

const fastPathIsOff = "so the fast path is off"

/** An agent that answers hello. */
const agent = start((_, response) => {
  response.writeHead(200, sse)
  response.end(says("Hello") + finishes("stop"))
})

describe("platform/telemetry/Otlp", () => {
  it.live(
    "a collector receives from `serve` the log, the metrics, and one trace per request with its batch or agent call",
    () =>
      Effect.gen(function* () {
        const collector = yield* TestCollector.start()
        const { received, url: agentUrl } = yield* agent
        const database = Redacted.value((yield* TestDatabase.connection).url)
        const target = yield* Store.prepare(database, agentUrl)
        const service = yield* Process.start("serve", {
          DATABASE_URL: database,
          TRUSTED_PROXIES: "127.0.0.1",
          OTEL_EXPORTER_OTLP_ENDPOINT: `${collector.url}/`,
          OTEL_EXPORTER_OTLP_PROTOCOL: "http/json",
          OTEL_EXPORTER_OTLP_HEADERS: "x-key=a%20b",
          OTEL_SERVICE_NAME: "edge-1",
          OTEL_RESOURCE_ATTRIBUTES: "deployment.environment=test"
        })
        const send = (path: string, body: unknown, headers: Readonly<Record<string, string>>) =>
          Effect.promise(async () => {
            const response = await fetch(service.url + path, {
              method: "POST",
              headers: { "content-type": "application/json", ...headers },
              body: JSON.stringify(body)
            })
            await response.text()
            return response.status
          })
        const view = { site_id: target.trackingToken, page_path: "/secret-path?email=a" }
        const spanId = "b7ad6b7169203331"
        assert.strictEqual(
          yield* send("/v1/public/analytics/track", view, { traceparent: `00-${traceId}-${spanId}-01` }),
          204
        )
        const chatPath = `/v1/public/widget/${target.instanceId}/chat`
        assert.strictEqual(yield* send(chatPath, { message: "Hi" }, { "x-widget-token": target.widgetToken }), 200)
        // The parent of this chat is not sampled, and the agent receives that flag.
        const unsampled = `00-${"1".repeat(32)}-${spanId}-00`
        const headers = { "x-widget-token": target.widgetToken, traceparent: unsampled }
        assert.strictEqual(yield* send(chatPath, { message: "Hi" }, headers), 200)
        yield* service.signal("SIGTERM")
        assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null }, service.output())

        const spans = collector.spans()
        const named = (name: string) => spans.filter((span) => span.name === name)
        const requests = spans.filter(({ name }) => name.startsWith("POST "))
        assert.lengthOf(requests, 2, JSON.stringify(requests))

        const [track] = named("POST /v1/public/analytics/track")
        assert.strictEqual(track?.traceId, traceId)
        assert.strictEqual(track?.parentSpanId, spanId)
        assert.deepStrictEqual(track?.attributes, {
          "http.request.method": "POST",
          "http.route": "/v1/public/analytics/track",
          "http.response.status_code": 204
        })
        const [batch] = named("batch page-views")
        assert.strictEqual(batch?.traceId, traceId)
        const [append] = named("AnalyticsRepo.append")
        assert.strictEqual(batch?.parentSpanId, append?.spanId)
        const [tracking] = named("analytics.track")
        assert.strictEqual(append?.parentSpanId, tracking?.spanId)
        assert.strictEqual(tracking?.parentSpanId, track?.spanId)

        const [chat] = named("POST /v1/public/widget/:instance_id/chat")
        const [call] = named("AgentStream.stream")
        assert.notStrictEqual(chat?.traceId, traceId)
        assert.isUndefined(chat?.parentSpanId)
        const [handler] = named("widget.chat")
        assert.strictEqual(handler?.parentSpanId, chat?.spanId)
        assert.strictEqual(call?.parentSpanId, handler?.spanId)
        assert.deepStrictEqual(
          received.map((request) => request.headers["traceparent"]),
          [`00-${chat?.traceId}-${call?.spanId}-01`, unsampled]
        )
        // The request span lasts until its stream ends.
        assert.isTrue(BigInt(chat?.endTimeUnixNano ?? 0) >= BigInt(call?.endTimeUnixNano ?? 1))

        const resource = collector.resource()
        assert.strictEqual(resource["service.name"], "edge-1")
        assert.strictEqual(resource["deployment.environment"], "test")
        assert.isString(resource["service.instance.id"])
        assert.isTrue(collector.exports.every((request) => request.headers["x-key"] === "a b"))
        const messages = collector.logs().map(({ message }) => String(message))
        assert.isTrue(messages.some((message) => message.startsWith("Listening on ")))
        assert.isTrue(collector.metrics().has("hydracore_http_requests_total"))
        assert.isTrue(collector.metrics().has("hydracore_build_info"))
        assert.lengthOf(service.output().split(fastPathIsOff), 2)
      }).pipe(Effect.scoped),
    120_000
  )

  it.live(
    "workers export, and the primary logs once that the fast path is off",
    () =>
      Effect.gen(function* () {
        const collector = yield* TestCollector.start()
        const database = Redacted.value((yield* TestDatabase.connection).url)
        yield* Store.prepare(database)
        const env = { DATABASE_URL: database, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_TRACES_SAMPLER_ARG: "1" }
        const service = yield* Process.start("serve", env, ["--workers", "2"])
        yield* service.signal("SIGTERM")
        assert.deepStrictEqual(yield* service.ended, { code: 0, signal: null }, service.output())
        assert.lengthOf(service.output().split(fastPathIsOff), 2)
        const types = new Set(collector.exports.map(({ headers }) => headers["content-type"]))
        assert.deepStrictEqual([...types], ["application/x-protobuf"])
      }).pipe(Effect.scoped),
    120_000
  )

  it.effect("the log says that the fast path is off if the sampling ratio is 1, but not if it is lower", () =>
    Effect.gen(function* () {
      for (const [ratio, lines] of [
        ["1", 1],
        ["0.5", 0]
      ] as const) {
        const env = { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_TRACES_SAMPLER_ARG: ratio }
        const settings = yield* Settings.parse(ConfigProvider.fromUnknown(env))
        const logged: Array<unknown> = []
        const log = Logger.layer([Logger.make(({ message }) => void logged.push(message))])
        yield* Serve.logTracing(settings).pipe(Effect.provide(log))
        assert.lengthOf(
          logged.filter((line) => String(line).includes(fastPathIsOff)),
          lines
        )
      }
    })
  )

  /** The exporter to a collector, with a recorded log. */
  const exporter = (url: string) => {
    const lines: Array<string> = []
    const log = Logger.layer([Logger.map(Logger.formatJson, (line) => void lines.push(line))])
    const layer = Otlp.layer(
      {
        endpoint: url,
        protocol: "http/json",
        headers: Redacted.make({}),
        serviceName: "edge",
        resourceAttributes: {}
      },
      "0"
    ).pipe(Layer.provideMerge(log))
    return { lines, layer }
  }

  it.effect("logs once per signal that exports fail, and when they succeed again", () =>
    Effect.gen(function* () {
      let status = 400
      const collector = yield* TestCollector.start(({ path }) => (path === "/v1/traces" ? status : 200))
      const { layer, lines } = exporter(collector.url)
      yield* Effect.gen(function* () {
        const linesWith = (text: string) =>
          lines.filter((line) => line.includes(text) && line.includes('"signal":"traces"'))
        const exports = () => collector.exports.filter(({ path }) => path === "/v1/traces").length
        const span: Effect.Effect<Tracer.Span> = Effect.withSpan(Effect.orDie(Effect.currentSpan), "work")
        for (const attempt of [1, 2]) {
          yield* span
          yield* TestClock.adjust("5 seconds")
          yield* until("the spans are sent", () => exports() === attempt)
          yield* until("the failure is logged", () => linesWith("cannot be exported").length === 1)
          // After a rejection the exporter pauses for a minute.
          yield* TestClock.adjust("61 seconds")
        }
        status = 200
        yield* span
        yield* TestClock.adjust("5 seconds")
        yield* until("the recovery is logged", () => linesWith("exported again").length === 1)
        assert.lengthOf(linesWith("cannot be exported"), 1)
        assert.include(linesWith("cannot be exported")[0], "status 400")
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.scoped)
  )

  it.effect("an export whose response does not end fails after ten seconds", () =>
    Effect.gen(function* () {
      const requests: Array<string | undefined> = []
      const server = yield* Effect.acquireRelease(
        Effect.sync(() =>
          createServer((request, response) => {
            requests.push(request.url)
            request.resume()
            response.writeHead(200)
            if (request.url === "/v1/traces") response.write(" ")
            else response.end()
          })
        ),
        (server) =>
          Effect.sync(() => {
            server.closeAllConnections()
            server.close()
          })
      )
      yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
      const { layer, lines } = exporter(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
      yield* Effect.gen(function* () {
        yield* Effect.void.pipe(Effect.withSpan("work"))
        yield* TestClock.adjust("5 seconds")
        yield* until("the spans are sent", () => requests.includes("/v1/traces"))
        yield* TestClock.adjust("10 seconds")
        yield* until("the failure is logged", () =>
          lines.some((line) => line.includes("cannot be exported") && line.includes('"signal":"traces"'))
        )
      }).pipe(Effect.provide(layer))
    }).pipe(Effect.scoped)
  )

  it.live("a collector that never responds does not delay the shutdown", () =>
    Effect.gen(function* () {
      const collector = yield* TestCollector.start(() => undefined)
      const { layer } = exporter(collector.url)
      yield* Effect.logInfo("a line").pipe(Effect.provide(layer))
      assert.isNotEmpty(collector.exports)
    }).pipe(Effect.scoped)
  )
})
