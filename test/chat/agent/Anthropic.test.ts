import { assert, describe, it } from "@effect/vitest"
import { bodyOf } from "../../../src/chat/agent/AgentClient.ts"
import { protocol } from "../../../src/chat/agent/Anthropic.ts"
import { activitiesOf, read, readWhole, sourcesOf, textOf } from "../../support/AgentFrames.ts"
import { instanceAt } from "../../support/TestUpstream.ts"

const begin = (usage: object = { input_tokens: 5, output_tokens: 1 }) => ({
  type: "message_start",
  message: { content: [], usage }
})
const block = (content_block: object) => ({ type: "content_block_start", index: 0, content_block })
const delta = (delta: object) => ({ type: "content_block_delta", index: 0, delta })
const says = (text: string) => delta({ type: "text_delta", text })
const ends = (stop_reason: string, usage: object = { output_tokens: 9 }) => ({
  type: "message_delta",
  delta: { stop_reason },
  usage
})
const stop = { type: "message_stop" }

describe("chat/agent/Anthropic", () => {
  it("sends the token limit that the protocol requires, and the instructions as `system`", () => {
    const instance = instanceAt("http://agent", {
      agent_protocol: "anthropic",
      agent_model: "m",
      instructions: "Be brief.",
      memory: "agent"
    })
    const messages = [{ role: "user", text: "Hi" }] as const
    const request = { instance, session: "s-1", messages }
    assert.deepStrictEqual(bodyOf(request), {
      model: "m",
      stream: true,
      max_tokens: 4096,
      metadata: { user_id: "s-1" },
      system: "Be brief.",
      messages: [{ role: "user", content: "Hi" }]
    })
    assert.deepStrictEqual(protocol.keyHeaders("k"), { "x-api-key": "k" })
    assert.deepStrictEqual(protocol.headers(request), { "anthropic-version": "2023-06-01" })
  })

  it("leaves out a greeting before the visitor's first message", () => {
    const messages = [
      { role: "assistant", text: "How can I help?" },
      { role: "user", text: "Hi" }
    ] as const
    const body = bodyOf({
      instance: instanceAt("http://agent", { agent_protocol: "anthropic" }),
      session: "s-1",
      messages
    })
    assert.deepInclude(body, { messages: [{ role: "user", content: "Hi" }] })
  })

  it("reads text, thinking, server tools, citations and usage", () => {
    const { ending, events } = read(
      "anthropic",
      begin({ input_tokens: 5, cache_read_input_tokens: 10, output_tokens: 1 }),
      { type: "ping" },
      block({ type: "thinking", thinking: "" }),
      delta({ type: "thinking_delta", thinking: "hm" }),
      delta({ type: "signature_delta", signature: "…" }),
      block({ type: "server_tool_use", id: "t-1", name: "web_search" }),
      delta({ type: "input_json_delta", partial_json: "{}" }),
      block({
        type: "web_search_tool_result",
        tool_use_id: "t-1",
        content: [{ type: "web_search_result", url: "https://b.example/", title: "Not cited" }]
      }),
      block({ type: "text", text: "It " }),
      says("rains."),
      delta({
        type: "citations_delta",
        citation: { type: "web_search_result_location", url: "https://a.example/", title: "A" }
      }),
      ends("end_turn"),
      stop
    )
    assert.strictEqual(textOf(events), "It rains.")
    assert.strictEqual(activitiesOf(events), "~ ~hm +web_search -web_search")
    assert.deepStrictEqual(sourcesOf(events), [["https://a.example/", "A"]])
    assert.deepInclude(events, { _tag: "Usage", inputTokens: 15, outputTokens: 9 })
    assert.strictEqual(ending, "stop")
  })

  it("shows the retrieved documents if the answer has no citations", () => {
    const page = { type: "web_fetch_result", url: "https://a.example/", content: { type: "document", title: "A" } }
    const { events } = read(
      "anthropic",
      begin(),
      block({ type: "web_fetch_tool_result", tool_use_id: "t-1", content: page }),
      says("Hi"),
      ends("end_turn")
    )
    assert.deepStrictEqual(sourcesOf(events), [["https://a.example/", "A"]])
    assert.strictEqual(events.at(-1)?._tag, "Finish")
  })

  it("cuts the ids of tools and the titles of retrieved documents, and drops URLs that are too long", () => {
    const long = "i".repeat(100_000)
    const page = (url: string) => ({
      type: "web_fetch_tool_result",
      tool_use_id: long,
      content: { type: "web_fetch_result", url, content: { type: "document", title: long } }
    })
    const { events } = read(
      "anthropic",
      begin(),
      block({ type: "server_tool_use", id: long, name: long }),
      block(page(`https://a.example/${long}`)),
      block(page("https://a.example/")),
      says("Hi"),
      ends("end_turn")
    )
    const tools = events.filter((event) => event._tag === "Tool")
    assert.deepStrictEqual(
      tools.map(({ id, name, state }) => [id.length, name.length, state]),
      [
        [200, 100, "running"],
        [200, 100, "done"]
      ]
    )
    assert.deepStrictEqual(sourcesOf(events), [["https://a.example/", long.slice(0, 300)]])
  })

  it("reads several messages as one answer and adds up their tokens; a repeated start counts once", () => {
    const { ending, events } = read(
      "anthropic",
      begin(),
      begin(),
      says("One. "),
      ends("tool_use", { input_tokens: 6, output_tokens: 2 }),
      stop,
      begin(),
      says("Two."),
      ends("end_turn", { output_tokens: 3 }),
      stop
    )
    assert.strictEqual(textOf(events), "One. Two.")
    assert.deepStrictEqual(events.at(-2), { _tag: "Usage", inputTokens: 11, outputTokens: 5 })
    assert.strictEqual(ending, "stop")
  })

  it("reports how a message ended", () => {
    const cut = "the agent's stream ended before its answer did"
    const error = { type: "error", error: { type: "overloaded_error", message: "secret" } }
    for (const [frames, expected] of [
      [[begin(), says("Hi"), ends("max_tokens"), stop], "length"],
      [[begin(), says("Hi"), ends("stop_sequence"), stop], "stop"],
      [[begin(), says("Hi"), block({ type: "tool_use", id: "t", name: "n" }), ends("tool_use"), stop], "stop"],
      [[begin(), block({ type: "tool_use", id: "t", name: "n" }), ends("tool_use"), stop], "empty"],
      [[begin(), ends("refusal"), stop], "empty"],
      [[begin(), says("Hi"), error], "the agent sent an error (overloaded_error)"],
      [[begin(), says("Hi"), { error: { type: "api_error" } }], "the agent sent an error (api_error)"],
      [[begin(), says("Hi"), stop], "stop"],
      [[begin(), says("Hi")], cut],
      [[begin(), says("Hi"), ends("tool_use"), stop, begin(), says("more")], cut]
    ] as const) {
      assert.strictEqual(read("anthropic", ...frames).ending, expected)
    }
  })

  it("reads a whole message", () => {
    const whole = readWhole(protocol, {
      content: [
        { type: "thinking", thinking: "hm" },
        { type: "text", text: "Hi", citations: [{ url: "https://a.example/", title: "A" }] }
      ],
      stop_reason: "end_turn",
      usage: { input_tokens: 1, output_tokens: 1 }
    })
    assert.strictEqual(textOf(whole?.events ?? []), "Hi")
    assert.lengthOf(sourcesOf(whole?.events ?? []), 1)
    assert.strictEqual(whole?.ending, "stop")
    assert.isNull(readWhole(protocol, { content: "Hi" }))
  })
})
