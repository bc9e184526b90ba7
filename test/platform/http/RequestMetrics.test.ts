import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Stream } from "effect"
import { browser } from "../../../scripts/torture/Load.ts"
import * as TestMetrics from "../../support/TestMetrics.ts"
import * as TestServer from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

/** Starts the service with metrics; `value` reads one sample. */
const measured = (options?: Parameters<typeof TestServer.layer>[0], agent?: Parameters<typeof TestServer.layer>[1]) =>
  Effect.gen(function* () {
    const { layer, text, value } = TestMetrics.make()
    const context = yield* Layer.build(
      TestServer.layer({ measured: true, ...options }, agent).pipe(Layer.provide(layer))
    )
    const server = yield* Effect.provide(TestServer.TestServer, context)
    return { server, text, value }
  })

/** The name of the sample that counts these responses. */
const requestsTotal = (route: string, status: number | "aborted", method = "POST") =>
  `http_requests_total{route="${route}",method="${method}",status="${status}"}`

const { submit, track } = TestServer.paths
const instance = "/v1/public/widget/:instance_id"
const chat = `${instance}/chat`
const openAi = `${instance}/openai/v1`
const agUi = `${instance}/ag-ui`

describe("platform/http/RequestMetrics", () => {
  it.live("every response counts once, by route, status and decision, on the fast path and off it", () =>
    Effect.gen(function* () {
      const { server, text, value } = yield* measured({ maxBody: 1_000 })
      const view = { site_id: server.trackingToken, page_path: "/" }
      const human = { headers: { "user-agent": browser } }
      yield* server.send(track, view, human)
      yield* server.send(`${track}?x=1`, view, human)
      yield* server.send(track, view, { headers: { "user-agent": "curl/8" } })
      yield* server.send(track, { ...view, page_path: 1 }, human)
      yield* server.send(track, { ...view, page_path: "/".repeat(2_000) }, human)
      const headers = { "idempotency-key": "once" }
      yield* server.send(submit, { site_id: server.websiteConfigId, form_data: { a: 1 } }, { headers })
      yield* server.send(submit, { site_id: server.websiteConfigId, form_data: { a: 1 } }, { headers })
      yield* server.send("/v1/public/secret", undefined, { method: "DELETE" })
      yield* server.send(TestServer.paths.chat("nothing"), { message: "a" })
      yield* server.send("/v1/public/widget/nothing/openai/v1/chat/completions", {})
      yield* server.send("/v1/public/widget/nothing/openai/v1/models", undefined, { method: "GET" })
      yield* server.send("/v1/public/widget/nothing/ag-ui", {})
      yield* server.send("/v1/public/embed.0123abcd.js", undefined, { method: "GET" })
      yield* until("all responses are counted", () => value("http_requests_open") === 0)
      assert.deepStrictEqual(
        [
          requestsTotal(track, 204),
          requestsTotal(track, 422),
          requestsTotal(track, 413),
          requestsTotal(submit, 200),
          requestsTotal("other", 404, "DELETE"),
          requestsTotal(chat, 422),
          requestsTotal(`${openAi}/chat/completions`, 401),
          requestsTotal(`${openAi}/models`, 401, "GET"),
          requestsTotal(agUi, 422),
          requestsTotal("/v1/public/embed.:hash.js", 200, "GET"),
          'decisions_total{decision="counted"}',
          'decisions_total{decision="repeated"}',
          'decisions_total{decision="bot"}',
          'decisions_total{decision="invalid"}',
          `http_request_duration_seconds_count{route="${track}"}`
        ].map(value),
        [3, 1, 1, 2, 1, 1, 1, 1, 1, 1, 3, 1, 1, 2, 5]
      )
      assert.notInclude(text(), "secret")
      assert.notInclude(text(), "nothing")
    }).pipe(Effect.scoped)
  )

  it.live("a chat counts as open while it streams, and as aborted if its client disconnects before the response", () =>
    Effect.gen(function* () {
      const { server, value } = yield* measured({}, ({ message }) =>
        message === "silence"
          ? Stream.never
          : Stream.concat(Stream.succeed({ _tag: "Accepted" } as const), Stream.never)
      )
      const ask = (message: string, signal: AbortSignal) =>
        fetch(server.url + TestServer.paths.chat(server.instance.instance_id), {
          method: "POST",
          signal,
          headers: { "content-type": "application/json", "x-widget-token": server.widgetToken },
          body: JSON.stringify({ message })
        })
      const leave = new AbortController()
      yield* Effect.promise(() => ask("hello", leave.signal))
      yield* until("the chat streams", () => value("chat_streams_open") === 1)
      const waiting = ask("silence", leave.signal).catch(() => undefined)
      yield* until("both chats are open", () => value("http_requests_open") === 2)
      assert.strictEqual(value("chat_streams_open"), 1)
      const { instance_id: instanceId } = server.instance
      yield* Effect.promise(() =>
        fetch(`${server.url}/v1/public/widget/${instanceId}/ag-ui`, {
          method: "POST",
          signal: leave.signal,
          headers: { "x-widget-token": server.widgetToken },
          body: JSON.stringify({ threadId: "t", runId: "r", messages: [{ role: "user", content: "hello" }] })
        })
      )
      yield* until("a run streams too", () => value("chat_streams_open") === 2)
      leave.abort()
      yield* Effect.promise(() => waiting)
      yield* until("all requests have ended", () => value("http_requests_open") === 0)
      assert.strictEqual(value("chat_streams_open"), 0)
      assert.strictEqual(value(requestsTotal(chat, "aborted")), 1)
      assert.strictEqual(value(requestsTotal(chat, 200)), 1)
    }).pipe(Effect.scoped)
  )
})
