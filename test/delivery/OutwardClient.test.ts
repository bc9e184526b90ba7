/** The guard of outward requests, on real sockets with a resolver that the test controls. */
import type * as Dns from "node:dns"
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as OutwardClient from "../../src/delivery/OutwardClient.ts"
import { receiver } from "../support/Receiver.ts"

/** A resolver that answers each lookup with the next of these lists, or with the last one, and records the names. */
const resolver = (answers: ReadonlyArray<ReadonlyArray<string>>) => {
  const queried: Array<string> = []
  const lookup = ((host: string, _options: unknown, callback: (error: null, addresses: unknown) => void) => {
    const addresses = answers[Math.min(queried.push(host), answers.length) - 1] ?? []
    queueMicrotask(() =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }))
      )
    )
  }) as typeof Dns.lookup
  return { queried, lookup }
}

const post = (url: string) => OutwardClient.OutwardClient.use((client) => client.post(url, {}, "{}"))

describe("delivery/OutwardClient", () => {
  it.live("a name is resolved for each request, and not connected to if it has private addresses only", () =>
    Effect.gen(function* () {
      const { queried, lookup } = resolver([
        ["127.0.0.1"],
        ["10.0.0.1", "::1"],
        ["::ffff:7f00:1"],
        ["64:ff9b::a9fe:a9fe"]
      ])
      yield* Effect.gen(function* () {
        for (let times = 1; times <= 4; times++) {
          const response = yield* post("http://hooks.example/")
          assert.strictEqual(response.status, null)
          assert.strictEqual(response.error, "hooks.example has no address on the public internet")
          assert.strictEqual(queried.length, times)
        }
      }).pipe(Effect.provide(OutwardClient.layer({ allowed: [], lookup })))
    })
  )

  it.live("a private address in any notation, a port that is not allowed and a redirect's target get no request", () =>
    Effect.gen(function* () {
      const inner = yield* receiver((_, response) => response.end("secret"))
      const outer = yield* receiver((_, response) =>
        response.writeHead(302, { location: `http://127.0.0.1:${inner.port}/` }).end()
      )
      yield* Effect.gen(function* () {
        const portAndPath = `:${inner.port}/`
        for (const url of [
          ...["http://127.0.0.1/", "http://2130706433/", "http://0x7f000001/", "http://017700000001/", "http://127.1/"],
          ...["http://[::1]/", "http://[::ffff:127.0.0.1]/", "http://localhost/", "http://169.254.169.254/"],
          ...[`http://127.0.0.1${portAndPath}`, `http://1.1.1.1${portAndPath}`]
        ]) {
          const response = yield* post(url)
          assert.strictEqual(response.status, null, url)
          assert.match(response.error ?? "", /public internet|is not allowed/, url)
        }
        assert.strictEqual((yield* post(outer.url)).status, 302)
        assert.strictEqual(inner.received.length, 0)
      }).pipe(Effect.provide(OutwardClient.layer({ allowed: [{ host: "127.0.0.1", port: outer.port }] })))
    }).pipe(Effect.scoped)
  )

  it.live("an allowed host is reached by its name and port", () =>
    Effect.gen(function* () {
      const { port, received } = yield* receiver((_, response) => response.end("ok"))
      const { lookup } = resolver([["127.0.0.1"]])
      const allowed = [{ host: "hooks.internal", port }]
      const response = yield* post(`http://hooks.internal:${port}/`).pipe(
        Effect.provide(OutwardClient.layer({ allowed, lookup }))
      )
      assert.deepStrictEqual([response.status, response.answer, received.length], [200, "ok", 1])
    }).pipe(Effect.scoped)
  )

  it.live("idle connections are kept up to a bound, over all receivers", () =>
    Effect.gen(function* () {
      const receivers = yield* Effect.forEach(Array.from({ length: 6 }), () =>
        receiver((_, response) => response.end("ok"))
      )
      const allowed = receivers.map(({ port }) => ({ host: "127.0.0.1", port }))
      yield* Effect.gen(function* () {
        for (const { url } of [...receivers, ...receivers]) assert.strictEqual((yield* post(url)).status, 200)
        const open = Effect.map(
          Effect.forEach(receivers, ({ connections }) => connections),
          (counts) => counts.reduce((sum, count) => sum + count, 0)
        )
        // At most three stay open, because a new connection is not counted yet when its request is compared with the bound of
        // two. Without the bound, idle connections would stay open until after the timeout.
        yield* Effect.repeat(Effect.andThen(Effect.sleep("20 millis"), open), {
          until: (count) => count <= 3
        }).pipe(Effect.timeout("4 seconds"))
      }).pipe(Effect.provide(OutwardClient.layer({ allowed, maxIdle: 2 })))
    }).pipe(Effect.scoped)
  )
})
