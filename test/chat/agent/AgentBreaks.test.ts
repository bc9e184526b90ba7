/** Malformed answers and broken connections. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import type { AgentEvent } from "../../../src/chat/agent/Agent.ts"
import { ask, done, exchange, failure, layer, secret, streams } from "../../support/AgentExchange.ts"
import { endlessly, type Respond, says, sse, start } from "../../support/TestUpstream.ts"
import { until } from "../../support/Wait.ts"

describe("AgentStream over HTTP: broken answers", () => {
  const notAnObject = "the agent sent an event that is not a JSON object"
  const anError = "the agent sent an error"
  const tooLong = "the agent sent an event that is too large"
  const cut = "the agent's stream ended before its answer did"
  const breaks: ReadonlyArray<readonly [string, string, Respond]> = [
    ["text that is not JSON", notAnObject, streams(says("Hi"), `data: ${secret}\n\n`, done)],
    ["JSON that is not an object", notAnObject, streams(says("Hi"), `data: ["${secret}"]\n\n`, done)],
    [
      "choices that are not a list",
      "the agent sent choices that are not a list",
      streams(says("Hi"), `data: {"choices": "${secret}"}\n\n`, done)
    ],
    [
      "content that is not text",
      "the agent sent content that is not text",
      streams(says("Hi"), `data: {"choices":[{"delta":{"content":{"x":"${secret}"}}}]}\n\n`, done)
    ],
    ["an error in a frame", anError, streams(says("Hi"), `data: {"error":{"message":"${secret}"}}\n\n`, done)],
    ["an error event", anError, streams(says("Hi"), `event: error\ndata: {"detail":"${secret}"}\n\n`, done)],
    [
      "an error with a code that is known",
      "the agent sent an error (insufficient_quota)",
      streams(says("Hi"), `data: {"error":{"code":"insufficient_quota","message":"${secret}"}}\n\n`, done)
    ],
    ["an end without a finish reason", cut, streams(says("Hi"))],
    ["a last frame that is cut", cut, streams(says("Hi"), "data: [DON")],
    ["a line of 10 MB", tooLong, streams(says("Hi"), "data: ", secret.repeat(600_000), "\n\n", done)],
    [
      "a line that never ends",
      tooLong,
      (_, response) => {
        response.writeHead(200, sse)
        response.write(`${says("Hi")}data: `)
        endlessly(response, secret.repeat(1000))
      }
    ]
  ]
  for (const [name, reason, respond] of breaks) {
    it.effect(`${name} fails the stream after the earlier text, with an error that quotes no text from the agent`, () =>
      Effect.gen(function* () {
        const { events, result, upstream } = yield* exchange(respond)
        assert.deepStrictEqual(events, [{ _tag: "Accepted" }, { _tag: "Text", delta: "Hi" }])
        assert.deepStrictEqual(failure(result), { tag: "AgentBroken", reason })
        assert.notInclude(JSON.stringify(result), secret)
        yield* until("the request ends", () => upstream.open() === 0)
      }).pipe(Effect.provide(layer))
    )
  }

  it.effect("a connection that is reset fails the stream", () =>
    Effect.gen(function* () {
      let reset = () => {}
      const upstream = yield* start((_, response) => {
        response.writeHead(200, sse)
        response.write(says("Hi"))
        reset = () => response.socket?.resetAndDestroy()
      })
      const events: Array<AgentEvent> = []
      const fiber = yield* ask(upstream.instance, events).pipe(Effect.forkChild({ startImmediately: true }))
      yield* until("the text has arrived", () => events.length === 2)
      reset()
      const { result } = yield* Fiber.join(fiber)
      assert.strictEqual(failure(result).tag, "AgentBroken")
    }).pipe(Effect.provide(layer))
  )
})
