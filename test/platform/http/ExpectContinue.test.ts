/**
 * A client that waits for `100 Continue` gets it before it sends its body, unless the announced body is refused.
 */
import { assert, layer } from "@effect/vitest"
import { Effect } from "effect"
import * as Raw from "../../../scripts/torture/Raw.ts"
import * as Incoming from "../../../src/platform/http/Incoming.ts"
import { options, paths, TestServer, layer as testServer } from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

/** Sends the head of a request that announces a body of this many bytes. */
const announce = Effect.fnUntraced(function* (path: string, length: number | "chunked") {
  const { url } = yield* TestServer
  const raw = yield* Raw.open(Number(new URL(url).port))
  const body = length === "chunked" ? "Transfer-Encoding: chunked" : `Content-Length: ${length}`
  raw.write(
    `POST ${path} HTTP/1.1\r\nHost: edge\r\nContent-Type: application/json\r\n${body}\r\nExpect: 100-continue\r\n\r\n`
  )
  yield* until("the server answers", () => Raw.statuses(raw.received()).length > 0)
  return raw
})

layer(testServer(), { excludeTestServices: true })("platform/http: Expect: 100-continue", (it) => {
  it.effect("a body of an acceptable length gets 100 Continue, and its response once it has arrived", () =>
    Effect.gen(function* () {
      const raw = yield* announce(paths.track, 2)
      assert.deepStrictEqual(Raw.statuses(raw.received()), [100])
      raw.write("{}")
      yield* until("the body is answered", () => Raw.statuses(raw.received()).length === 2)
      assert.deepStrictEqual(Raw.statuses(raw.received()), [100, 422])
    }).pipe(Effect.scoped)
  )

  it.effect("a body without a length gets 100 Continue", () =>
    Effect.gen(function* () {
      const raw = yield* announce(paths.track, "chunked")
      assert.deepStrictEqual(Raw.statuses(raw.received()), [100])
    }).pipe(Effect.scoped)
  )

  it.effect("a conversation, the largest body that an endpoint accepts, gets 100 Continue", () =>
    Effect.gen(function* () {
      const { instance } = yield* TestServer
      assert.isAbove(Incoming.conversationBytes, options.maxBody)
      const raw = yield* announce(paths.chat(instance.instance_id), Incoming.conversationBytes)
      assert.strictEqual(Raw.statuses(raw.received())[0], 100)
    }).pipe(Effect.scoped)
  )

  it.effect("a body that no endpoint accepts is refused without 100 Continue", () =>
    Effect.gen(function* () {
      const raw = yield* announce(paths.track, Incoming.conversationBytes + 1)
      assert.deepStrictEqual(Raw.statuses(raw.received()), [413])
    }).pipe(Effect.scoped)
  )
})
