/** The guard of outward requests, on real sockets with a name server that the test controls. */
import { randomUUID } from "node:crypto"
import type * as Dns from "node:dns"
import { readFile } from "node:fs/promises"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Logger, References } from "effect"
import * as AddressGuard from "../../../src/platform/outward/AddressGuard.ts"
import * as OutwardClient from "../../../src/platform/outward/OutwardClient.ts"
import * as OutwardNames from "../../../src/platform/outward/OutwardNames.ts"
import * as NameServer from "../../support/NameServer.ts"
import { receiver } from "../../support/Receiver.ts"
import { poll } from "../../support/Wait.ts"

const website = randomUUID()

/** Less than a look-up of a silent name server takes, in milliseconds, and long for a busy machine. */
const soon = 4_000

const post = (url: string, websiteConfigId = website) =>
  OutwardClient.OutwardClient.use((client) => client.post(websiteConfigId, url, {}, "{}"))

describe("platform/outward/OutwardClient", () => {
  it.live("a name without a public address gets no request, with the same text as a name that does not exist", () =>
    Effect.gen(function* () {
      const answers: Record<string, NameServer.Answer> = {
        "four.example": ["127.0.0.1"],
        "both.example": ["10.0.0.1", "::1"],
        "mapped.example": ["::ffff:7f00:1"],
        "nat64.example": ["64:ff9b::a9fe:a9fe"],
        "empty.example": []
      }
      const { names, queried } = yield* NameServer.start((name) => answers[name] ?? "unknown")
      const reasons: Array<unknown> = []
      const logger = Logger.layer([
        Logger.make(({ fiber }) => {
          reasons.push(fiber.getRef(References.CurrentLogAnnotations)["reason"])
        })
      ])
      yield* Effect.gen(function* () {
        for (const host of [...Object.keys(answers), "unknown.example"]) {
          for (let times = 1; times <= 2; times++) {
            const { error, status } = yield* post(`http://${host}/`)
            assert.deepStrictEqual(
              [status, error],
              [null, AddressGuard.withSetting(`${host} was not found on the public internet`)]
            )
            assert.lengthOf(
              queried.filter((name) => name === host),
              times
            )
          }
        }
      }).pipe(Effect.provide(OutwardClient.layer({ allowed: [], names })), Effect.provide(logger))
      // The operator's log has the difference, once for each host.
      const notPublic = "it has no public address"
      assert.deepStrictEqual(reasons, [...Object.keys(answers).map(() => notPublic), "ENOTFOUND"])
    }).pipe(Effect.scoped)
  )

  it.live("a connection goes to the address that was checked, whatever the name server answers later", () =>
    Effect.gen(function* () {
      let answer: NameServer.Answer = ["203.0.113.1", "1.1.1.1"]
      const { names, queried } = yield* NameServer.start(() => answer)
      yield* Effect.gen(function* () {
        const found = yield* OutwardNames.OutwardNames
        yield* found.find(website, "rebinds.example")
        answer = ["127.0.0.1"]
        yield* found.find(website, "rebinds.example")
        assert.deepStrictEqual(found.addressesOf("rebinds.example"), [{ address: "1.1.1.1", family: 4 }])
        assert.lengthOf(queried, 1)
      }).pipe(Effect.provide(names))
    }).pipe(Effect.scoped)
  )

  it.live("a website whose name servers are silent has two look-ups at a time, and delays no other website", () =>
    Effect.gen(function* () {
      const { names, queried } = yield* NameServer.start((name) => (name.startsWith("silent") ? "silent" : "unknown"))
      yield* Effect.gen(function* () {
        const silent = yield* Effect.forEach([0, 1, 2, 3, 4, 5], (index) =>
          Effect.forkChild(post(`http://silent${index}.example/`))
        )
        yield* poll(
          Effect.sync(() => new Set(queried).size),
          (count) => count === 2
        )
        // Work that needs one of libuv's threads does not wait for them.
        yield* Effect.tryPromise(() => readFile(import.meta.filename)).pipe(Effect.timeout(soon))
        const other = yield* post("http://other.example/", randomUUID())
        assert.include(other.error, "other.example was not found on the public internet")
        assert.isBelow(other.millis, soon)
        assert.strictEqual(new Set(queried).size, 3)
        // Interrupted requests cancel their look-ups, and the next ones begin.
        yield* Fiber.interruptAll(silent.slice(0, 2))
        yield* poll(
          Effect.sync(() => new Set(queried).size),
          (count) => count === 5
        )
        yield* Fiber.interruptAll(silent)
        const next = yield* post("http://next.example/")
        assert.isBelow(next.millis, soon)
      }).pipe(Effect.provide(OutwardClient.layer({ allowed: [], names })))
    }).pipe(Effect.scoped)
  )

  it.live("an interrupted look-up asks its name server no more", () =>
    Effect.gen(function* () {
      const { names, queried } = yield* NameServer.start(() => "silent")
      yield* Effect.gen(function* () {
        const request = yield* Effect.forkChild(post("http://silent.example/"))
        yield* poll(
          Effect.sync(() => queried.length),
          (count) => count === 1
        )
        yield* Fiber.interrupt(request)
        // The resolver would repeat its query after two seconds.
        yield* Effect.sleep("2500 millis")
        assert.lengthOf(queried, 1)
      }).pipe(Effect.provide(OutwardClient.layer({ allowed: [], names })))
    }).pipe(Effect.scoped)
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
      const lookup = ((_: string, __: unknown, callback: (error: null, found: ReadonlyArray<object>) => void) =>
        callback(null, [{ address: "127.0.0.1", family: 4 }])) as unknown as typeof Dns.lookup
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
