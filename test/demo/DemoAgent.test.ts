import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Redacted, Result, Schema, Stream } from "effect"
import * as LiveAgentStream from "../../src/agent/AgentStream.ts"
import * as DemoAgent from "../../src/demo/DemoAgent.ts"
import * as DemoAnswer from "../../src/demo/DemoAnswer.ts"
import { AgentStream } from "../../src/services/chat/AgentStream.ts"
import { instanceAt } from "../support/TestUpstream.ts"

const layer = LiveAgentStream.layer({
  timeout: "10 seconds",
  keyOf: (variable) => Effect.succeed(variable === "DEMO_KEY" ? Option.some(Redacted.make("k")) : Option.none())
}).pipe(Layer.provide(NodeHttpClient.layerDispatcher))

const say = Effect.fnUntraced(function* (
  url: string,
  conversationId: string,
  message: string,
  keyEnv: string | null = null
) {
  const agent = yield* AgentStream
  const instance = instanceAt(url, { agentKeyEnv: keyEnv })
  return yield* Stream.runCollect(
    agent.stream({ instance, session: conversationId, turns: [{ role: "user", text: message }] })
  )
})

describe("DemoAgent", () => {
  it.live("streams an answer with the visitor's message and counts each conversation's messages", () =>
    Effect.gen(function* () {
      const { url } = yield* DemoAgent.start({ pace: "1 millis" })
      for (const [conversation, message, turn] of [
        ["a", "Where do you ship?", 1],
        ["a", "And when?", 2],
        ["b", "Hello!", 1],
        ["a", "Thanks", 3]
      ] as const) {
        const events = yield* say(url, conversation, message)
        assert.deepStrictEqual(events[0], { _tag: "Accepted" })
        assert.deepStrictEqual(events.at(-1), { _tag: "Finish", reason: "stop" })
        const text = events.map((event) => (event._tag === "Text" ? event.delta : "")).join("")
        assert.strictEqual(text, DemoAnswer.answer(message, turn))
        assert.include(text, message)
        assert.isAbove(events.length, 10)
      }
    }).pipe(Effect.provide(layer))
  )

  it.live("requires its key", () =>
    Effect.gen(function* () {
      const { url } = yield* DemoAgent.start({ pace: "1 millis", key: Redacted.make("k") })
      const without = yield* Effect.result(say(url, "a", "Hi"))
      assert.isTrue(Result.isFailure(without) && without.failure._tag === "AgentRefused")
      assert.isAbove((yield* say(url, "a", "Hi", "DEMO_KEY")).length, 2)
    }).pipe(Effect.provide(layer))
  )

  it.live("answers invalid requests with an error and continues", () =>
    Effect.gen(function* () {
      const { url } = yield* DemoAgent.start({ pace: "1 millis" })
      const post = (path: string, body: string) =>
        Effect.promise(() =>
          fetch(url + path, { method: "POST", body, headers: { "content-type": "application/json" } }).then(
            async (response) => ({ status: response.status, body: await response.text() })
          )
        )
      assert.strictEqual((yield* post("/v1/chat/completions", "{")).status, 400)
      assert.strictEqual((yield* post("/v1/chat/completions", '{"messages":[]}')).status, 400)
      assert.strictEqual((yield* post("/v1/chat/completions", `"${"x".repeat(600_000)}"`)).status, 400)
      assert.strictEqual((yield* post("/v1/models", "{}")).status, 404)
      const whole = yield* post("/v1/chat/completions", '{"messages":[{"role":"user","content":"Hi"}]}')
      assert.strictEqual(whole.status, 200)
      assert.strictEqual(JSON.parse(whole.body).choices[0].message.content, DemoAnswer.answer("Hi", 1))
    })
  )

  it.prop("the tokens are not empty and join to the answer", [Schema.String, Schema.Int], ([message, turn]) => {
    const answer = DemoAnswer.answer(message, turn)
    const tokens = DemoAnswer.tokens(answer)
    assert.strictEqual(tokens.join(""), answer)
    assert.isTrue(answer.isWellFormed() && answer.length < 1500 && tokens.every((token) => token !== ""))
  })
})
