/** A chunked body in many small pieces is refused, because reading the pieces costs more than reading their bytes. */
import { assert, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as Raw from "../../../scripts/torture/Raw.ts"
import * as Incoming from "../../../src/platform/http/Incoming.ts"
import { paths, TestServer, layer as testServer } from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

const final = ({ received }: Raw.Raw) => Raw.statuses(received()).filter((status) => status !== 100)

layer(testServer(), { excludeTestServices: true })("http: bodies in one-byte pieces", (it) => {
  for (const endpoint of ["track", "submit", "chat"] as const) {
    it.effect(`are refused after some pieces and not read further: ${endpoint}`, () =>
      Effect.gen(function* () {
        const { instance, url } = yield* TestServer
        const path = endpoint === "chat" ? paths.chat(instance.instance_id) : paths[endpoint]
        const raw = yield* Raw.open(Number(new URL(url).port))
        raw.write(`POST ${path} HTTP/1.1\r\nHost: edge\r\nTransfer-Encoding: chunked\r\n\r\n`)
        // Within the maximum size: without the limit on pieces, the whole body would be read.
        raw.write("1\r\n \r\n".repeat(Incoming.maxPieces(0) + 1_000))
        yield* until("the body is refused", () => final(raw).length === 1)
        assert.deepStrictEqual(final(raw), [413])
        assert.match(raw.received(), /too many small pieces/)
        assert.match(raw.received(), /^connection: close\r$/im)
        yield* until("the connection is closed", raw.closed)
      }).pipe(Effect.scoped)
    )
  }
})

layer(testServer({ connections: { total: 100, perAddress: Option.some(100) } }), { excludeTestServices: true })(
  "http: bodies in one-byte pieces of an address that is not exempt",
  (it) => {
    it.effect("exclude it, also if the client waits for 100 Continue", () =>
      Effect.gen(function* () {
        const { url } = yield* TestServer
        const open = Raw.open(Number(new URL(url).port))
        const raw = yield* open
        raw.write(
          `POST ${paths.submit} HTTP/1.1\r\nHost: edge\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n`
        )
        yield* until("the body is requested", () => Raw.statuses(raw.received()).length === 1)
        raw.write("1\r\n \r\n".repeat(Incoming.maxPieces(0) + 1_000))
        yield* until("the connection is closed", raw.closed)
        assert.deepStrictEqual(final(raw), [413])
        const next = yield* open
        yield* until("a new connection is refused", next.closed)
        assert.strictEqual(next.received(), "")
      }).pipe(Effect.scoped)
    )
  }
)
