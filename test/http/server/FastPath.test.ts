/**
 * The fast path and the router give the same responses. A chunked body takes the router, so each request is sent with and
 * without a `Content-Length`.
 */
import { createServer, type IncomingMessage, request as send } from "node:http"
import { assert, describe, it, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Option, Schema, Scope, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { IpNetwork } from "effect/net"
import { EventHandler, TrackHandler } from "../../../src/http/endpoints/Analytics.ts"
import { SubmitHandler } from "../../../src/http/endpoints/Forms.ts"
import type { RequestHead } from "../../../src/http/endpoints/RequestHead.ts"
import { ChatHandler } from "../../../src/http/endpoints/Widget.ts"
import * as Trace from "../../../src/http/middleware/Trace.ts"
import * as FastPath from "../../../src/http/server/FastPath.ts"
import { AnalyticsRepo } from "../../../src/services/analytics/AnalyticsRepo.ts"
import { WidgetTokens } from "../../../src/services/chat/WidgetTokens.ts"
import { accepted } from "../../support/ChatScript.ts"
import * as TestServer from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | ReadonlyArray<string> | undefined>>
  readonly text: string
}

type Way = "direct" | "router"

const tryAsk = (url: string, way: Way, body: string | Buffer, headers: Readonly<Record<string, string>>) =>
  Effect.tryPromise(
    () =>
      new Promise<Answer>((resolve, reject) => {
        const bytes = Buffer.from(body)
        const length =
          way === "direct" ? { "content-length": String(bytes.length) } : { "transfer-encoding": "chunked" }
        const sent = send(url, { method: "POST", agent: false, headers: { ...headers, ...length } }, (response) => {
          const chunks: Array<Buffer> = []
          response.on("data", (chunk: Buffer) => chunks.push(chunk))
          response.on("end", () =>
            resolve({
              status: response.statusCode ?? 0,
              headers: response.headers,
              text: Buffer.concat(chunks).toString("utf8")
            })
          )
        })
        sent.on("error", reject)
        sent.end(bytes)
      })
  )

const ask = (...request: Parameters<typeof tryAsk>) => Effect.orDie(tryAsk(...request))

const uuid = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g

/** A response without the parts that differ between requests: the time and the generated ids. */
const essence = ({ headers, status, text }: Answer, known: ReadonlyArray<string>) => {
  const { date: _, "content-length": length, ...rest } = headers
  const mask = (value: string) => value.replace(uuid, (id) => (known.includes(id) ? id : "<id>"))
  return { status, length, headers: JSON.parse(mask(JSON.stringify(rest))) as Answer["headers"], text: mask(text) }
}

/**
 * The essence of a response to a repeated request. The decision on a stored record depends on earlier ones (by key and
 * content), so this keeps only the fact that it was stored.
 */
const essenceOfLater = (answer: Answer, known: ReadonlyArray<string>) => {
  const { headers, ...rest } = essence(answer, known)
  const decision = headers["x-hydracore-decision"]
  const isStored = typeof decision === "string" && ["counted", "quarantined", "repeated"].includes(decision)
  return { ...rest, headers: isStored ? { ...headers, "x-hydracore-decision": "<stored>" } : headers }
}

const ContentType = Schema.Literals([
  "",
  "application/json",
  "text/plain;charset=UTF-8",
  "application/x-www-form-urlencoded",
  "multipart/form-data; boundary=x",
  "text/html"
])

const Headers = Schema.Struct({
  "content-type": ContentType,
  accept: Schema.optionalKey(Schema.Literals(["text/html", "*/*"])),
  origin: Schema.optionalKey(Schema.Literals(["https://example.org", "null"])),
  "sec-fetch-site": Schema.optionalKey(Schema.Literals(["cross-site", "same-origin"])),
  "user-agent": Schema.optionalKey(Schema.Literals(["", "curl/8.0", "Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0"])),
  "idempotency-key": Schema.optionalKey(Schema.Literals(["k", "x".repeat(256)])),
  "x-forwarded-for": Schema.optionalKey(Schema.Literals(["198.51.100.7", "2001:db8::1, 10.0.0.1", "nobody"]))
})

/** A chat's body as text. */
const Message = Schema.Union([
  Schema.Struct({
    message: Schema.Union([Schema.String, Schema.Json]),
    conversation_id: Schema.optionalKey(Schema.Union([Schema.String, Schema.Json]))
  }),
  // The body of `useChat`.
  Schema.Struct({
    id: Schema.String,
    messages: Schema.Array(
      Schema.Union([
        Schema.Struct({
          role: Schema.Literals(["user", "assistant", "system"]),
          parts: Schema.Array(Schema.Struct({ type: Schema.Literals(["text", "file"]), text: Schema.Json }))
        }),
        Schema.Json
      ])
    ),
    trigger: Schema.optionalKey(Schema.Literals(["submit-message", "regenerate-message"]))
  }),
  Schema.Json,
  Schema.String
])

/** A body as text, with `SITE` as a placeholder for the website's id. */
const Body = Schema.Union([
  Schema.Struct({
    site_id: Schema.Union([
      Schema.Literals(["SITE", "72771e6a-6f5e-4de4-a5b9-1266c4197811", "no id", "é😀"]),
      Schema.Json
    ]),
    page_path: Schema.optionalKey(Schema.Union([Schema.String, Schema.Json])),
    form_data: Schema.optionalKey(Schema.Union([Schema.Record(Schema.String, Schema.Json), Schema.Json])),
    screen_width: Schema.optionalKey(Schema.Json),
    name: Schema.optionalKey(Schema.Union([Schema.Literals(["Signup"]), Schema.Json])),
    properties: Schema.optionalKey(Schema.Union([Schema.Record(Schema.String, Schema.Finite), Schema.Json])),
    email: Schema.optionalKey(Schema.NullOr(Schema.String))
  }),
  Schema.Json,
  Schema.String
])

const encode = (body: Schema.Json): string => (typeof body === "string" ? body : JSON.stringify(body))

const trustedProxies = [IpNetwork.fromStringUnsafe("127.0.0.0/8"), IpNetwork.fromStringUnsafe("10.0.0.0/8")]

describe("http/server/FastPath", () => {
  layer(TestServer.layer({ trustedProxies, maxBody: 4096 }), { excludeTestServices: true })((it) => {
    for (const kind of ["track", "view", "event", "submit"] as const) {
      it.effect.prop(
        `${kind} gives the same response on both paths`,
        [Body, Headers],
        ([body, { "content-type": type, ...headers }]) =>
          Effect.gen(function* () {
            const server = yield* TestServer.TestServer
            const id = kind === "submit" ? server.websiteConfigId : server.trackingToken
            const text = encode(body).replaceAll("SITE", id)
            const typed = type === "" ? headers : { ...headers, "content-type": type }
            const [direct, router] = yield* Effect.forEach(["direct", "router"] as const, (way) =>
              ask(server.url + TestServer.paths[kind], way, text, typed)
            )
            assert.deepStrictEqual(essenceOfLater(direct!, [id]), essenceOfLater(router!, [id]))
          }),
        { arbitrary: { runs: 300 } }
      )
    }

    for (const [kind, expected] of [
      ["track", 204],
      ["view", 204],
      ["event", 204],
      ["submit", 200]
    ] as const) {
      it.effect(`a stored record is answered alike on both paths (${kind})`, () =>
        Effect.gen(function* () {
          const server = yield* TestServer.TestServer
          const id = kind === "submit" ? server.websiteConfigId : server.trackingToken
          const body = JSON.stringify({ site_id: id, name: "Signup", page_path: "/", form_data: { name: "Ada" } })
          const headers = { "user-agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/143.0" }
          const [direct, router] = yield* Effect.forEach(["direct", "router"] as const, (way, index) =>
            ask(server.url + TestServer.paths[kind], way, body, { ...headers, "x-forwarded-for": `203.0.113.${index}` })
          )
          assert.deepStrictEqual([direct!.status, router!.status], [expected, expected])
          assert.deepStrictEqual(essence(direct!, []), essence(router!, []))
        })
      )
    }

    for (const ways of [
      ["direct", "router"],
      ["router", "direct"]
    ] as const) {
      it.effect(`a submission sent again with its key is reported as repeated (${ways.join(", then ")})`, () =>
        Effect.gen(function* () {
          const { url, websiteConfigId } = yield* TestServer.TestServer
          const body = JSON.stringify({ site_id: websiteConfigId, page_path: "/", form_data: { name: "Grace" } })
          const headers = { "idempotency-key": ways.join() }
          const answers = yield* Effect.forEach(ways, (way) => ask(url + TestServer.paths.submit, way, body, headers))
          assert.deepStrictEqual(
            answers.map((answer) => [answer.status, answer.headers["x-hydracore-decision"]]),
            [
              [200, "counted"],
              [200, "repeated"]
            ]
          )
          assert.strictEqual(answers[0]!.text, answers[1]!.text)
        })
      )
    }

    it.effect.prop(
      "a chat gives the same response on both paths, to its last frame",
      [Message, Headers, Schema.Literals(["right", "wrong", "none"])],
      ([body, { "content-type": type, ...headers }, token]) =>
        Effect.gen(function* () {
          const { instance, url, widgetToken } = yield* TestServer.TestServer
          const tokenHeader =
            token === "none" ? {} : { "x-widget-token": token === "right" ? widgetToken : "hwt_wrong" }
          const typed = type === "" ? headers : { ...headers, "content-type": type }
          const [direct, router] = yield* Effect.forEach(["direct", "router"] as const, (way) =>
            ask(url + TestServer.paths.chat(instance.instanceId), way, encode(body), { ...typed, ...tokenHeader })
          )
          assert.deepStrictEqual(essence(direct!, []), essence(router!, []))
        }),
      { arbitrary: { runs: 300 } }
    )

    it.effect("the router handles an instance id that is not canonical or not a UUID", () =>
      Effect.gen(function* () {
        const { instance, url, widgetToken } = yield* TestServer.TestServer
        const chat = (id: string, query = "") =>
          ask(`${url}${TestServer.paths.chat(id)}${query}`, "direct", `{"message":"Hi"}`, {
            "x-widget-token": widgetToken
          })
        const { instanceId } = instance
        const answers = [chat(instanceId.toUpperCase()), chat(instanceId, "?a=1"), chat("none"), chat("a/b")]
        const statuses = yield* Effect.forEach(
          answers,
          Effect.map(({ status }) => status)
        )
        assert.deepStrictEqual(statuses, [200, 200, 422, 404])
      })
    )

    it.effect("a body that is too long is refused on both paths", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer.TestServer
        for (const way of ["direct", "router"] as const) {
          const answer = yield* ask(url + TestServer.paths.track, way, "x".repeat(5000), {})
          assert.strictEqual(answer.status, 413)
        }
      })
    )

    it.effect("a body that arrives in pieces is reassembled", () =>
      Effect.gen(function* () {
        const { trackingToken, url } = yield* TestServer.TestServer
        const status = yield* Effect.promise(
          () =>
            new Promise<number>((resolve, reject) => {
              const body = Buffer.from(JSON.stringify({ site_id: trackingToken, page_path: "/é" }))
              const sent = send(
                url + TestServer.paths.track,
                { method: "POST", agent: false, headers: { "content-length": String(body.length) } },
                (response) => resolve(response.resume().statusCode ?? 0)
              )
              sent.on("error", reject)
              // One byte at a time, each after the previous one is sent: this splits the é.
              const step = (index: number): void =>
                index === body.length
                  ? void sent.end()
                  : void sent.write(body.subarray(index, index + 1), () => step(index + 1))
              step(0)
            })
        )
        assert.strictEqual(status, 204)
      })
    )
  })

  const once = { name: "analytics", limit: 1, windowMillis: 60_000 }
  layer(TestServer.layer({ trustedProxies, rateLimitAnalytics: Option.some(once) }), { excludeTestServices: true })(
    (it) => {
      it.effect("a client is counted under the same address on both paths", () =>
        Effect.gen(function* () {
          const { trackingToken, url } = yield* TestServer.TestServer
          const body = JSON.stringify({ site_id: trackingToken, page_path: "/" })
          const statuses = yield* Effect.forEach(
            [
              ["direct", "198.51.100.7"],
              ["router", "198.51.100.7"],
              ["router", "2001:db8::1"],
              ["direct", "2001:db8::2, 10.0.0.9"],
              ["direct", "198.51.100.8"],
              ["router", "198.51.100.8, nobody"]
            ] as const,
            ([way, forwarded]) => ask(url + TestServer.paths.track, way, body, { "x-forwarded-for": forwarded })
          )
          assert.deepStrictEqual(
            statuses.map(({ status }) => status),
            [204, 429, 204, 429, 204, 204]
          )
        })
      )
    }
  )

  /** The number of chats with an agent that accepts or not, and then sends nothing. */
  let asking = 0
  const silent = (accepts: boolean) =>
    Stream.concat(accepts ? Stream.make(accepted) : Stream.empty, Stream.never).pipe(
      Stream.onStart(Effect.sync(() => asking++)),
      Stream.ensuring(Effect.sync(() => asking--))
    )
  const perInstance = { perAddress: Option.none(), perInstance: Option.some(1) }
  layer(
    TestServer.layer({ chatStreams: perInstance }, ({ message }) => silent(message === "accept")),
    { excludeTestServices: true }
  )((it) => {
    for (const message of ["accept", "do not"]) {
      it.effect(
        `a disconnected visitor's resources are released, before and after the agent accepts (${message})`,
        () =>
          Effect.gen(function* () {
            const { instance, url, widgetToken } = yield* TestServer.TestServer
            const body = JSON.stringify({ message })
            const headers = { "x-widget-token": widgetToken, "content-length": String(body.length) }
            const chat = () => {
              let begun = false
              const sent = send(
                url + TestServer.paths.chat(instance.instanceId),
                { method: "POST", headers },
                (answer) =>
                  answer
                    .on("error", () => {})
                    .once("data", () => {
                      begun = true
                    })
              )
              sent.on("error", () => {}).end(body)
              return { sent, begun: () => begun }
            }
            // The second is accepted only because the first released its slot.
            for (let turn = 0; turn < 2; turn++) {
              const { begun, sent } = chat()
              yield* until("the agent's stream has started", () => asking === 1)
              if (message === "accept") yield* until("the chat has begun", begun)
              sent.destroy()
              yield* until("the agent's stream is interrupted", () => asking === 0)
            }
          })
      )
    }
  })

  /** Whether a token lookup that never ends was interrupted. */
  let isInterrupted = false
  let isLookedUp = false
  const slow = Layer.effect(
    WidgetTokens,
    Effect.map(WidgetTokens, (tokens) =>
      WidgetTokens.of({
        ...tokens,
        authenticate: () =>
          Effect.suspend(() => {
            isLookedUp = true
            return Effect.never
          }).pipe(
            Effect.onInterrupt(() =>
              Effect.sync(() => {
                isInterrupted = true
              })
            )
          )
      })
    )
  )
  layer(
    TestServer.layer({}, undefined, (storage) => Layer.merge(storage, Layer.provide(slow, storage))),
    { excludeTestServices: true }
  )((it) => {
    it.effect("the token lookup is interrupted if the visitor disconnects", () =>
      Effect.gen(function* () {
        const { instance, url } = yield* TestServer.TestServer
        const body = `{"message":"Hi"}`
        const headers = { "content-length": String(body.length) }
        const sent = send(url + TestServer.paths.chat(instance.instanceId), { method: "POST", headers })
        sent.on("error", () => {}).end(body)
        yield* until("the token is looked up", () => isLookedUp)
        sent.destroy()
        yield* until("the lookup is interrupted", () => isInterrupted)
      })
    )
  })

  const twice = { name: "chat", limit: 2, windowMillis: 60_000 }
  layer(TestServer.layer({ rateLimitChat: Option.some(twice) }), { excludeTestServices: true })((it) => {
    it.effect("a streamed chat has the rate limit headers on both paths", () =>
      Effect.gen(function* () {
        const { instance, url, widgetToken } = yield* TestServer.TestServer
        const answers = yield* Effect.forEach(["direct", "router", "direct"] as const, (way) =>
          ask(url + TestServer.paths.chat(instance.instanceId), way, `{"message":"Hi"}`, {
            "x-widget-token": widgetToken
          })
        )
        assert.deepStrictEqual(
          answers.map(({ headers, status }) => [status, headers["ratelimit-policy"], headers["content-type"]]),
          [
            [200, '"chat";q=2;w=60', "text/event-stream"],
            [200, '"chat";q=2;w=60', "text/event-stream"],
            [429, '"chat";q=2;w=60', "application/json"]
          ]
        )
        assert.deepStrictEqual(
          answers.map(({ headers }) => /;r=(\d+)/.exec(String(headers["ratelimit"]))?.[1]),
          ["1", "0", "0"]
        )
      })
    )
  })

  const dying = Layer.succeed(AnalyticsRepo, AnalyticsRepo.of({ append: () => Effect.die(new Error("secret")) }))
  layer(
    TestServer.layer({}, undefined, (storage) => Layer.merge(storage, dying)),
    { excludeTestServices: true }
  )((it) => {
    it.effect("a defect is a 500 that reveals no details", () =>
      Effect.gen(function* () {
        const { trackingToken, url } = yield* TestServer.TestServer
        const body = JSON.stringify({ site_id: trackingToken, page_path: "/" })
        const [direct, router] = yield* Effect.forEach(["direct", "router"] as const, (way) =>
          ask(url + TestServer.paths.track, way, body, {})
        )
        assert.strictEqual(direct!.status, 500)
        assert.match(String(direct!.headers["x-error-id"]), new RegExp(`^${uuid.source}$`))
        assert.deepStrictEqual(essence(direct!, []), essence(router!, []))
      })
    )
  })

  /** The fast path, with one endpoint for all paths, in front of a server that answers 418 to everything. */
  const inFront = (
    endpoint: TrackHandler["Service"] & ChatHandler["Service"],
    onRequest: (request: IncomingMessage) => void = () => {},
    tracing?: Trace.Tracing
  ) =>
    Effect.gen(function* () {
      const server = createServer()
      yield* Effect.acquireRelease(
        Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
        () => Effect.callback<void>((resume) => void server.close(() => resume(Effect.void)))
      )
      const address = server.address()
      const fastPath = yield* FastPath.make({ trustedProxies: [], maxBody: 10 }, tracing).pipe(
        Effect.provide([
          Layer.succeed(TrackHandler, endpoint),
          Layer.succeed(EventHandler, endpoint),
          Layer.succeed(SubmitHandler, endpoint),
          Layer.succeed(ChatHandler, endpoint)
        ])
      )
      server.on(
        "request",
        fastPath((request, response) => {
          onRequest(request)
          request.resume()
          response.writeHead(418).end()
        })
      )
      const port = typeof address === "object" ? address?.port : ""
      return `http://127.0.0.1:${port}${TestServer.paths.track}`
    })

  it.live("an unwritable response does not end the process", () =>
    Effect.gen(function* () {
      const url = yield* inFront(() => Effect.succeed(HttpServerResponse.empty({ headers: { "x-broken": "a\nb" } })))
      yield* Effect.flip(tryAsk(url, "direct", "{}", {}))
      assert.strictEqual((yield* ask(url, "router", "{}", {})).status, 418)
    }).pipe(Effect.scoped)
  )

  it.live("requests in progress are interrupted and awaited when the scope closes", () =>
    Effect.gen(function* () {
      const begun = yield* Deferred.make<void>()
      let ended = false
      const slow = () =>
        Effect.andThen(Deferred.succeed(begun, undefined), Effect.never).pipe(
          Effect.onInterrupt(() =>
            Effect.andThen(
              Effect.yieldNow,
              Effect.sync(() => (ended = true))
            )
          )
        )
      const scope = yield* Scope.make()
      const url = yield* Scope.provide(inFront(slow), scope)
      const asking = yield* Effect.forkChild(Effect.exit(tryAsk(url, "direct", "{}", {})))
      yield* Deferred.await(begun)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(ended)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(asking)))
    }).pipe(Effect.scoped)
  )

  it.live("an endpoint that throws instead of returning an Effect is a 500 that reveals no details", () =>
    Effect.gen(function* () {
      const url = yield* inFront(() => {
        throw new Error("secret")
      })
      const { headers, status, text } = yield* ask(url, "direct", "{}", {})
      assert.strictEqual(status, 500)
      assert.strictEqual(text, JSON.stringify({ detail: "Internal Server Error" }))
      assert.match(String(headers["x-error-id"]), new RegExp(`^${uuid.source}$`))
    }).pipe(Effect.scoped)
  )

  it.live("only sampled requests leave the fast path, and only a trusted proxy's trace is joined", () =>
    Effect.gen(function* () {
      const traceparent = (flags: string) => ({
        traceparent: `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-${flags}`
      })
      const fast = 204
      const platform = 418
      const trusted = ["127.0.0.0/8"]
      for (const [ratio, proxies, headers, status] of [
        [0, [], {}, fast],
        [0, [], traceparent("01"), fast],
        [0, ["10.0.0.0/8"], traceparent("01"), fast],
        [0, trusted, traceparent("01"), platform],
        [0, trusted, { traceparent: "00-nonsense-01" }, fast],
        [1, [], {}, platform],
        [1, [], traceparent("00"), platform],
        [1, trusted, traceparent("00"), fast]
      ] as const) {
        const trustedProxies = proxies.map((network) => IpNetwork.fromStringUnsafe(network))
        const tracing = yield* Trace.make({ ratio, trustedProxies })
        const url = yield* inFront(() => Effect.succeed(HttpServerResponse.empty({ status: 204 })), undefined, tracing)
        assert.strictEqual(
          (yield* ask(url, "direct", "{}", headers)).status,
          status,
          JSON.stringify([ratio, proxies, headers])
        )
      }
    }).pipe(Effect.scoped)
  )

  it.live("the endpoint gets the head's size, and a large head is freed when the response ends", () =>
    Effect.gen(function* () {
      const sizes: Array<number> = []
      const requests: Array<IncomingMessage> = []
      const url = yield* inFront(
        (head: RequestHead) => {
          sizes.push(head.headBytes)
          return Effect.succeed(HttpServerResponse.empty({ status: 204 }))
        },
        (request) => {
          assert.isAbove(request.rawHeaders.length, 0)
          requests.push(request)
        }
      )
      const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x-${index}`, "a"]))
      for (const [headers, status] of [
        [{}, 204],
        [{ "x-some": "a".repeat(5_000) }, 204],
        [{ "x-long": "a".repeat(9_000) }, 418],
        [many, 418]
      ] as const) {
        assert.strictEqual((yield* ask(url, "direct", "{}", headers)).status, status)
      }
      const [ordinary = 0, larger = 0] = sizes
      assert.isTrue(ordinary > 0 && ordinary < 1_000 && larger > ordinary + 5_000)
      assert.deepStrictEqual(
        requests.map(({ headers, rawHeaders }) => [headers, rawHeaders]),
        [
          [{}, []],
          [{}, []]
        ]
      )
    }).pipe(Effect.scoped)
  )
})
