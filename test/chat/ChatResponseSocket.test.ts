import { createServer, request as httpRequest, type IncomingMessage } from "node:http"
import { NodeHttpServer } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Queue, Stream } from "effect"
import { HttpServer, HttpServerResponse } from "effect/http"
import { type Agent, accepted, driven, respond, stop, text, wire } from "../support/ChatScript.ts"
import * as TestMetrics from "../support/TestMetrics.ts"
import { until } from "../support/Wait.ts"

describe("ChatResponse over a socket", () => {
  const serve = Effect.fnUntraced(function* (agent: Agent, options: Parameters<typeof respond>[1] = {}) {
    const server = yield* NodeHttpServer.make(() => createServer(), {
      host: "127.0.0.1",
      port: 0,
      gracefulShutdownTimeout: 0
    })
    yield* server.serve(
      Effect.interruptible(respond(agent, options)).pipe(
        Effect.catch(() => Effect.succeed(HttpServerResponse.empty({ status: 502 })))
      )
    )
    const request = httpRequest(HttpServer.formatAddress(server.address), { method: "POST" })
    request.on("error", () => {})
    request.end()
    return request
  })

  const responseOf = (request: ReturnType<typeof httpRequest>) =>
    Effect.callback<IncomingMessage>(
      (resume) => void request.on("response", (response) => resume(Effect.succeed(response)))
    )

  it.live("a visitor reads exactly the frames, under exactly the content type", () =>
    Effect.gen(function* () {
      const events = [accepted, text("Hel"), text("lo"), stop]
      const response = yield* responseOf(yield* serve(Stream.fromArray(events)))
      let body = ""
      response.setEncoding("utf8").on("data", (part: string) => {
        body += part
      })
      yield* until("the answer ended", () => response.complete)
      assert.strictEqual(response.headers["content-type"], "text/event-stream")
      assert.strictEqual(body, wire(...events))
    })
  )

  it.live("a visitor who leaves before the agent accepts aborts the agent's request", () =>
    Effect.gen(function* () {
      let begun = false
      let isClosed = false
      const agent: Agent = Stream.suspend(() => {
        begun = true
        return Stream.never
      }).pipe(
        Stream.ensuring(
          Effect.sync(() => {
            isClosed = true
          })
        )
      )
      const request = yield* serve(agent)
      yield* until("the agent has the request", () => begun)
      request.destroy()
      yield* until("the agent's stream is closed", () => isClosed)
    })
  )

  it.live("the agent's response ends when the visitor leaves", () =>
    Effect.gen(function* () {
      const { agent, isClosed, queue } = yield* driven
      yield* Queue.offerAll(queue, [accepted, text("Hi")])
      const request = yield* serve(agent)
      const response = yield* responseOf(request)
      let body = ""
      response
        .on("error", () => {})
        .on("data", (part: Buffer) => {
          body += part.toString("utf8")
        })
      yield* until("the visitor reads", () => body.includes("Hi"))
      assert.isFalse(isClosed())
      request.destroy()
      yield* until("the agent's stream is closed", isClosed)
    })
  )

  it.live("a visitor who does not read pauses the agent", () =>
    Effect.gen(function* () {
      let pulled = 0
      const piece = "x".repeat(60_000)
      const agent: Agent = Stream.concat(
        Stream.succeed(accepted),
        Stream.fromEffectRepeat(
          Effect.sync(() => {
            pulled++
            return text(piece)
          })
        )
      )
      const response = yield* Effect.flatMap(
        NodeHttpServer.make(() => createServer(), { host: "127.0.0.1", port: 0, gracefulShutdownTimeout: 0 }),
        (server) =>
          Effect.andThen(
            server.serve(Effect.orDie(respond(agent, { maxBytes: Number.MAX_SAFE_INTEGER }))),
            Effect.suspend(() => {
              const request = httpRequest(HttpServer.formatAddress(server.address), { method: "POST" })
              request.on("error", () => {})
              request.end()
              return responseOf(request)
            })
          )
      )
      response.on("error", () => {})
      let before = -1
      let unchanged = 0
      yield* until("the agent is no longer pulled", () => {
        unchanged = before === pulled ? unchanged + 1 : 0
        before = pulled
        return unchanged === 25
      })
      // Unread data fills the kernel's socket buffers, which hold a few megabytes.
      assert.isAbove(pulled, 0)
      assert.isBelow(pulled * piece.length, 64 * 1024 * 1024)
      response.destroy()
    })
  )

  it.live("a visitor who does not read is cut off, before and after the agent's last word", () =>
    Effect.gen(function* () {
      const piece = text("x".repeat(60_000))
      const endless = Stream.forever(Stream.succeed(piece))
      for (const texts of [endless, Stream.concat(Stream.take(endless, 200), Stream.succeed(stop))]) {
        const metrics = TestMetrics.make()
        yield* Effect.gen(function* () {
          const agent: Agent = Stream.concat(Stream.succeed(accepted), texts)
          const request = yield* serve(agent, { readTimeout: "200 millis", maxBytes: Number.MAX_SAFE_INTEGER })
          const response = yield* responseOf(request)
          response.on("error", () => {})
          yield* until("the chat is cut", () => metrics.value('chat_streams_total{reason="unread"}') === 1)
          yield* until("the connection is closed", () => response.resume().closed)
          assert.isFalse(response.complete)
        }).pipe(Effect.provide(metrics.layer), Effect.scoped)
      }
    })
  )

  it.live("a visitor who reads stays, however long the agent is silent", () =>
    Effect.gen(function* () {
      const { agent, queue } = yield* driven
      yield* Queue.offerAll(queue, [accepted, text("Hi")])
      const response = yield* responseOf(yield* serve(agent, { readTimeout: "50 millis" }))
      let body = ""
      response.setEncoding("utf8").on("data", (part: string) => {
        body += part
      })
      yield* until("the visitor reads", () => body.includes("Hi"))
      yield* Effect.sleep("300 millis")
      yield* Queue.offer(queue, stop)
      yield* until("the answer ended", () => response.complete)
      assert.strictEqual(body, wire(accepted, text("Hi"), stop))
    })
  )
})
