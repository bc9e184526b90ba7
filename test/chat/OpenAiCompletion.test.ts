import { assert, describe, it } from "@effect/vitest"
import { Effect, Schema } from "effect"
import OpenAI, { APIError } from "openai"
import * as ChatStream from "../../src/chat/ChatStream.ts"
import * as OpenAiHttp from "../../src/chat/OpenAiHttp.ts"
import { Event, textOf, toEvent } from "../support/ChatEvents.ts"

const common = { completionId: "chatcmpl-1", created: 1_700_000_000, model: "small" }

const encode = (dialect: ChatStream.Dialect, events: ReadonlyArray<ChatStream.Event>) =>
  ChatStream.encodeAll(ChatStream.initial({ dialect, messageId: "m-1", maxBytes: 1_000_000 }), events)

const request: OpenAI.ChatCompletionCreateParamsNonStreaming = {
  model: "small",
  messages: [{ role: "user", content: "Hi" }]
}

const clientOf = (body: string, contentType: string) =>
  new OpenAI({
    apiKey: "key",
    baseURL: "http://edge.example/v1",
    maxRetries: 0,
    fetch: async () => new Response(body, { headers: { "content-type": contentType } })
  })

/** The completion that the SDK's stream helper assembles, or the error that it throws. */
const readStream = (stream: string) =>
  clientOf(stream, "text/event-stream")
    .chat.completions.stream({ ...request, stream: true, stream_options: { include_usage: true } })
    .finalChatCompletion()
    .then(
      (completion) => ({ completion, error: undefined }),
      (error: unknown) => ({ completion: undefined, error })
    )

const failure = { _tag: "Failed", failure: "agent-broken" } as const

/** The contents that the completion of these events must have: those before the end. */
const expectedContents = (events: ReadonlyArray<ChatStream.Event>) => {
  const beforeEnd = events.slice(
    0,
    events.findIndex(({ _tag }) => _tag === "Finish" || _tag === "Failed")
  )
  const usage = beforeEnd.findLast((event) => event._tag === "Usage")
  return {
    text: textOf(events),
    urls: beforeEnd.flatMap((event) => (event._tag === "Source" ? [event.url] : [])),
    tokens: usage === undefined ? undefined : usage.inputTokens + usage.outputTokens
  }
}

const contentsOf = ({ choices, usage }: OpenAI.ChatCompletion) => ({
  text: choices[0]!.message.content,
  urls: (choices[0]!.message.annotations ?? []).map((annotation) => annotation.url_citation.url),
  tokens: usage?.total_tokens
})

describe("OpenAiCompletion", () => {
  it.effect.prop(
    "the SDK's stream helper reassembles any answer exactly, and throws any failure",
    [Schema.Array(Event)],
    ([list]) =>
      Effect.gen(function* () {
        const events = [...list.map(toEvent), failure]
        const ending = events.find((event) => event._tag === "Finish" || event._tag === "Failed")!
        const [, stream] = encode(OpenAiHttp.chunks(common, true), events)
        const { completion, error } = yield* Effect.promise(() => readStream(stream))
        if (ending._tag === "Failed") {
          assert.isTrue(error instanceof APIError)
          assert.include((error as APIError).message, ChatStream.sentences[ending.failure])
          assert.deepInclude(error, { type: "server_error", code: ending.failure })
        } else if (completion === undefined) assert.fail(String(error))
        else assert.deepStrictEqual(contentsOf(completion), expectedContents(events))
      })
  )

  it.effect.prop("the completion object has the same contents as the stream", [Schema.Array(Event)], ([list]) =>
    Effect.gen(function* () {
      const events = [...list.map(toEvent), { _tag: "Finish", reason: "stop" } as const]
      const [state, text] = encode(OpenAiHttp.plainText, events)
      if (state.failure !== null) return
      const body = JSON.stringify(OpenAiHttp.completion(common, { ...state, text }))
      const completion = yield* Effect.promise(() =>
        clientOf(body, "application/json").chat.completions.create(request)
      )
      assert.deepStrictEqual(contentsOf(completion), expectedContents(events))
      const [, stream] = encode(OpenAiHttp.chunks(common, true), events)
      const streamed = yield* Effect.promise(() => readStream(stream))
      assert.strictEqual(completion.choices[0]!.finish_reason, streamed.completion?.choices[0]?.finish_reason)
    })
  )

  it("encodes a stream as OpenAI does", () => {
    const events: ReadonlyArray<ChatStream.Event> = [
      { _tag: "Accepted" },
      { _tag: "Reasoning", delta: "hm" },
      { _tag: "Text", delta: "Hel" },
      { _tag: "Text", delta: "lo" },
      { _tag: "Source", url: "https://example.com/", title: "Example" },
      { _tag: "Usage", inputTokens: 3, outputTokens: 2 },
      { _tag: "Finish", reason: "length" }
    ]
    const chunk = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_700_000_000, model: "small" }
    const choice = (delta: object, finish_reason: string | null = null) => ({
      ...chunk,
      choices: [{ index: 0, delta, logprobs: null, finish_reason }]
    })
    const framesOf = (includeUsage: boolean) =>
      encode(OpenAiHttp.chunks(common, includeUsage), events)[1]
        .trimEnd()
        .split("\n\n")
        .map((frame) => frame.slice("data: ".length))
    const chunks = [
      choice({ role: "assistant", content: "" }),
      choice({ content: "Hel" }),
      choice({ content: "lo" }),
      choice({
        annotations: [
          {
            type: "url_citation",
            url_citation: { url: "https://example.com/", title: "Example", start_index: 0, end_index: 0 }
          }
        ]
      }),
      choice({}, "length")
    ]
    const plain = framesOf(false)
    assert.strictEqual(plain.pop(), "[DONE]")
    assert.deepStrictEqual(
      plain.map((data) => JSON.parse(data)),
      chunks
    )
    const counted = framesOf(true)
    assert.strictEqual(counted.pop(), "[DONE]")
    assert.deepStrictEqual(
      counted.map((data) => JSON.parse(data)),
      [
        ...chunks.map((one) => ({ ...one, usage: null })),
        { ...chunk, choices: [], usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 } }
      ]
    )
  })
})
