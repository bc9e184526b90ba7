import { HttpAgent } from "@ag-ui/client"
import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as AgUiHttp from "../../src/chat/AgUiHttp.ts"
import * as ChatStream from "../../src/chat/ChatStream.ts"
import { Event, textOf, toEvent } from "../support/ChatEvents.ts"

const encode = (events: ReadonlyArray<ChatStream.Event>): string =>
  ChatStream.encodeAll(
    ChatStream.initial({
      dialect: AgUiHttp.run({ threadId: "thread", runId: "run" }),
      messageId: "m-1",
      maxBytes: 1_000_000
    }),
    events
  )[1]

/**
 * Reads a stream with `@ag-ui/client`. Returns the types of its events, the assembled text, the error that the stream
 * reports, and the client's own error.
 */
const run = async (stream: string) => {
  const agent = new HttpAgent({
    url: "http://edge.example/",
    threadId: "thread",
    fetch: async () => new Response(stream, { headers: { "content-type": "text/event-stream" } })
  })
  const types: Array<string> = []
  let clientError: Error | undefined
  let runError: string | undefined
  const { newMessages } = await agent.runAgent(
    { runId: "run" },
    {
      onEvent: ({ event }) => void types.push(event.type),
      onRunErrorEvent: ({ event }) => {
        runError = event.message
      },
      onRunFailed: (failed) => {
        clientError = failed.error
      }
    }
  )
  return { types, clientError, runError, text: newMessages.map(({ content }) => content ?? "").join("") }
}

describe("chat/AgUiHttp: a run", () => {
  it.effect.prop("the client accepts any events, and assembles the exact text", [Schema.Array(Event)], ([list]) =>
    Effect.gen(function* () {
      const events = [...list.map(toEvent), { _tag: "Failed", failure: "agent-broken" } as const]
      const ending = events.find(({ _tag }) => _tag === "Finish" || _tag === "Failed")!
      const { clientError, runError, text, types } = yield* Effect.promise(() => run(encode(events)))
      assert.strictEqual(types[0], "RUN_STARTED")
      assert.strictEqual(types.at(-1), ending._tag === "Finish" ? "RUN_FINISHED" : "RUN_ERROR")
      assert.strictEqual(runError, ending._tag === "Failed" ? ChatStream.sentences[ending.failure] : undefined)
      assert.isUndefined(clientError)
      assert.strictEqual(text, textOf(events))
    })
  )

  it("encodes texts, activities and sources", () => {
    const stream = encode([
      { _tag: "Accepted" },
      { _tag: "Reasoning", delta: "hm" },
      { _tag: "Text", delta: "Let me look." },
      { _tag: "Tool", id: "1", name: "web_search", state: "running" },
      { _tag: "Source", url: "https://example.com/", title: null },
      { _tag: "Finish", reason: "stop" }
    ])
    assert.deepStrictEqual(
      stream
        .trimEnd()
        .split("\n\n")
        .map((frame) => JSON.parse(frame.slice("data: ".length))),
      [
        { type: "RUN_STARTED", threadId: "thread", runId: "run" },
        { type: "STEP_STARTED", stepName: "thinking" },
        { type: "STEP_FINISHED", stepName: "thinking" },
        { type: "TEXT_MESSAGE_START", messageId: "m-1", role: "assistant" },
        { type: "TEXT_MESSAGE_CONTENT", messageId: "m-1", delta: "Let me look." },
        { type: "TEXT_MESSAGE_END", messageId: "m-1" },
        { type: "STEP_STARTED", stepName: "searching" },
        { type: "CUSTOM", name: "source-url", value: { sourceId: "m-1-source-1", url: "https://example.com/" } },
        { type: "STEP_FINISHED", stepName: "searching" },
        { type: "RUN_FINISHED", threadId: "thread", runId: "run" }
      ]
    )
  })
})
