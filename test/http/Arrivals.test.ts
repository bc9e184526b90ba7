/**
 * Bodies that are on their way: together they hold no more than may be, however they come, and give it back however they
 * end.
 */
import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import * as Capacity from "../../src/core/Capacity.ts"
import * as RequestBody from "../../src/http/RequestBody.ts"
import * as Raw from "../torture/Raw.ts"
import { until } from "../torture/Wait.ts"
import { paths, TestServer, layer as testServer } from "./TestServer.ts"

const capacity = 100_000
/** What all hold together. */
let held = 0
const enter = Capacity.make(capacity)
const watched = (): Capacity.Place => {
  const place = enter()
  let own = 0
  return {
    hold: (amount) => {
      const isHeld = place.hold(amount)
      if (isHeld) {
        held += amount - own
        own = amount
      }
      return isHeld
    },
    leave: () => {
      place.leave()
      held -= own
      own = 0
    }
  }
}

const ways = {
  "whose length is told": { header: "Content-Length: 60000", piece: (text: string) => text, end: "" },
  "in chunks": {
    header: "Transfer-Encoding: chunked",
    piece: (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`,
    end: "0\r\n\r\n"
  },
  "that wait to be sent for": {
    header: "Content-Length: 60000\r\nExpect: 100-continue",
    piece: (text: string) => text,
    end: ""
  }
}

layer(testServer().pipe(Layer.provide(Layer.succeed(RequestBody.Arrivals, watched))), { excludeTestServices: true })(
  "http: bodies that are on their way",
  (it) => {
    for (const [name, { end, header, piece }] of Object.entries(ways)) {
      for (const endpoint of ["track", "submit", "chat"] as const) {
        it.effect(`${name}, to ${endpoint}`, () =>
          Effect.gen(function* () {
            const { instance, url } = yield* TestServer
            const port = Number(new URL(url).port)
            const path = endpoint === "chat" ? paths.chat(instance.instanceId) : paths[endpoint]
            const head = `POST ${path} HTTP/1.1\r\nHost: edge\r\nContent-Type: application/json\r\n${header}\r\n\r\n`
            const final = ({ received }: Raw.Raw) => Raw.statuses(received()).filter((status) => status !== 100)
            const first = yield* Raw.open(port)
            first.write(head)
            first.write(piece(" ".repeat(50_000)))
            yield* until("the first holds what came", () => held >= 50_000)
            const second = yield* Raw.open(port)
            second.write(head)
            second.write(piece(" ".repeat(59_999)))
            yield* until("the second is refused", () => final(second).length === 1)
            assert.deepStrictEqual(final(second), [503])
            assert.match(second.received(), /^retry-after: 5\r$/im)
            assert.match(second.received(), /^connection: close\r$/im)
            if (endpoint !== "chat") assert.match(second.received(), /^x-hydracore-decision: unavailable\r$/im)
            yield* until("it is sent away", second.closed)
            // A small one needs no room.
            const small = yield* Raw.open(port)
            small.write(`POST ${path} HTTP/1.1\r\nHost: edge\r\nContent-Length: 1000\r\n\r\n${" ".repeat(1000)}`)
            yield* until("a small one is read", () => final(small).length === 1)
            assert.deepStrictEqual(final(small), [422])
            first.write(piece(" ".repeat(10_000)))
            first.write(end)
            yield* until("the first is whole", () => final(first).length === 1)
            assert.deepStrictEqual(final(first), [422])
            assert.strictEqual(held, 0)
            const gone = yield* Raw.open(port)
            gone.write(head)
            gone.write(piece(" ".repeat(50_000)))
            yield* until("one holds what came", () => held >= 50_000)
            gone.socket.destroy()
            yield* until("it goes, and holds nothing", () => held === 0)
          }).pipe(Effect.scoped)
        )
      }
    }

    for (const [name, lines] of [
      ["one long header", [`X-Long: ${"a".repeat(15_000)}`]],
      ["many short headers", Array.from({ length: 1_000 }, (_, index) => `${index}: a`)]
    ] as const) {
      it.effect(`what waits for its body holds its head: ${name}`, () =>
        Effect.gen(function* () {
          const { url } = yield* TestServer
          const port = Number(new URL(url).port)
          const head = ["POST /v1/public/analytics/track HTTP/1.1", "Host: edge", "Content-Length: 2", ...lines, "", ""]
          const first = yield* Raw.open(port)
          first.write(head.join("\r\n"))
          yield* until("it holds its head", () => held > 15_000)
          let refused: Raw.Raw | undefined
          while (refused === undefined) {
            const before = held
            const more = yield* Raw.open(port)
            more.write(head.join("\r\n"))
            yield* until("one more is answered, or waits", () => held > before || more.received() !== "")
            if (more.received() !== "") refused = more
          }
          assert.deepStrictEqual(Raw.statuses(refused.received()), [503])
          first.write("{}")
          yield* until("the first is answered", () => Raw.statuses(first.received()).length === 1)
          assert.deepStrictEqual(Raw.statuses(first.received()), [422])
        }).pipe(Effect.scoped, Effect.andThen(until("nobody holds anything", () => held === 0)))
      )
    }

    it.effect("one that is longer than any may be holds nothing", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const { received, write } = yield* Raw.open(Number(new URL(url).port))
        write(`POST ${paths.track} HTTP/1.1\r\nHost: edge\r\nTransfer-Encoding: chunked\r\n\r\n`)
        for (let part = 0; part < 5; part++) write(ways["in chunks"].piece(" ".repeat(60_000)))
        yield* until("it is refused", () => Raw.statuses(received()).length === 1)
        assert.deepStrictEqual(Raw.statuses(received()), [413])
        yield* until("it holds nothing", () => held === 0)
      }).pipe(Effect.scoped)
    )
  }
)
