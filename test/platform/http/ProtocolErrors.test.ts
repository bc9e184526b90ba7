/**
 * Node's HTTP parser and server refuse some requests with a response that has no body. The service answers these requests with an
 * error body, and counts them as `invalid`.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Schema } from "effect"
import * as Raw from "../../../scripts/torture/Raw.ts"
import type { Limits } from "../../../src/platform/http/NodeServer.ts"
import * as TestMetrics from "../../support/TestMetrics.ts"
import * as TestServer from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

const serve = Effect.fnUntraced(function* (limits: Partial<Limits> = {}) {
  const metrics = TestMetrics.make()
  const context = yield* Layer.build(TestServer.layer({ limits, measured: true }).pipe(Layer.provide(metrics.layer)))
  const { url } = yield* Effect.provide(TestServer.TestServer, context)
  const value = (sample: string): number => metrics.value(sample) ?? 0
  return {
    port: Number(new URL(url).port),
    counted: (route: string, method: string, status: number | "aborted") =>
      value(`http_requests_total{route="${route}",method="${method}",status="${status}"}`),
    invalid: () => value('decisions_total{decision="invalid"}')
  }
})

const Refusal = Schema.fromJsonString(Schema.Struct({ detail: Schema.String }))

const host = "Host: edge\r\n"
const { track } = TestServer.paths
const chunked = `POST ${track} HTTP/1.1\r\n${host}Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n`

/** The bytes sent, the expected status, the route and method of the metric, and a pattern of the detail. */
const cases: ReadonlyArray<
  readonly [name: string, sent: string, status: number, route: string, method: string, detail: RegExp]
> = [
  ["bytes that are not HTTP", "?\r\n\r\n", 400, "other", "other", /not valid HTTP/],
  [
    "Transfer-Encoding with Content-Length",
    `POST / HTTP/1.1\r\n${host}Transfer-Encoding: chunked\r\nContent-Length: 1\r\n\r\n`,
    400,
    "other",
    "other",
    /not valid/
  ],
  ["HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400, "other", "other", /HTTP\/1\.1/],
  ["a large head", `GET / HTTP/1.1\r\n${host}A: ${"a".repeat(20_000)}\r\n\r\n`, 431, "other", "other", /16384 bytes/],
  ["a long URL", `GET /${"a".repeat(20_000)} HTTP/1.1\r\n${host}\r\n`, 431, "other", "other", /16384 bytes/],
  [
    "too many headers",
    `GET /healthz HTTP/1.1\r\n${host}${"a: b\r\n".repeat(200)}\r\n`,
    431,
    "/healthz",
    "GET",
    /more than 200 headers/
  ],
  ["a CONNECT request", `CONNECT edge:443 HTTP/1.1\r\n${host}\r\n`, 405, "other", "other", /proxy/],
  ["a large chunk extension", `${chunked}1;${"a".repeat(20_000)}\r\n{\r\n`, 413, track, "POST", /chunk extensions/],
  ["a chunk without a size", `${chunked}zz\r\n`, 400, track, "POST", /not valid/],
  ["HTTP/1.1 without Host", "GET /healthz HTTP/1.1\r\n\r\n", 400, "/healthz", "GET", /Host/],
  ["an expectation", `GET /healthz HTTP/1.1\r\n${host}Expect: cake\r\n\r\n`, 417, "/healthz", "GET", /Expect/]
]

describe("platform/http/NodeServer", () => {
  for (const [name, sent, status, route, method, detail] of cases) {
    it.live(`${name}: ${status} with a body, counted once`, () =>
      Effect.gen(function* () {
        const { counted, invalid, port } = yield* serve()
        const raw = yield* Raw.open(port)
        raw.write(sent)
        const answer = yield* until(
          "the request is answered",
          () => /^([\s\S]*?)\r\n\r\n(\{.*\})$/.exec(raw.received()) ?? undefined
        )
        assert.deepStrictEqual(Raw.statuses(raw.received()), [status])
        const [, head = "", body = ""] = answer
        assert.match(Schema.decodeUnknownSync(Refusal)(body).detail, detail)
        assert.match(head, new RegExp(`^content-length: ${body.length}$`, "im"))
        assert.match(head, /^content-type: application\/json$/im)
        assert.match(head, /^access-control-allow-origin: \*$/im)
        assert.match(head, /^x-hydracore-decision: invalid$/im)
        if (status !== 417) yield* until("the connection is closed", raw.closed)
        yield* until("the response is counted", () => counted(route, method, status) === 1)
        assert.strictEqual(invalid(), 1)
        assert.strictEqual(counted(route, method, "aborted"), 0)
      }).pipe(Effect.scoped)
    )
  }

  for (const [name, sent, route, method] of [
    ["a head", "GET / HTTP/1.1\r\nHost", "other", "other"],
    ["a body", `POST ${track} HTTP/1.1\r\n${host}Content-Length: 5\r\n\r\n{`, track, "POST"]
  ] as const) {
    it.live(`${name} that does not arrive in time: 408 with a body, counted once`, () =>
      Effect.gen(function* () {
        // Long enough for a busy machine to read the first bytes: a connection without any is not counted.
        const { counted, invalid, port } = yield* serve({
          headersTimeout: 1_000,
          requestTimeout: 2_000,
          connectionsCheckingInterval: 50
        })
        const raw = yield* Raw.open(port)
        raw.write(sent)
        yield* until("the connection is closed", raw.closed)
        assert.match(raw.received(), /^HTTP\/1\.1 408 [\s\S]*\r\n\r\n\{"detail":"[^"]+"\}$/)
        yield* until("the response is counted", () => counted(route, method, 408) === 1)
        assert.deepStrictEqual([invalid(), counted(route, method, "aborted")], [1, 0])
      }).pipe(Effect.scoped)
    )
  }

  it.live("a connection without any bytes is closed and does not count as a request", () =>
    Effect.gen(function* () {
      const { counted, invalid, port } = yield* serve({ headersTimeout: 100, connectionsCheckingInterval: 50 })
      const raw = yield* Raw.open(port)
      yield* until("the connection is closed", raw.closed)
      assert.deepStrictEqual([invalid(), counted("other", "other", 408)], [0, 0])
    }).pipe(Effect.scoped)
  )

  it.live(
    "a protocol error after an unanswered request closes the connection, without a 400 or 405 for the request",
    () =>
      Effect.gen(function* () {
        const { port } = yield* serve()
        const body = JSON.stringify({ site_id: "x" })
        const request = `POST ${track} HTTP/1.1\r\n${host}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`
        for (const next of ["?\r\n\r\n", `CONNECT edge:443 HTTP/1.1\r\n${host}\r\n`]) {
          const raw = yield* Raw.open(port)
          raw.write(request + next)
          yield* until("the connection is closed", raw.closed)
          assert.notMatch(raw.received(), /^HTTP\/1\.1 40[05]/m)
        }
      }).pipe(Effect.scoped)
  )

  it.live("an HTTP/1.1 request with a Host header is served, and so is an HTTP/1.0 request without it", () =>
    Effect.gen(function* () {
      const { port } = yield* serve()
      for (const head of [`HEAD /healthz HTTP/1.1\r\n${host}`, "HEAD /healthz HTTP/1.0\r\n"]) {
        const raw = yield* Raw.open(port)
        raw.write(`${head}\r\n`)
        yield* until("the request is answered", () => Raw.statuses(raw.received())[0] === 200)
      }
    }).pipe(Effect.scoped)
  )
})
