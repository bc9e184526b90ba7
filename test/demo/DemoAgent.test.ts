import { NodeHttpClient } from "@effect/platform-node"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Layer, Option, Schema, Stream } from "effect"
import { AgentStream } from "../../src/chat/AgentStream.ts"
import type { AgentEvent, ModelMessage } from "../../src/chat/agent/Agent.ts"
import * as AgentClient from "../../src/chat/agent/AgentClient.ts"
import * as DemoAgent from "../../src/demo/DemoAgent.ts"
import { instanceAt } from "../support/TestUpstream.ts"

const layer = AgentClient.layer({
  timeout: "10 seconds",
  secretsKey: Option.none(),
  keyOf: () => Effect.succeed(Option.none())
}).pipe(Layer.provide(NodeHttpClient.layerDispatcher))

/** Asks the agent. `earlier` are the messages before: the visitor's and the agent's in turn. */
const say = Effect.fnUntraced(function* (url: string, message: string, earlier: ReadonlyArray<string> = []) {
  const agent = yield* AgentStream
  const instance = instanceAt(url)
  const before = earlier.map(
    (text, index): ModelMessage => ({
      role: index % 2 === 0 ? "user" : "assistant",
      text
    })
  )
  return yield* Stream.runCollect(
    agent.stream({ instance, session: "s", messages: [...before, { role: "user", text: message }] })
  )
})

const textOf = (events: ReadonlyArray<AgentEvent>): string =>
  events.map((event) => (event._tag === "Text" ? event.delta : "")).join("")

describe("DemoAgent", () => {
  it.live("streams an answer with a table and a source, and the next answer knows the earlier messages", () =>
    Effect.gen(function* () {
      const { url } = yield* DemoAgent.start({ pace: "1 millis", website: Effect.succeed("http://demo.example") })
      const first = yield* say(url, "Is there a tour for children?")
      assert.deepStrictEqual(first[0], { _tag: "Accepted" })
      assert.deepStrictEqual(first[1]?._tag, "Reasoning")
      assert.deepStrictEqual(first.at(-1), { _tag: "Finish", reason: "stop" })
      const text = textOf(first)
      assert.strictEqual(text, DemoAgent.answer(["Is there a tour for children?"]).text)
      assert.include(text, "| First strokes | 3 | € 75 |")
      assert.deepStrictEqual(
        first.filter(({ _tag }) => _tag === "Source"),
        [{ _tag: "Source", url: "http://demo.example/demo/site/tours", title: "Tours · Fjordlight Kayaks" }]
      )
      const second = textOf(yield* say(url, "Thanks", ["Is there a tour for children?", text]))
      assert.include(second, "message 2 of our conversation")
      assert.include(second, "“Is there a tour for children?”")
    }).pipe(Effect.provide(layer))
  )

  it.live("answers invalid requests with an error and continues", () =>
    Effect.gen(function* () {
      const { url } = yield* DemoAgent.start({ pace: "1 millis" })
      const post = (path: string, body: string) =>
        Effect.promise(() =>
          fetch(url + path, { method: "POST", body, headers: { "content-type": "application/json" } })
        )
      assert.strictEqual((yield* post("/v1/chat/completions", "{")).status, 400)
      assert.strictEqual((yield* post("/v1/chat/completions", '{"messages":[]}')).status, 400)
      assert.strictEqual((yield* post("/v1/chat/completions", `"${"x".repeat(600_000)}"`)).status, 400)
      assert.strictEqual((yield* post("/v1/models", "{}")).status, 404)
      assert.strictEqual(
        (yield* post("/v1/chat/completions", '{"messages":[{"role":"user","content":"Hi"}]}')).status,
        200
      )
    })
  )

  it.prop("the tokens are not empty and join to the answer", [Schema.Array(Schema.String)], ([messages]) => {
    const { text } = DemoAgent.answer(messages)
    const tokens = DemoAgent.tokens(text)
    assert.strictEqual(tokens.join(""), text)
    assert.isTrue(text.isWellFormed() && text.length < 2500 && tokens.every((token) => token !== ""))
  })
})
