/** The fast path in front of another server: which requests it handles, its defects, its shutdown and its memory. */
import { createServer, IncomingMessage, type RequestListener, ServerResponse } from "node:http"
import { Socket } from "node:net"
import { assert, describe, it, layer } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber, Layer, Scope } from "effect"
import { HttpServerResponse } from "effect/http"
import { IpNetwork } from "effect/net"
import { AnalyticsRepo } from "../../src/analytics/AnalyticsRepo.ts"
import * as FastPath from "../../src/analytics/FastPath.ts"
import type { Tracking } from "../../src/analytics/Http.ts"
import { Received } from "../../src/platform/contract/Received.ts"
import * as Incoming from "../../src/platform/http/Incoming.ts"
import { freeingHeads } from "../../src/platform/http/NodeServer.ts"
import * as Trace from "../../src/platform/http/Trace.ts"
import { post, stableParts, tryPost, uuid } from "../support/Framing.ts"
import * as TestServer from "../support/TestServer.ts"

describe("analytics/FastPath", () => {
  const dying = Layer.mock(AnalyticsRepo)({ append: () => Effect.die(new Error("secret")) })
  layer(
    TestServer.layer({}, undefined, (storage) => Layer.merge(storage, dying)),
    { excludeTestServices: true }
  )((it) => {
    it.effect("a defect is a 500 that reveals no details", () =>
      Effect.gen(function* () {
        const { trackingToken, url } = yield* TestServer.TestServer
        const body = JSON.stringify({ site_id: trackingToken, page_path: "/" })
        const [fastPath, router] = yield* Effect.forEach(["length", "chunked"] as const, (way) =>
          post(url + TestServer.paths.track, way, body, {})
        )
        assert.strictEqual(fastPath!.status, 500)
        assert.match(String(fastPath!.headers["x-error-id"]), new RegExp(`^${uuid.source}$`))
        assert.deepStrictEqual(stableParts(fastPath!, []), stableParts(router!, []))
      })
    )
  })

  const pageView = `{"site_id":"497f6eca-6276-4993-bfeb-53cbbbba6f08","page_path":"/"}`

  /** The fast path, in front of a server that answers 418 to everything. */
  const inFront = (
    track: Tracking["track"],
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
      const fastPath = yield* FastPath.make({ track }, { trustedProxies: [] }, tracing)
      const router: RequestListener = (request, response) => {
        onRequest(request)
        request.resume()
        response.writeHead(418).end()
      }
      server.on("request", Incoming.awaitingSmallBody(fastPath(router), 200))
      const port = typeof address === "object" ? address?.port : ""
      return `http://127.0.0.1:${port}${TestServer.paths.track}`
    })

  it.live("an unwritable response does not end the process", () =>
    Effect.gen(function* () {
      const url = yield* inFront(() => Effect.succeed(HttpServerResponse.empty({ headers: { "x-broken": "a\nb" } })))
      yield* Effect.flip(tryPost(url, "length", pageView, {}))
      assert.strictEqual((yield* post(url, "chunked", pageView, {})).status, 418)
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
      const request = yield* Effect.forkChild(Effect.exit(tryPost(url, "length", pageView, {})))
      yield* Deferred.await(begun)
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(ended)
      assert.isTrue(Exit.isFailure(yield* Fiber.join(request)))
    }).pipe(Effect.scoped)
  )

  it.live("an endpoint that throws instead of returning an Effect is a 500 that reveals no details", () =>
    Effect.gen(function* () {
      const url = yield* inFront(() => {
        throw new Error("secret")
      })
      const { headers, status, text } = yield* post(url, "length", pageView, {})
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
      const router = 418
      const trusted = ["127.0.0.0/8"]
      for (const [ratio, proxies, headers, status] of [
        [0, [], {}, fast],
        [0, [], traceparent("01"), fast],
        [0, ["10.0.0.0/8"], traceparent("01"), fast],
        [0, trusted, traceparent("01"), router],
        [0, trusted, { traceparent: "00-nonsense-01" }, fast],
        [1, [], {}, router],
        [1, [], traceparent("00"), router],
        [1, trusted, traceparent("00"), fast]
      ] as const) {
        const trustedProxies = proxies.map((network) => IpNetwork.fromStringUnsafe(network))
        const tracing = yield* Trace.make({ ratio, trustedProxies })
        const url = yield* inFront(() => Effect.succeed(HttpServerResponse.empty({ status: 204 })), undefined, tracing)
        assert.strictEqual(
          (yield* post(url, "length", pageView, headers)).status,
          status,
          JSON.stringify([ratio, proxies, headers])
        )
      }
    }).pipe(Effect.scoped)
  )

  it.live("the handler gets the head's size, and a request with a large head goes to the router", () =>
    Effect.gen(function* () {
      const sizes: Array<number> = []
      const url = yield* inFront(() =>
        Effect.map(Received, ({ head }) => {
          sizes.push(head.headBytes)
          return HttpServerResponse.empty({ status: 204 })
        })
      )
      const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`x-${index}`, "a"]))
      for (const [headers, status] of [
        [{}, 204],
        [{ "x-some": "a".repeat(5_000) }, 204],
        [{ "x-long": "a".repeat(9_000) }, 418],
        [many, 418]
      ] as const) {
        assert.strictEqual((yield* post(url, "length", pageView, headers)).status, status)
      }
      const [ordinary = 0, larger = 0] = sizes
      assert.isTrue(ordinary > 0 && ordinary < 1_000 && larger > ordinary + 5_000)
    }).pipe(Effect.scoped)
  )

  it.live("a body that is not a small valid page view goes to the router, unread if it is not small", () =>
    Effect.gen(function* () {
      const bodies: Array<string> = []
      const url = yield* inFront(
        () => Effect.succeed(HttpServerResponse.empty({ status: 204 })),
        (request) => {
          const arrived = Incoming.arrivedBody(request)
          if (arrived !== undefined) return void bodies.push(Buffer.from(arrived).toString("latin1"))
          let text = ""
          request.on("data", (chunk: Buffer) => (text += chunk.toString("latin1"))).on("end", () => bodies.push(text))
        }
      )
      const invalid = ["{}", "no JSON", "\xff", pageView.replace("page_path", "page"), pageView.padEnd(201)]
      for (const body of invalid) {
        assert.strictEqual((yield* post(url, "length", Buffer.from(body, "latin1"), {})).status, 418)
      }
      assert.strictEqual((yield* post(url, "length", pageView, { "content-type": "text/html" })).status, 418)
      assert.deepStrictEqual(bodies, [...invalid, pageView])
    }).pipe(Effect.scoped)
  )
})

describe("platform/http/NodeServer.freeingHeads", () => {
  it("frees a large head when the response ends, and keeps an ordinary one", () => {
    for (const length of [10, 9_000]) {
      const request = new IncomingMessage(new Socket())
      request.rawHeaders = ["x-a", "a".repeat(length)]
      const response = new ServerResponse(request)
      freeingHeads(() => {})(request, response)
      assert.lengthOf(request.rawHeaders, 2)
      response.end()
      assert.lengthOf(request.rawHeaders, length === 10 ? 2 : 0)
    }
  })
})
