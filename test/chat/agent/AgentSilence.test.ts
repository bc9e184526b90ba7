/** Agents that fall silent, and readers that are slow or leave. */
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { AgentStream } from "../../../src/chat/AgentStream.ts"
import type { AgentEvent } from "../../../src/chat/agent/Agent.ts"
import { advanceUntilEnd, ask, failure, layer } from "../../support/AgentExchange.ts"
import { endlessly, type Respond, says, sse, start } from "../../support/TestUpstream.ts"
import { until } from "../../support/Wait.ts"

describe("AgentStream over HTTP: silent agents, and readers that are slow or leave", () => {
  const silences: ReadonlyArray<readonly [string, ReadonlyArray<AgentEvent>, Respond]> = [
    ["before its headers", [], () => {}],
    [
      "before its first token",
      [{ _tag: "Accepted" }],
      (_, response) => {
        response.writeHead(200, sse)
        response.write(": nothing yet\n\n")
      }
    ],
    [
      "between two tokens",
      [{ _tag: "Accepted" }, { _tag: "Text", delta: "Hi" }],
      (_, response) => {
        response.writeHead(200, sse)
        response.write(`${says("Hi")}data: {"cho`)
      }
    ]
  ]
  for (const [name, expected, respond] of silences) {
    it.effect(`an agent that falls silent ${name} times out, and its connection is closed`, () =>
      Effect.gen(function* () {
        const upstream = yield* start(respond)
        const events: Array<AgentEvent> = []
        const fiber = yield* ask(upstream.instance, events).pipe(Effect.forkChild({ startImmediately: true }))
        yield* until("the agent has sent everything", () => upstream.open() === 1 && events.length === expected.length)
        yield* TestClock.adjust("59 seconds")
        assert.isUndefined(fiber.pollUnsafe())
        // The wait for the next event may begin after the first step of the clock, so the clock advances until the wait ends.
        while (fiber.pollUnsafe() === undefined) {
          yield* TestClock.adjust("1 second")
          yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
        }
        const { result } = yield* Fiber.join(fiber)
        assert.deepStrictEqual(events, expected)
        assert.strictEqual(failure(result).tag, "AgentTimeout")
        yield* until("the request ends", () => upstream.open() === 0)
      }).pipe(Effect.provide(layer))
    )
  }

  it.effect("a refusal whose body does not end is a refusal with its status", () =>
    Effect.gen(function* () {
      const upstream = yield* start((_, response) => void response.writeHead(400).write("{"))
      const agent = yield* AgentStream
      const question = { role: "user", text: "Hi" } as const
      const messages = [question, { role: "assistant", text: "Hello" }, question] as const
      const fiber = yield* agent
        .stream({ instance: upstream.instance, session: "c", messages })
        .pipe(Stream.runCollect, Effect.result, Effect.forkChild({ startImmediately: true }))
      yield* until("the agent has the request", () => upstream.received.length === 1)
      yield* advanceUntilEnd(fiber)
      assert.deepStrictEqual(failure(yield* Fiber.join(fiber)), {
        tag: "AgentRefused",
        reason: "the agent answered with status 400"
      })
    }).pipe(Effect.provide(layer))
  )

  it.effect("a slow reader pauses the agent, and the reader's delay does not count towards the agent's timeout", () =>
    Effect.gen(function* () {
      let written = () => 0
      const piece = says("x".repeat(10_000))
      const upstream = yield* start((_, response) => {
        response.writeHead(200, sse)
        written = endlessly(response, piece)
      })
      const agent = yield* AgentStream
      const pull = yield* Stream.toPull(
        agent.stream({ instance: upstream.instance, session: "c", messages: [{ role: "user", text: "Hi" }] })
      )
      yield* pull
      yield* pull
      let before = -1
      let unchanged = 0
      yield* until("the agent can write no more", () => {
        unchanged = before === written() ? unchanged + 1 : 0
        before = written()
        return unchanged === 25
      })
      yield* TestClock.adjust("1 hour")
      yield* pull
      // Data in transit is in the system's socket buffers, which hold a few megabytes.
      assert.isBelow(written() * piece.length, 64 * 1024 * 1024)
    }).pipe(Effect.provide(layer))
  )

  it.effect("a slow reader gets the failure of an answer that broke off, and no timeout", () =>
    Effect.gen(function* () {
      const usage = `data: {"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}\n\n`
      const upstream = yield* start((_, response) => {
        response.writeHead(200, { ...sse, connection: "close" })
        response.end(says("Hi") + usage)
      })
      const agent = yield* AgentStream
      const pull = yield* Stream.toPull(
        agent.stream({ instance: upstream.instance, session: "c", messages: [{ role: "user", text: "Hi" }] })
      )
      yield* pull
      yield* until("the response has been read", () => upstream.received.length === 1 && upstream.connections() === 0)
      yield* TestClock.adjust("1 hour")
      yield* pull
      yield* pull
      assert.deepStrictEqual(failure(yield* Effect.result(pull)), {
        tag: "AgentBroken",
        reason: "the agent's stream ended before its answer did"
      })
    }).pipe(Effect.provide(layer))
  )

  it.effect("a reader that is interrupted in the middle closes the agent's connection", () =>
    Effect.gen(function* () {
      const upstream = yield* start((_, response) => {
        response.writeHead(200, sse)
        response.write(says("Hi"))
      })
      const events: Array<AgentEvent> = []
      const fiber = yield* ask(upstream.instance, events).pipe(Effect.forkChild({ startImmediately: true }))
      yield* until("the text has arrived", () => events.length === 2)
      assert.strictEqual(upstream.connections(), 1)
      yield* Fiber.interrupt(fiber)
      yield* until("the connection is closed", () => upstream.connections() === 0)
    }).pipe(Effect.provide(layer))
  )
})
