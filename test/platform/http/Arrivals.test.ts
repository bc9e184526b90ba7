/**
 * Incomplete bodies stay within their memory limit, however they are sent, and release their memory however they end.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer, Result } from "effect"
import { IpNetwork } from "effect/net"
import * as Raw from "../../../scripts/torture/Raw.ts"
import * as Incoming from "../../../src/platform/http/Incoming.ts"
import * as Capacity from "../../../src/platform/limits/Capacity.ts"
import * as RateLimit from "../../../src/platform/limits/RateLimit.ts"
import { paths, TestServer, layer as testServer } from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

const capacity = 100_000
const share = 60_000
const memory = Capacity.make(capacity, share)
const arrivals = Layer.succeed(Incoming.Arrivals, memory)

const ways = {
  "with a Content-Length": { header: "Content-Length: 60000", piece: (text: string) => text, end: "" },
  "in chunks": {
    header: "Transfer-Encoding: chunked",
    piece: (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`,
    end: "0\r\n\r\n"
  },
  "with Expect: 100-continue": {
    header: "Content-Length: 60000\r\nExpect: 100-continue",
    piece: (text: string) => text,
    end: ""
  }
}

const final = ({ received }: Raw.Raw) => Raw.statuses(received()).filter((status) => status !== 100)

layer(Layer.provide(testServer(), arrivals), { excludeTestServices: true })("http: incomplete bodies", (it) => {
  for (const [name, { end, header, piece }] of Object.entries(ways)) {
    for (const endpoint of ["track", "submit", "chat"] as const) {
      it.effect(
        `over the memory limit are refused, and release their memory when they end: ${name}, to ${endpoint}`,
        () =>
          Effect.gen(function* () {
            const { instance, url } = yield* TestServer
            const port = Number(new URL(url).port)
            const path = endpoint === "chat" ? paths.chat(instance.instance_id) : paths[endpoint]
            const head = `POST ${path} HTTP/1.1\r\nHost: edge\r\nContent-Type: application/json\r\n${header}\r\n\r\n`
            const first = yield* Raw.open(port)
            first.write(head)
            first.write(piece(" ".repeat(50_000)))
            yield* until("the first request holds what arrived", () => memory.held() >= 50_000)
            const second = yield* Raw.open(port)
            second.write(head)
            second.write(piece(" ".repeat(59_999)))
            yield* until("the second request is refused", () => final(second).length === 1)
            assert.deepStrictEqual(final(second), [503])
            assert.match(second.received(), /^retry-after: 5\r$/im)
            assert.match(second.received(), /^connection: close\r$/im)
            if (endpoint !== "chat") assert.match(second.received(), /^x-hydracore-decision: unavailable\r$/im)
            yield* until("the refused connection is closed", second.closed)
            // A small body needs no memory.
            const small = yield* Raw.open(port)
            small.write(`POST ${path} HTTP/1.1\r\nHost: edge\r\nContent-Length: 1000\r\n\r\n${" ".repeat(1000)}`)
            yield* until("a small one is read", () => final(small).length === 1)
            // Without a token, a chat is refused before its body is validated.
            const status = endpoint === "chat" ? 401 : 422
            assert.deepStrictEqual(final(small), [status])
            first.write(piece(" ".repeat(10_000)))
            first.write(end)
            yield* until("the first request is complete", () => final(first).length === 1)
            assert.deepStrictEqual(final(first), [status])
            assert.strictEqual(memory.held(), 0)
            const leaving = yield* Raw.open(port)
            leaving.write(head)
            leaving.write(piece(" ".repeat(50_000)))
            yield* until("the next request holds what arrived", () => memory.held() >= 50_000)
            leaving.socket.destroy()
            yield* until("the disconnected request holds nothing", () => memory.held() === 0)
          }).pipe(Effect.scoped)
      )
    }
  }

  for (const [name, lines] of [
    ["one long header", [`X-Long: ${"a".repeat(15_000)}`]],
    ["many headers", Array.from({ length: 180 }, (_, index) => `${index}: ${"a".repeat(25)}`)]
  ] as const) {
    it.effect(`the memory of a request with an incomplete body includes its head: ${name}`, () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const port = Number(new URL(url).port)
        const head = ["POST /v1/public/analytics/track HTTP/1.1", "Host: edge", "Content-Length: 2", ...lines, "", ""]
        const first = yield* Raw.open(port)
        first.write(head.join("\r\n"))
        yield* until("the request holds its head", () => memory.held() > 15_000)
        let refused: Raw.Raw | undefined
        while (refused === undefined) {
          const before = memory.held()
          const more = yield* Raw.open(port)
          more.write(head.join("\r\n"))
          yield* until("the next request is answered, or waits", () => memory.held() > before || more.received() !== "")
          if (more.received() !== "") refused = more
        }
        assert.deepStrictEqual(Raw.statuses(refused.received()), [503])
        first.write("{}")
        yield* until("the first request is answered", () => Raw.statuses(first.received()).length === 1)
        assert.deepStrictEqual(Raw.statuses(first.received()), [422])
      }).pipe(Effect.scoped, Effect.andThen(until("nothing is held", () => memory.held() === 0)))
    )
  }

  for (const [name, { header }] of Object.entries(ways)) {
    // On a disconnect, Node emits the response's `close` and the request's `error` in the same turn. Without a listener, the
    // `error` would end the process.
    it.effect(`a pipelined request whose client disconnects does not end the process: ${name}`, () =>
      Effect.gen(function* () {
        const { instance, url } = yield* TestServer
        const path = paths.chat(instance.instance_id)
        const { socket, write } = yield* Raw.open(Number(new URL(url).port))
        const head = `POST ${path} HTTP/1.1\r\nHost: edge\r\n${header}\r\n\r\n`
        socket.pause()
        // In one packet, so that the last request begins before the others are answered.
        write("GET /docs/reference HTTP/1.1\r\nHost: edge\r\n\r\n".repeat(10) + head)
        write(ways[name as keyof typeof ways].piece(" ".repeat(50_000)))
        yield* until("a request is answered", () => socket.bytesRead > 0)
        socket.destroy()
        yield* until("the request holds nothing", () => memory.held() === 0)
        const next = yield* Raw.open(Number(new URL(url).port))
        next.write("GET /healthz HTTP/1.1\r\nHost: edge\r\n\r\n")
        yield* until("the process serves", () => final(next).length === 1)
      }).pipe(Effect.scoped)
    )
  }

  it.effect("a body over the maximum size holds no memory", () =>
    Effect.gen(function* () {
      const { url } = yield* TestServer
      const { received, write } = yield* Raw.open(Number(new URL(url).port))
      write(`POST ${paths.track} HTTP/1.1\r\nHost: edge\r\nTransfer-Encoding: chunked\r\n\r\n`)
      for (let part = 0; part < 5; part++) write(ways["in chunks"].piece(" ".repeat(60_000)))
      yield* until("the body is refused", () => Raw.statuses(received()).length === 1)
      assert.deepStrictEqual(Raw.statuses(received()), [413])
      yield* until("the request holds nothing", () => memory.held() === 0)
    }).pipe(Effect.scoped)
  )
})

/** A request from `address` with an incomplete body. */
const slow = (port: number, endpoint: "track" | "submit", address: string, accept = "*/*") =>
  Effect.map(Raw.open(port), (raw) => {
    raw.write(
      `POST ${paths[endpoint]} HTTP/1.1\r\nHost: edge\r\nX-Forwarded-For: ${address}\r\nAccept: ${accept}\r\n` +
        `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 60000\r\n\r\n${" ".repeat(50_000)}`
    )
    return raw
  })

const trustedProxies = [Result.getOrThrow(IpNetwork.fromString("127.0.0.0/8"))]
const limited = testServer({ trustedProxies, rateLimitForms: RateLimit.parse("forms", "1000/minute") })

layer(Layer.provide(limited, arrivals), { excludeTestServices: true })(
  "http: incomplete bodies from one address",
  (it) => {
    for (const [name, first, same, other] of [
      ["IPv4", "198.51.100.1", "198.51.100.1", "198.51.100.2"],
      ["an IPv6 network", "2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"]
    ] as const) {
      for (const endpoint of ["track", "submit"] as const) {
        it.effect(`over its share are refused, and those from another address are read: ${name}, to ${endpoint}`, () =>
          Effect.gen(function* () {
            const { url } = yield* TestServer
            const port = Number(new URL(url).port)
            const firstRequest = yield* slow(port, endpoint, first)
            yield* until("the first request holds what arrived", () => memory.held() >= 50_000)
            const refused = yield* slow(port, endpoint, same)
            yield* until("the second request is refused", () => final(refused).length === 1)
            assert.deepStrictEqual(final(refused), [429])
            assert.match(refused.received(), /^retry-after: 5\r$/im)
            assert.match(refused.received(), /^connection: close\r$/im)
            assert.match(refused.received(), /^x-hydracore-decision: limited\r$/im)
            assert.match(refused.received(), /"Too much is being sent from this address at once\. /)
            const neighbour = yield* Raw.open(port)
            neighbour.write(
              `POST ${paths[endpoint]} HTTP/1.1\r\nHost: edge\r\nX-Forwarded-For: ${other}\r\n` +
                `Content-Length: 30000\r\n\r\n${" ".repeat(30_000)}`
            )
            yield* until("a neighbour is accepted", () => final(neighbour).length === 1)
            assert.deepStrictEqual(final(neighbour), [422])
            firstRequest.write(" ".repeat(10_000))
            yield* until("the first request is complete", () => final(firstRequest).length === 1)
            assert.deepStrictEqual(final(firstRequest), [422])
          }).pipe(
            Effect.scoped,
            Effect.andThen(until("nothing is held", () => memory.held() === 0 && memory.owners() === 0))
          )
        )
      }
    }

    it.effect("the sender of a plain form gets a page that says how long to wait", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const port = Number(new URL(url).port)
        yield* slow(port, "submit", "198.51.100.1")
        yield* until("the first request holds what arrived", () => memory.held() >= 50_000)
        const refused = yield* slow(port, "submit", "198.51.100.1", "text/html")
        yield* until("the second request is refused", () => final(refused).length === 1)
        assert.deepStrictEqual(final(refused), [429])
        assert.match(refused.received(), /Wait 5 seconds, then go back/)
      }).pipe(Effect.scoped, Effect.andThen(until("nothing is held", () => memory.held() === 0)))
    )
  }
)

layer(Layer.provide(testServer({ trustedProxies }), arrivals), { excludeTestServices: true })(
  "http: incomplete bodies without rate limits",
  (it) => {
    it.effect("one address may use all the memory", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const port = Number(new URL(url).port)
        const send = (bytes: number) =>
          Effect.tap(Raw.open(port), ({ write }) =>
            Effect.sync(() =>
              write(
                `POST ${paths.track} HTTP/1.1\r\nHost: edge\r\nContent-Length: ${bytes + 1}\r\n\r\n${" ".repeat(bytes)}`
              )
            )
          )
        yield* send(45_000)
        yield* send(45_000)
        yield* until("both requests hold what arrived", () => memory.held() >= 90_000)
        const refused = yield* send(45_000)
        yield* until("the third is refused", () => final(refused).length === 1)
        assert.deepStrictEqual(final(refused), [503])
      }).pipe(Effect.scoped, Effect.andThen(until("nothing is held", () => memory.held() === 0)))
    )
  }
)
