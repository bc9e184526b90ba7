import type { ServerResponse } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Layer, References, Result, Schema, Stream, Tracer } from "effect"
import { AgentBusy, AgentStream } from "../../../src/chat/AgentStream.ts"
import type { AgentRequest } from "../../../src/chat/agent/Agent.ts"
import { type Scene, Stage, suite } from "../../suites/AgentStream.ts"
import { advanceUntilEnd, ask, done, exchange, failure, layer, secret, streams } from "../../support/AgentExchange.ts"
import {
  endlessly,
  finishes,
  instanceAt,
  type Received,
  type Respond,
  says,
  sse,
  start
} from "../../support/TestUpstream.ts"
import { until } from "../../support/Wait.ts"

const scenes: Record<Scene, (response: ServerResponse) => void> = {
  hello: (response) => {
    response.writeHead(200, sse)
    response.end(says("Hel") + says("") + says("lo") + finishes("length") + done)
  },
  refuse: (response) => void response.writeHead(500).end(secret),
  break: (response) => {
    response.writeHead(200, sse)
    response.end(`${says("Hel")}data: no frame\n\n`)
  },
  silent: () => {},
  endless: (response) => {
    response.writeHead(200, sse)
    endlessly(response, says("on and on"))
  }
}

const Sent = Schema.fromJsonString(
  Schema.Struct({ messages: Schema.Array(Schema.Struct({ role: Schema.String, content: Schema.String })) })
)
const messageOf = (received: Received) => Schema.decodeSync(Sent)(received.body).messages[0]!.content

suite(
  "live",
  Layer.merge(
    layer,
    Layer.effect(
      Stage,
      Effect.map(
        start((received, response) => scenes[messageOf(received) as Scene](response)),
        (upstream) =>
          Stage.of({ instance: upstream.instance, open: upstream.open, received: () => upstream.received.length })
      )
    )
  )
)

describe("AgentStream over HTTP: the request", () => {
  it.effect("the request asks for a stream, and has the message, the conversation, the model and the key", () =>
    Effect.gen(function* () {
      const { upstream } = yield* exchange(streams(says("a"), done), { agent_model: "m-1", agent_key_env: "AGENT_KEY" })
      const received = upstream.received[0]!
      assert.strictEqual(received.method, "POST")
      assert.strictEqual(received.url, "/v1/chat/completions")
      assert.strictEqual(received.headers["authorization"], "Bearer the-key")
      assert.strictEqual(received.headers["accept"], "text/event-stream")
      assert.strictEqual(received.headers["content-type"], "application/json")
      assert.strictEqual(received.headers["x-openclaw-session-key"], "conversation")
      assert.deepStrictEqual(JSON.parse(received.body), {
        model: "m-1",
        stream: true,
        max_tokens: 4096,
        user: "conversation",
        messages: [{ role: "user", content: "Hi" }]
      })
    }).pipe(Effect.provide(layer))
  )

  it.effect("the request has no model and no key if the instance has none", () =>
    Effect.gen(function* () {
      const { upstream } = yield* exchange(streams(done))
      assert.notProperty(upstream.received[0]?.headers, "authorization")
      assert.notProperty(JSON.parse(upstream.received[0]!.body), "model")
    }).pipe(Effect.provide(layer))
  )

  it.effect("the agent's URL may end with a slash, end with /v1, or have a path", () =>
    Effect.gen(function* () {
      for (const [path, expected] of [
        ["/", "/v1/chat/completions"],
        ["/v1", "/v1/chat/completions"],
        ["/v1/", "/v1/chat/completions"],
        ["/agents/7//", "/agents/7/v1/chat/completions"],
        ["/v1?version=2", "/v1/chat/completions?version=2"],
        ["/any/chat/completions?key=1", "/any/chat/completions?key=1"]
      ] as const) {
        const { upstream } = yield* exchange(streams(done), {}, path)
        assert.strictEqual(upstream.received[0]?.url, expected)
      }
    }).pipe(Effect.provide(layer))
  )

  it.effect("the agent gets the trace of a visitor's request, with a new span if the trace is sampled", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.Span> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const traceId = "0af7651916cd43dd8448eb211c80319c"
      const spanId = "b7ad6b7169203331"
      const traceparentWith = (span?: Tracer.AnySpan) => {
        const exchanged = Effect.provideService(exchange(streams(says("a"), done)), Tracer.Tracer, tracer)
        return Effect.map(
          span === undefined ? exchanged : Effect.provideService(exchanged, Tracer.ParentSpan, span),
          ({ upstream }) => upstream.received[0]?.headers["traceparent"]
        )
      }
      assert.strictEqual(
        yield* traceparentWith(Tracer.externalSpan({ traceId, spanId, sampled: true })),
        `00-${traceId}-${spans[0]?.spanId}-01`
      )
      assert.deepStrictEqual(
        spans.map(({ name, status }) => [name, status._tag]),
        [["AgentStream.stream", "Ended"]]
      )
      assert.strictEqual(
        yield* traceparentWith(Tracer.externalSpan({ traceId, spanId, sampled: false })),
        `00-${traceId}-${spanId}-00`
      )
      assert.isUndefined(yield* traceparentWith())
      assert.lengthOf(spans, 1)
    }).pipe(Effect.provide(layer), Effect.provideService(References.TracerEnabled, false))
  )

  it.effect("if the key's variable is not set, no request is sent and the refusal names the variable", () =>
    Effect.gen(function* () {
      const { result, upstream } = yield* exchange(streams(done), { agent_key_env: "NO_SUCH_KEY" })
      assert.strictEqual(failure(result).tag, "AgentRefused")
      assert.include(failure(result).reason, "NO_SUCH_KEY")
      assert.lengthOf(upstream.received, 0)
    }).pipe(Effect.provide(layer))
  )
})

describe("AgentStream over HTTP: responses that are not an answer", () => {
  const refusals: ReadonlyArray<readonly [string, Respond]> = [
    ["a 500 whose body holds secrets", (_, response) => void response.writeHead(500).end(secret)],
    ["a 401", (_, response) => void response.writeHead(401, sse).end(`data: ${secret}\n\n`)],
    ["a redirect", (_, response) => void response.writeHead(307, { location: "/elsewhere" }).end()],
    [
      "an endless page",
      (_, response) => {
        response.writeHead(200, { "content-type": "text/html" })
        endlessly(response, `<p>${secret}`)
      }
    ],
    ["an empty body without a type", (_, response) => void response.writeHead(200).end()],
    ["a page without a type", (_, response) => void response.writeHead(200).end(`<!doctype html>${secret}`)],
    [
      "JSON that is not a completion",
      (_, response) =>
        void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify({ error: secret }))
    ],
    [
      "JSON over the limit",
      (_, response) => {
        response.writeHead(200, { "content-type": "application/json" })
        endlessly(response, " ".repeat(65_536))
      }
    ],
    [
      "an endless error page",
      (_, response) => {
        response.writeHead(502)
        endlessly(response, secret.repeat(1000))
      }
    ],
    ["a connection that is closed without an answer", (_, response) => void response.socket?.destroy()]
  ]
  for (const [name, respond] of refusals) {
    it.effect(`${name} is a refusal that quotes nothing from the upstream, and its connection is closed`, () =>
      Effect.gen(function* () {
        const { events, result, upstream } = yield* exchange(respond)
        assert.deepStrictEqual(events, [])
        assert.strictEqual(failure(result).tag, "AgentRefused")
        assert.notInclude(JSON.stringify(result), secret)
        assert.lengthOf(upstream.received, 1)
        yield* until("the request ends", () => upstream.open() === 0)
      }).pipe(Effect.provide(layer))
    )
  }

  it.effect("a URL at which nothing listens and an invalid URL give refusals", () =>
    Effect.gen(function* () {
      const closedUrl = yield* Effect.scoped(
        Effect.map(
          start(() => {}),
          (upstream) => upstream.url
        )
      )
      for (const url of [closedUrl, "not an address", "ftp://127.0.0.1/", "http://"]) {
        const { result } = yield* ask(instanceAt(url))
        assert.strictEqual(failure(result).tag, "AgentRefused", url)
      }
    }).pipe(Effect.provide(layer))
  )
})

describe("AgentStream over HTTP: an agent that is busy, or a request that is too long", () => {
  for (const [status, header, retryAfter] of [
    [429, "30", 30],
    [503, "86400", 120],
    [529, undefined, 10]
  ] as const) {
    it.effect(`an agent that answers ${status} is busy, and the error says when to try again`, () =>
      Effect.gen(function* () {
        const { result } = yield* exchange((_, response) => {
          response.writeHead(status, header === undefined ? {} : { "retry-after": header }).end(secret)
        })
        assert.isTrue(Result.isFailure(result))
        if (Result.isFailure(result)) {
          const reason = `the agent answered with status ${status}`
          assert.deepStrictEqual(result.failure, new AgentBusy({ reason, status, retryAfter }))
        }
      }).pipe(Effect.provide(layer))
    )
  }

  it.effect("the body of a refusal that does not end delays the error by two seconds at most", () =>
    Effect.gen(function* () {
      const upstream = yield* start((_, response) => void response.writeHead(400).write(secret))
      const fiber = yield* ask(upstream.instance).pipe(Effect.forkChild({ startImmediately: true }))
      yield* until("the request arrives", () => upstream.received.length === 1)
      assert.isAtMost(yield* advanceUntilEnd(fiber), 3_000)
      const { result } = yield* Fiber.join(fiber)
      assert.deepStrictEqual(failure(result), { tag: "AgentRefused", reason: "the agent answered with status 400" })
      yield* until("the request ends", () => upstream.open() === 0)
    }).pipe(Effect.provide(layer))
  )

  const messages: AgentRequest["messages"] = [
    { role: "user", text: "One" },
    { role: "assistant", text: "1" },
    { role: "user", text: "Two" },
    { role: "assistant", text: "2" },
    { role: "user", text: "Three" }
  ]
  const askAll = Effect.fnUntraced(function* (respond: Respond, messages: AgentRequest["messages"]) {
    const upstream = yield* start(respond)
    const agent = yield* AgentStream
    const result = yield* agent
      .stream({ instance: upstream.instance, session: "s", messages })
      .pipe(Stream.runCollect, Effect.result)
    return { upstream, result }
  })
  const tooLong = JSON.stringify({ error: { code: "context_length_exceeded", message: secret } })

  it.effect("a request that is too long is sent again, with half of its history", () =>
    Effect.gen(function* () {
      const { result, upstream } = yield* askAll((received, response) => {
        if (received.body.includes("One")) response.writeHead(400).end(tooLong)
        else streams(says("Four"), done)(received, response)
      }, messages)
      assert.isTrue(Result.isSuccess(result))
      assert.deepStrictEqual(
        upstream.received.map(({ body }) => Schema.decodeSync(Sent)(body).messages.map(({ content }) => content)),
        [
          ["One", "1", "Two", "2", "Three"],
          ["Two", "2", "Three"]
        ]
      )
    }).pipe(Effect.provide(layer))
  )

  it.effect("if the shorter request gets no response, the error does not have the status of the first", () =>
    Effect.gen(function* () {
      const { result } = yield* askAll((received, response) => {
        if (received.body.includes("One")) response.writeHead(400).end(tooLong)
        else response.socket?.destroy()
      }, messages)
      const error = Result.isFailure(result) ? result.failure : undefined
      assert.strictEqual(error?._tag, "AgentRefused")
      assert.notProperty(error, "status")
    }).pipe(Effect.provide(layer))
  )

  it.effect(
    "a request that is too long is sent at most twice, and a request that is refused for another reason only once",
    () =>
      Effect.gen(function* () {
        const refused = "the agent answered with status 400"
        for (const [body, times, history, reason] of [
          [tooLong, 2, messages, `${refused} (context_length_exceeded)`],
          [
            tooLong,
            1,
            messages.slice(-1) as unknown as AgentRequest["messages"],
            `${refused} (context_length_exceeded)`
          ],
          [secret, 1, messages, refused],
          [secret.repeat(10_000), 1, messages, refused]
        ] as const) {
          const { result, upstream } = yield* askAll((_, response) => void response.writeHead(400).end(body), history)
          assert.deepStrictEqual(failure(result), { tag: "AgentRefused", reason })
          assert.notInclude(JSON.stringify(result), secret)
          assert.lengthOf(upstream.received, times)
        }
      }).pipe(Effect.provide(layer))
  )
})
