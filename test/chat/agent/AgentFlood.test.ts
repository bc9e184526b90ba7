/**
 * Agents that send much besides their text: ordinary answers are read to the end, and floods are throttled
 * or end with an error.
 */
import type { ServerResponse } from "node:http"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Result } from "effect"
import type { AgentEvent } from "../../../src/chat/agent/Agent.ts"
import * as AnswerReader from "../../../src/chat/agent/AnswerReader.ts"
import { advanceUntilEnd, ask, exchange, failure, layer, streams, textOf } from "../../support/AgentExchange.ts"
import { endlessly, finishes, says, sse, start } from "../../support/TestUpstream.ts"
import { until } from "../../support/Wait.ts"

/** Reasoning, as a runtime sends it. */
const reasoning = (content: string): string =>
  `data: ${JSON.stringify({
    id: "chatcmpl-0123456789abcdef0123456789abcdef",
    object: "chat.completion.chunk",
    created: 1_700_000_000,
    model: "a-model-that-thinks-before-it-speaks",
    system_fingerprint: "fp_0123456789",
    choices: [{ index: 0, delta: { reasoning_content: content }, logprobs: null, finish_reason: null }]
  })}\n\n`

/** A reasoning token: about 300 bytes. */
const thought = reasoning("hmm ")

/** Waits until the sockets' buffers are full, so that the agent cannot write more. */
const untilStalled = (written: () => number) => {
  let before = -1
  let unchanged = 0
  return until("the agent can write no more", () => {
    unchanged = before === written() ? unchanged + 1 : 0
    before = written()
    return unchanged === 25
  })
}

/** `endlessly`, but bypassing Node's own framing. */
const floodSocket = ({ socket }: ServerResponse, piece: string): (() => number) => {
  let written = 0
  const more = () => {
    while (socket !== null && !socket.destroyed) {
      written++
      if (!socket.write(piece)) return void socket.once("drain", more)
    }
  }
  more()
  return () => written
}

describe("AgentStream over HTTP: data besides the text", () => {
  it.effect("six thousand tokens of reasoning arrive as fast as they are sent", () =>
    Effect.gen(function* () {
      // The test clock does not advance, so nothing may wait for it.
      const { events, result } = yield* exchange(
        streams(...Array.from({ length: 60 }, () => thought.repeat(100)), says("Six."), finishes("stop"))
      )
      assert.isTrue(Result.isSuccess(result))
      assert.strictEqual(textOf(events), "Six.")
    }).pipe(Effect.provide(layer))
  )

  it.effect("a hundred thousand reasoning tokens also arrive, but throttled", () =>
    Effect.gen(function* () {
      const upstream = yield* start((_, response) => {
        response.writeHead(200, sse)
        let remaining = 1_000
        const more = () => {
          while (remaining-- > 0) if (!response.write(thought.repeat(100))) return void response.once("drain", more)
          response.end(says("Six.") + finishes("stop"))
        }
        more()
      })
      const events: Array<AgentEvent> = []
      const fiber = yield* ask(upstream.instance, events).pipe(Effect.forkChild({ startImmediately: true }))
      const millis = yield* advanceUntilEnd(fiber)
      assert.isAbove(millis, 60_000)
      assert.isBelow(millis, 250_000)
      assert.isTrue(Result.isSuccess((yield* Fiber.join(fiber)).result))
      assert.strictEqual(textOf(events), "Six.")
    }).pipe(Effect.provide(layer))
  )

  const floods: ReadonlyArray<readonly [string, (response: ServerResponse) => () => number]> = [
    ["frames without a word", (response) => endlessly(response, 'data: {"choices":[]}\n\n'.repeat(3_000))],
    // Only bytes count here and below, and long frames are read in less time than short ones.
    ["thought", (response) => endlessly(response, reasoning("hmm ".repeat(1_000)).repeat(15))],
    // `AnswerReader.test.ts` has comments that each come in a chunk of their own, which take ten times as long to send.
    ["comments", (response) => endlessly(response, `:${"x".repeat(1_000)}\n`.repeat(60))]
  ]
  for (const [name, flood] of floods) {
    it.effect(
      `a flood of ${name} is throttled, does not count as silence, and ends after some minutes`,
      () =>
        Effect.gen(function* () {
          let written = () => 0
          const upstream = yield* start((_, response) => {
            response.writeHead(200, sse)
            written = flood(response)
          })
          const events: Array<AgentEvent> = []
          const fiber = yield* ask(upstream.instance, events).pipe(Effect.forkChild({ startImmediately: true }))
          yield* until("the agent is accepted", () => events.length > 0)
          yield* untilStalled(() => written())
          assert.isUndefined(fiber.pollUnsafe())
          const millis = yield* advanceUntilEnd(fiber)
          const { result } = yield* Fiber.join(fiber)
          assert.deepStrictEqual(failure(result), {
            tag: "AgentBroken",
            reason: "the agent sent too much besides its text"
          })
          assert.deepStrictEqual(
            events.filter(({ _tag }) => _tag !== "Reasoning"),
            [{ _tag: "Accepted" }]
          )
          // The last piece may take some seconds, and the clock advances while bytes are in flight.
          const least = ((AnswerReader.maxOverhead - AnswerReader.burst) * 1000) / AnswerReader.rate
          assert.isAtLeast(millis, least - 10_000)
          assert.isBelow(millis, 2 * least)
          yield* until("the request ends", () => upstream.open() === 0)
        }).pipe(Effect.provide(layer)),
      240_000
    )
  }

  it.effect("text that arrives too fast is also throttled, and arrives complete", () =>
    Effect.gen(function* () {
      const token = says("x")
      const count = 20_000
      const upstream = yield* start(
        streams(...Array.from({ length: count / 100 }, () => token.repeat(100)), finishes("stop"))
      )
      const events: Array<AgentEvent> = []
      const fiber = yield* ask(upstream.instance, events).pipe(Effect.forkChild({ startImmediately: true }))
      const millis = yield* advanceUntilEnd(fiber)
      assert.isAbove(millis, 5_000)
      assert.strictEqual(textOf(events).length, count)
    }).pipe(Effect.provide(layer))
  )

  it.effect("a few informational responses are ignored; endless ones are refused", () =>
    Effect.gen(function* () {
      const hint = "HTTP/1.1 103 Early Hints\r\nlink: </x>; rel=preload\r\n\r\n"
      const few = yield* exchange((received, response) => {
        response.socket?.write(hint.repeat(3))
        streams(says("Hi"), finishes("stop"))(received, response)
      })
      assert.strictEqual(textOf(few.events), "Hi")
      const { result, upstream } = yield* exchange((_, response) => void floodSocket(response, hint.repeat(1_000)))
      assert.deepStrictEqual(failure(result), {
        tag: "AgentRefused",
        reason: "the agent sent too many informational responses"
      })
      yield* until("the request ends", () => upstream.open() === 0)
    }).pipe(Effect.provide(layer))
  )
})
