import { createServer, IncomingMessage, ServerResponse } from "node:http"
import { connect, Socket } from "node:net"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as UnreadResponses from "../../../src/http/server/UnreadResponses.ts"
import { until } from "../../support/Wait.ts"

/** A client that does not read its response. */
const unread = Effect.gen(function* () {
  let exchange: { readonly socket: Socket; readonly response: ServerResponse } | undefined
  const server = createServer((request, response) => {
    exchange = { socket: request.socket, response }
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => server.close().closeAllConnections()))
  yield* Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void)))
  const address = server.address()
  const client = connect({
    host: "127.0.0.1",
    port: typeof address === "object" && address !== null ? address.port : 0
  })
  yield* Effect.addFinalizer(() => Effect.sync(() => client.destroy()))
  client.pause().write("GET / HTTP/1.1\r\nHost: edge\r\n\r\n")
  const { response, socket } = yield* until("the request has arrived", () => exchange)
  return { client, response, socket }
})

/** More bytes than the system buffers. */
const much = Buffer.alloc(16 * 2 ** 20)

describe("http/server/UnreadResponses", () => {
  it.prop(
    "the timeout restarts when the client has read `minBytes` since its start, and not before",
    [Schema.Array(Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: UnreadResponses.minBytes })))],
    ([reads]) => {
      const response = new ServerResponse(new IncomingMessage(new Socket()))
      let [accepted, sinceStart, now, start] = [0, 0, 0, 0]
      let state = UnreadResponses.next(undefined, { response, accepted, since: now })
      for (const bytes of reads) {
        accepted += bytes
        sinceStart += bytes
        now += 1_000
        if (sinceStart >= UnreadResponses.minBytes) [sinceStart, start] = [0, now]
        state = UnreadResponses.next(state, { response, accepted, since: now })
        assert.strictEqual(state.since, start)
      }
    }
  )

  it.live("the timeout restarts whenever the client reads", () =>
    Effect.gen(function* () {
      const { client, response, socket } = yield* unread
      const observe = (known: UnreadResponses.Unread | undefined, now: number) =>
        UnreadResponses.observe(known, socket, response, now)
      assert.isUndefined(observe(undefined, 0), "the handler has not answered")
      response.write("a")
      assert.isUndefined(observe(undefined, 0), "the handler still writes")
      response.end(much)
      // The system accepts bytes until its buffers are full.
      let state: UnreadResponses.Unread | undefined
      let unchanged = 0
      let now = 0
      yield* until("the buffers are full", () => {
        const before = state
        state = observe(state, ++now)
        unchanged = before === state ? unchanged + 1 : 0
        return unchanged === 5
      })
      assert.isDefined(state)
      assert.strictEqual(observe(state, 60_000), state)
      client.resume()
      yield* until("a byte has moved", () => {
        const next = observe(state, 61_000)
        return next === undefined || next.since === 61_000
      })
      yield* until("the client has read the response", () => observe(state, 62_000) === undefined)
    }).pipe(Effect.scoped)
  )

  it.live("a response whose handler waits for the client is unread, until its buffer is empty", () =>
    Effect.gen(function* () {
      const { client, response, socket } = yield* unread
      const observe = (known: UnreadResponses.Unread | undefined, now: number) =>
        UnreadResponses.observe(known, socket, response, now)
      response.write(much)
      assert.isDefined(observe(undefined, 0))
      client.resume()
      yield* until("the client has read the response", () => observe(undefined, 1) === undefined)
      assert.isFalse(response.writableEnded)
    }).pipe(Effect.scoped)
  )
})
