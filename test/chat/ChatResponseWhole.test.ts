import { assert, describe, it } from "@effect/vitest"
import { Deferred, Effect, Fiber, Queue, Stream } from "effect"
import * as ChatResponse from "../../src/chat/ChatResponse.ts"
import * as OpenAiHttp from "../../src/chat/OpenAiHttp.ts"
import { type Agent, accepted, begin, driven, stop, text } from "../support/ChatScript.ts"

/** Begins the answer of an agent. `graceExpired` completes when the process must end. */
const beginWhole = (agent: Agent, maxBytes = 1_000, graceExpired: Effect.Effect<void> = Effect.never) =>
  begin(agent, { dialect: OpenAiHttp.plainText, heartbeat: "1 hour", maxBytes }, graceExpired)

describe("ChatResponse.readWhole", () => {
  it.effect("has the text of all parts, the sources, the usage and the finish reason", () =>
    Effect.gen(function* () {
      const chat = yield* beginWhole(
        Stream.fromIterable([
          accepted,
          text("Let me look."),
          { _tag: "Tool", id: "1", name: "web_search", state: "running" },
          { _tag: "Source", url: "https://example.com/", title: null },
          text("Found."),
          { _tag: "Usage", inputTokens: 1, outputTokens: 2 },
          { _tag: "Finish", reason: "length" }
        ])
      )
      assert.deepStrictEqual(yield* ChatResponse.readWhole(chat), {
        text: "Let me look.Found.",
        sources: [{ sourceId: "m-1-source-1", url: "https://example.com/", title: null }],
        usage: { inputTokens: 1, outputTokens: 2 },
        finishReason: "length",
        failure: null
      })
    })
  )

  it.effect("is read to its end, with any number of deltas", () =>
    Effect.gen(function* () {
      const { agent, queue } = yield* driven
      const opened = yield* Effect.forkChild(beginWhole(agent, 100_000))
      yield* Queue.offer(queue, accepted)
      const chat = yield* Fiber.join(opened)
      const read = yield* Effect.forkChild(ChatResponse.readWhole(chat))
      for (let count = 0; count < 10_000; count++) yield* Queue.offer(queue, text("a"))
      yield* Queue.offer(queue, stop)
      const answer = yield* Fiber.join(read)
      assert.strictEqual(answer.text, "a".repeat(10_000))
    })
  )

  it.effect("has the failure of an answer that is too long, breaks off, or is cut by the end of the process", () =>
    Effect.gen(function* () {
      const long = yield* beginWhole(Stream.fromIterable([accepted, text("x".repeat(11)), stop]), 10)
      assert.strictEqual((yield* ChatResponse.readWhole(long)).failure, "too-much")
      const broken = yield* beginWhole(Stream.fromIterable([accepted, text("half")]))
      assert.deepInclude(yield* ChatResponse.readWhole(broken), { failure: "agent-broken", finishReason: null })
      const ended = yield* Deferred.make<void>()
      const endless = yield* beginWhole(
        Stream.concat(Stream.succeed(accepted), Stream.never),
        10,
        Deferred.await(ended)
      )
      yield* Deferred.succeed(ended, undefined)
      assert.strictEqual((yield* ChatResponse.readWhole(endless)).failure, "shutting-down")
    })
  )
})
