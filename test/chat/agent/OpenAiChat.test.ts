import { assert, describe, it } from "@effect/vitest"
import { Schema } from "effect"
import type { AgentRequest } from "../../../src/chat/agent/Agent.ts"
import { bodyOf, requestMessages } from "../../../src/chat/agent/AgentClient.ts"
import { protocol } from "../../../src/chat/agent/OpenAiChat.ts"
import { activitiesOf, read, readWhole, sourcesOf, textOf } from "../../support/AgentFrames.ts"
import { instanceAt } from "../../support/TestUpstream.ts"

const delta = (delta: unknown, rest: object = {}) => ({ choices: [{ index: 0, delta, ...rest }] })
const finish = (reason: string) => delta({}, { finish_reason: reason })

const request = (url: string, rest: Parameters<typeof instanceAt>[1] = {}): AgentRequest => ({
  instance: instanceAt(url, rest),
  session: "s-1",
  messages: [
    { role: "user", text: "One" },
    { role: "assistant", text: "1" },
    { role: "user", text: "Two \ud83d" }
  ]
})

describe("chat/agent/OpenAiChat: the request", () => {
  it("has the instructions first, the messages, and the token limit", () => {
    assert.deepStrictEqual(bodyOf(request("http://agent", { agent_model: "m", instructions: "Be brief." })), {
      model: "m",
      stream: true,
      max_tokens: 4096,
      user: "s-1",
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "One" },
        { role: "assistant", content: "1" },
        { role: "user", content: "Two \ufffd" }
      ]
    })
  })

  it.prop(
    "has messages whose roles alternate, and omits blank texts, except that of the last message",
    [Schema.Array(Schema.Struct({ role: Schema.Literals(["user", "assistant"]), text: Schema.String }))],
    ([messages]) => {
      const sent = requestMessages(messages)
      for (const [index, { role }] of sent.entries()) assert.notStrictEqual(role, sent[index + 1]?.role)
      const kept = messages.filter(({ text }, index) => text.trim() !== "" || index === messages.length - 1)
      for (const role of ["user", "assistant"] as const) {
        const joinedTexts = (all: ReadonlyArray<{ readonly role: string; readonly text: string }>) =>
          all
            .flatMap((message) => (message.role === role ? [message.text.toWellFormed()] : []))
            .join("")
            .replaceAll("\n\n", "")
        assert.strictEqual(joinedTexts(sent.map(({ content, role }) => ({ role, text: content }))), joinedTexts(kept))
      }
    }
  )

  it("joins a question whose answer is blank with the next question", () => {
    const messages = [
      { role: "user", text: "One" },
      { role: "assistant", text: " " },
      { role: "user", text: "Two" }
    ] as const
    assert.deepStrictEqual(requestMessages(messages), [{ role: "user", content: "One\n\nTwo" }])
  })

  it("does not limit the answers of a runtime that keeps the conversation, unless its tokens are counted", () => {
    assert.notProperty(bodyOf(request("http://agent", { memory: "agent" })), "max_tokens")
    const counted = bodyOf(request("http://agent", { memory: "agent", daily_tokens: 10, max_tokens: 5 }))
    assert.deepInclude(counted, { max_tokens: 5 })
  })

  it("requests the usage only if it is wanted", () => {
    assert.notProperty(bodyOf(request("http://agent")), "stream_options")
    const body = bodyOf({ ...request("http://agent"), wantsUsage: true })
    assert.deepInclude(body, { stream_options: { include_usage: true } })
  })

  it("names the session in a header too, unless a header cannot hold it", () => {
    const headers = (session: string) => protocol.headers({ ...request("http://agent"), session })
    assert.deepStrictEqual(headers("s-1"), { "x-openclaw-session-key": "s-1" })
    for (const session of ["a\r\nx: y", "\u{1f600}", "a b", ""]) assert.deepStrictEqual(headers(session), {})
  })

  it("names the token limit as OpenAI and Azure require", () => {
    for (const url of ["https://api.openai.com/v1", "https://x.openai.azure.com/openai/deployments/d"]) {
      const body = bodyOf(request(url))
      assert.deepInclude(body, { max_completion_tokens: 4096 })
      assert.notProperty(body, "max_tokens")
    }
  })
})

describe("chat/agent/OpenAiChat: the answer", () => {
  it("reads content as a text, as parts, and as Mistral's thinking", () => {
    const { ending, events } = read(
      "openai-chat",
      delta({ content: [{ type: "thinking", thinking: [{ type: "text", text: "2 and 2" }] }] }),
      delta({ content: [{ type: "text", text: "Fo" }, { type: "image_url" }, "u"] }),
      delta({ content: "r" }),
      finish("stop"),
      "[DONE]"
    )
    assert.strictEqual(textOf(events), "Four")
    assert.strictEqual(activitiesOf(events), "~2 and 2")
    assert.strictEqual(ending, "stop")
  })

  it("reads reasoning under each of its names, once", () => {
    const { events } = read(
      "openai-chat",
      delta({ reasoning_content: "a", reasoning: "a" }),
      delta({ reasoning: "b" }),
      delta({ reasoning_text: "c" }),
      delta({ content: "<thi" }),
      delta({ content: "nk>d</think>Hi" }),
      "[DONE]"
    )
    assert.strictEqual(activitiesOf(events), "~a ~b ~c ~d")
    assert.strictEqual(textOf(events), "Hi")
  })

  it("reads citations beside the choices, in annotations, and in Azure's context, each once", () => {
    const { events } = read(
      "openai-chat",
      {
        ...delta({ content: "a" }),
        citations: ["https://a.example/1"],
        search_results: [{ url: "https://a.example/1", title: " One " }]
      },
      { ...delta({ content: "b" }), citations: ["https://a.example/1", "javascript:alert(1)", "nothing"] },
      delta({ annotations: [{ type: "url_citation", url_citation: { url: "https://a.example/2", title: "Two" } }] }),
      delta({ context: { citations: [{ url: "https://a.example/3", title: "" }] } }),
      "[DONE]"
    )
    assert.deepStrictEqual(sourcesOf(events), [
      ["https://a.example/1", "One"],
      ["https://a.example/2", "Two"],
      ["https://a.example/3", null]
    ])
  })

  it("reads tool calls in pieces, and tools that Groq ran", () => {
    const call = (id: string, name: string | undefined, index = 0) => ({
      tool_calls: [
        { index, id, type: "function", function: { ...(name === undefined ? {} : { name }), arguments: "{" } }
      ]
    })
    const { ending, events } = read(
      "openai-chat",
      delta(call("c-1", "weather")),
      delta(call("", undefined)),
      delta(call("", "time", 1)),
      delta({
        executed_tools: [
          {
            index: 0,
            type: "search",
            output: "…",
            search_results: { results: [{ url: "https://g.example/", title: "G" }] }
          }
        ]
      }),
      delta({ content: "Mild." }),
      finish("tool_calls"),
      "[DONE]"
    )
    assert.strictEqual(activitiesOf(events), "+weather +time +search -search")
    assert.deepStrictEqual(sourcesOf(events), [["https://g.example/", "G"]])
    assert.strictEqual(ending, "stop")
  })

  it("reads a refusal, only the choice with the index 0, and the last usage", () => {
    const { events } = read(
      "openai-chat",
      { choices: [{ index: 1, delta: { content: "another" } }], usage: { prompt_tokens: 1, completion_tokens: 1 } },
      delta({ refusal: "I cannot." }),
      { ...finish("stop"), usage: { prompt_tokens: 10, completion_tokens: 5, total_tokens: 40 } },
      "[DONE]"
    )
    assert.strictEqual(textOf(events), "I cannot.")
    assert.deepStrictEqual(events.slice(-2), [
      { _tag: "Usage", inputTokens: 10, outputTokens: 30 },
      { _tag: "Finish", reason: "stop" }
    ])
  })

  it("reads a whole message, without the text that deltas already had", () => {
    const whole = { index: 0, message: { content: "Hi" }, finish_reason: "stop" }
    assert.strictEqual(textOf(read("openai-chat", { choices: [whole] }).events), "Hi")
    assert.strictEqual(textOf(read("openai-chat", delta({ content: "Hi" }), { choices: [whole] }).events), "Hi")
    const { ending, events } = readWhole(protocol, { choices: [{ ...whole, finish_reason: null }] })!
    assert.deepStrictEqual([textOf(events), ending], ["Hi", "stop"])
    assert.strictEqual(readWhole(protocol, { choices: [{ message: { content: null } }] })?.ending, "empty")
    assert.isNull(readWhole(protocol, { choices: [] }))
    assert.isNull(readWhole(protocol, { error: {} }))
  })

  it("reads a message beside an empty delta, a text without a delta, and a choice without an index", () => {
    const whole = { index: 0, delta: {}, message: { content: "Hi" }, finish_reason: "stop" }
    assert.strictEqual(textOf(read("openai-chat", { choices: [whole] }).events), "Hi")
    assert.strictEqual(textOf(read("openai-chat", { choices: [{ text: "Hi", index: null }] }, "[DONE]").events), "Hi")
    const repeating = (content: string, whole: string) => ({
      choices: [{ delta: { content }, message: { content: whole } }]
    })
    const { events } = read("openai-chat", repeating(" ", " "), repeating("Hi", " Hi"), "[DONE]")
    assert.strictEqual(textOf(events), " Hi")
  })

  it("reads encrypted reasoning, the older function call, and the pages that Zhipu's search found", () => {
    const { events } = read(
      "openai-chat",
      delta({ reasoning_details: [{ type: "reasoning.encrypted", data: "x" }] }),
      delta({ function_call: { name: "look", arguments: "" } }),
      delta({ function_call: { arguments: "{}" } }),
      { ...delta({ content: "Hi" }), web_search: [{ link: "https://a.example/", title: "A" }] },
      finish("stop")
    )
    assert.strictEqual(activitiesOf(events), "~ +look")
    assert.deepStrictEqual(sourcesOf(events), [["https://a.example/", "A"]])
  })

  it("reads the finish reasons of providers", () => {
    for (const [reason, expected] of [
      ["eos_token", "stop"],
      ["COMPLETE", "stop"],
      ["content_filter: PROHIBITED_CONTENT", "content-filter"],
      ["sensitive", "content-filter"],
      ["model_length", "length"],
      ["something", "other"],
      ["insufficient_system_resource", "the agent sent the finish reason insufficient_system_resource"],
      ["TIMEOUT", "the agent sent the finish reason timeout"],
      ["abort", "the agent sent the finish reason abort"]
    ] as const) {
      assert.strictEqual(read("openai-chat", delta({ content: "Hi" }), finish(reason), "[DONE]").ending, expected)
    }
  })

  it("reads the errors of different runtimes, and no error where there is none", () => {
    const hi = delta({ content: "Hi" })
    for (const frame of [
      { object: "error", message: "x", type: "server_error", code: 500 },
      { type: "error", message: "x" },
      { code: "InternalError", message: "x", request_id: "r" },
      { error_code: 50001, text: "x" },
      { code: 10013, message: "x", sid: "s" },
      { detail: "Internal Server Error" },
      { choices: null, base_resp: { status_code: 1008, status_msg: "x" } },
      { error: "x" },
      delta({ content: "" }, { error: { code: 502, message: "x" } })
    ]) {
      assert.match(read("openai-chat", hi, frame, "[DONE]").ending, /^the agent sent an error/)
    }
    for (const frame of [
      { ...hi, error: "", code: 0, message: "Success" },
      { ...hi, error: false, base_resp: { status_code: 0, status_msg: "" } },
      { code: 0, message: "Success" },
      { code: "200", message: "OK" },
      { code: "success", message: "" },
      { type: "status", detail: "Searching" },
      { object: "tool.progress", message: "Searching" }
    ]) {
      assert.strictEqual(read("openai-chat", hi, frame, "[DONE]").ending, "stop")
    }
  })

  it("ignores events without text, and fails at invalid events", () => {
    assert.strictEqual(read("openai-chat", "", "{}", delta(null), delta({ content: "Hi" }), "[DONE]").ending, "stop")
    for (const frame of [
      "1",
      "null",
      `"Hi"`,
      "[]",
      "Hi",
      delta({ content: 1 }),
      { choices: {} },
      { error: {} },
      finish("error")
    ]) {
      assert.match(read("openai-chat", delta({ content: "Hi" }), frame, "[DONE]").ending, /^the agent sent/)
    }
  })
})
