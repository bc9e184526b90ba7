/** What is read from an answer, and when it has ended. */
import { Dispatcher } from "@effect/platform-node/NodeHttpClient"
import type * as Undici from "@effect/platform-node/Undici"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import { AgentEmpty } from "../../../src/chat/AgentStream.ts"
import type { AgentEvent } from "../../../src/chat/agent/Agent.ts"
import { advanceUntilEnd, ask, done, exchange, layer, streams, textOf } from "../../support/AgentExchange.ts"
import { endlessly, finishes, says, sse, start } from "../../support/TestUpstream.ts"
import { until } from "../../support/Wait.ts"

describe("AgentStream over HTTP: the answer", () => {
  it.effect("retry lines, comments, roles and empty lists give no event; reasoning, tools and usage do", () =>
    Effect.gen(function* () {
      const frame = (value: unknown) => `data: ${JSON.stringify(value)}\n\n`
      const { events } = yield* exchange(
        streams(
          "retry: 3000\n\n: beat\n\nid: 1\nevent: message\n",
          frame({ choices: [{ delta: { role: "assistant", content: null } }], error: null }),
          frame({ choices: [{ delta: { reasoning_content: "hm", reasoning: "hm" }, finish_reason: "" }] }),
          frame({ choices: [] }),
          frame({ choices: [{ delta: { tool_calls: [{ id: "1", function: { name: "search" } }, {}] } }] }),
          frame({ choices: [{ delta: { content: "Hi" }, finish_reason: "stop" }] }),
          frame({ choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } })
        )
      )
      assert.deepStrictEqual(events, [
        { _tag: "Accepted" },
        { _tag: "Reasoning", delta: "hm" },
        { _tag: "Tool", id: "1", name: "search", state: "running" },
        { _tag: "Text", delta: "Hi" },
        { _tag: "Usage", inputTokens: 3, outputTokens: 2 },
        { _tag: "Finish", reason: "stop" }
      ])
    }).pipe(Effect.provide(layer))
  )

  it.effect("each finish reason of the agent becomes a finish reason that visitors get", () =>
    Effect.gen(function* () {
      for (const [upstream, reason] of [
        ["stop", "stop"],
        ["length", "length"],
        ["content_filter", "content-filter"],
        ["tool_calls", "stop"],
        ["function_call", "stop"],
        ["something new", "other"]
      ] as const) {
        const { events } = yield* exchange(streams(says("Hi"), finishes(upstream)))
        assert.deepStrictEqual(events.at(-1), { _tag: "Finish", reason })
      }
    }).pipe(Effect.provide(layer))
  )

  it.effect("an answer that ends with [DONE] without a finish reason gets the finish reason `stop`", () =>
    Effect.gen(function* () {
      const { events } = yield* exchange(streams(says("Hi"), done))
      assert.deepStrictEqual(events.at(-1), { _tag: "Finish", reason: "stop" })
    }).pipe(Effect.provide(layer))
  )

  it.effect("characters and line breaks that are split between packets arrive intact", () =>
    Effect.gen(function* () {
      const text = "\u{1f600} é 漢字"
      const bytes = Buffer.from((says(text) + finishes("stop")).replaceAll("\n", "\r\n"))
      const { events, result } = yield* exchange((_, response) => {
        response.writeHead(200, sse)
        response.socket?.setNoDelay(true)
        let sent = 0
        const next = () => {
          if (sent === bytes.length) return void response.end()
          response.write(bytes.subarray(sent, ++sent), () => setImmediate(next))
        }
        next()
      })
      assert.isTrue(Result.isSuccess(result))
      assert.strictEqual(textOf(events), text)
    }).pipe(Effect.provide(layer))
  )

  it.effect("text after a finish reason counts, up to [DONE]", () =>
    Effect.gen(function* () {
      const { events } = yield* exchange(
        streams(says("Let me look. "), finishes("tool_calls"), says("Found."), finishes("stop"), done, says("more"))
      )
      assert.strictEqual(textOf(events), "Let me look. Found.")
      assert.deepStrictEqual(events.at(-1), { _tag: "Finish", reason: "stop" })
    }).pipe(Effect.provide(layer))
  )

  it.effect("the answer of an agent that is silent after its finish reason ends within seconds", () =>
    Effect.gen(function* () {
      const upstream = yield* start((_, response) => {
        response.writeHead(200, sse)
        response.write(says("Hi") + finishes("stop"))
      })
      const events: Array<AgentEvent> = []
      const fiber = yield* ask(upstream.instance, events).pipe(Effect.forkChild({ startImmediately: true }))
      yield* until("the agent has sent everything", () => events.length === 2)
      const millis = yield* advanceUntilEnd(fiber)
      assert.isTrue(Result.isSuccess((yield* Fiber.join(fiber)).result))
      assert.deepStrictEqual(events.at(-1), { _tag: "Finish", reason: "stop" })
      assert.isBelow(millis, 10_000)
      yield* until("the request ends", () => upstream.open() === 0)
    }).pipe(Effect.provide(layer))
  )

  it.effect("after [DONE] the connection stays open for a second", () =>
    Effect.gen(function* () {
      const { upstream } = yield* exchange((_, response) => {
        response.writeHead(200, sse)
        response.write(says("Hi") + done)
      })
      yield* TestClock.adjust("900 millis")
      assert.strictEqual(upstream.open(), 1)
      yield* TestClock.adjust("200 millis")
      yield* until("the request ends", () => upstream.open() === 0)
    }).pipe(Effect.provide(layer))
  )

  it.effect("an agent that sends much after [DONE] is disconnected at once", () =>
    Effect.gen(function* () {
      const { upstream } = yield* exchange((_, response) => {
        response.writeHead(200, sse)
        response.write(says("Hi") + done)
        endlessly(response, says("more"))
      })
      yield* until("the request ends", () => upstream.open() === 0)
    }).pipe(Effect.provide(layer))
  )

  for (const [name, frames, finish] of [
    ["tool calls without results", [finishes("tool_calls"), done], "tool-calls"],
    ["whitespace alone", [says(" \n"), finishes("stop"), done], "stop"],
    ["reasoning alone", [says("<think>hm"), finishes("length"), done], "length"],
    ["[DONE] alone", [done], "stop"],
    ["a filter before the first word", [finishes("content_filter")], "content-filter"]
  ] as const) {
    it.effect(`${name} is neither an answer nor a success`, () =>
      Effect.gen(function* () {
        const { result } = yield* exchange(streams(...frames))
        assert.isTrue(Result.isFailure(result))
        if (Result.isFailure(result)) assert.deepStrictEqual(result.failure, new AgentEmpty({ finish }))
      }).pipe(Effect.provide(layer))
    )
  }

  it.effect("a stream is read even if it has no content type, or that of JSON, text or bytes", () =>
    Effect.gen(function* () {
      for (const type of [undefined, "text/plain", "application/json", "application/octet-stream"]) {
        const { events, result } = yield* exchange((_, response) => {
          response.writeHead(200, type === undefined ? {} : { "content-type": type })
          response.end(`\n: beat\n\n${says("Hi")}${done}`)
        })
        assert.isTrue(Result.isSuccess(result), type)
        assert.strictEqual(textOf(events), "Hi")
      }
    }).pipe(Effect.provide(layer))
  )

  it.effect(
    "the connection of an answer that ended serves the next request; the connection of a broken answer does not",
    () =>
      Effect.gen(function* () {
        const ports: Array<number | undefined> = []
        const upstream = yield* start((received, response) => {
          ports.push(response.socket?.remotePort)
          response.writeHead(200, sse)
          response.write(received.body.includes("broken") ? "data: {\n\n" : says("Hi") + finishes("stop"))
          // The end is sent in its own packet.
          setImmediate(() => response.end(done))
        })
        const dispatcher = (yield* Dispatcher) as Undici.Agent
        for (const message of ["one", "two", "broken", "three"]) {
          yield* ask(upstream.instance, [], message)
          const free = message === "broken" ? 0 : 1
          yield* until("the connection is free, or closed", () => {
            const stats = dispatcher.stats[upstream.url]
            return (stats !== undefined && "free" in stats ? stats.free : 0) === free
          })
        }
        assert.strictEqual(ports[0], ports[1])
        assert.strictEqual(ports[1], ports[2])
        assert.notStrictEqual(ports[2], ports[3])
      }).pipe(Effect.provide(layer))
  )

  it.effect("an answer that is not streamed is read", () =>
    Effect.gen(function* () {
      const { events } = yield* exchange((_, response) => {
        response.writeHead(200, { "content-type": "application/json; charset=utf-8" })
        response.end(
          JSON.stringify({ choices: [{ message: { role: "assistant", content: "Hi" }, finish_reason: "length" }] })
        )
      })
      assert.deepStrictEqual(events, [
        { _tag: "Accepted" },
        { _tag: "Text", delta: "Hi" },
        { _tag: "Finish", reason: "length" }
      ])
    }).pipe(Effect.provide(layer))
  )
})
