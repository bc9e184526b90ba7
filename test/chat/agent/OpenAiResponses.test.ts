import { assert, describe, it } from "@effect/vitest"
import { bodyOf } from "../../../src/chat/agent/AgentClient.ts"
import { protocol } from "../../../src/chat/agent/OpenAiResponses.ts"
import { activitiesOf, read, readWhole, sourcesOf, textOf } from "../../support/AgentFrames.ts"
import { instanceAt } from "../../support/TestUpstream.ts"

const event = (type: string, rest: object = {}) => ({ type: `response.${type}`, ...rest })
const added = (item: object) => event("output_item.added", { item })
const ended = (item: object) => event("output_item.done", { item })
const says = (delta: string) => event("output_text.delta", { delta })
const completed = (rest: object = {}) => event("completed", { response: { output: [], ...rest } })
const cites = (url: string, title: string) =>
  event("output_text.annotation.added", { annotation: { type: "url_citation", url, title } })
const message = (text: string, annotations: ReadonlyArray<object> = []) => ({
  type: "message",
  content: [{ type: "output_text", text, annotations }]
})

describe("chat/agent/OpenAiResponses", () => {
  it("asks the provider not to store a copy", () => {
    const instance = instanceAt("http://agent", {
      agent_protocol: "openai-responses",
      agent_model: "m",
      instructions: "Be brief.",
      max_tokens: 9
    })
    const messages = [{ role: "user", text: "Hi" }] as const
    assert.deepStrictEqual(bodyOf({ instance, session: "s-1", messages }), {
      model: "m",
      stream: true,
      store: false,
      max_output_tokens: 9,
      user: "s-1",
      instructions: "Be brief.",
      input: [{ role: "user", content: "Hi" }]
    })
  })

  it("reads text, reasoning, tools that the provider runs, citations and usage", () => {
    const { ending, events } = read(
      "openai-responses",
      event("created"),
      added({ type: "reasoning", summary: [] }),
      event("reasoning_summary_text.delta", { delta: "hm" }),
      added({ id: "w-1", type: "web_search_call", status: "in_progress" }),
      event("web_search_call.searching", { item_id: "w-1" }),
      ended({ id: "w-1", type: "web_search_call", status: "completed" }),
      added({ type: "message" }),
      event("content_part.added", { part: { type: "output_text" } }),
      says("It "),
      says("rains."),
      cites("https://a.example/", "Weather"),
      cites("https://a.example/", "Weather"),
      event("output_text.annotation.added", { annotation: { type: "file_citation", file_id: "f" } }),
      event("output_text.done", { text: "It rains." }),
      ended(message("It rains.", [{ type: "url_citation", url: "https://b.example/", title: "More" }])),
      completed({ output: [message("It rains.")], usage: { input_tokens: 7, output_tokens: 3, total_tokens: 10 } })
    )
    assert.strictEqual(textOf(events), "It rains.")
    assert.strictEqual(activitiesOf(events), "~ ~hm +web_search -web_search")
    assert.deepStrictEqual(sourcesOf(events), [
      ["https://a.example/", "Weather"],
      ["https://b.example/", "More"]
    ])
    assert.deepStrictEqual(events.at(-2), { _tag: "Usage", inputTokens: 7, outputTokens: 3 })
    assert.strictEqual(ending, "stop")
  })

  it("reads a text that arrived without deltas, at the end of its part or of its item, and never twice", () => {
    const part = [added({ type: "message" }), event("output_text.done", { text: "Hi" })]
    const item = [added({ type: "message" }), ended(message("Hi"))]
    for (const frames of [part, item, [...part, ...item.slice(1), completed({ output: [message("Hi")] })]]) {
      assert.strictEqual(textOf(read("openai-responses", event("created"), ...frames, completed()).events), "Hi")
    }
    const refused = [added({ type: "message" }), event("refusal.done", { refusal: "No." }), completed()]
    assert.strictEqual(textOf(read("openai-responses", ...refused).events), "No.")
  })

  it("reads the second part of a message that arrived without deltas", () => {
    const { events } = read(
      "openai-responses",
      added({ type: "message" }),
      event("content_part.added"),
      says("One. "),
      event("output_text.done", { text: "One. " }),
      event("content_part.added"),
      event("output_text.done", { text: "Two." }),
      ended(message("One. Two.")),
      completed()
    )
    assert.strictEqual(textOf(events), "One. Two.")
  })

  it("reads the events that OpenAI's reference lacks, and the pages that xAI read", () => {
    const { ending, events } = read(
      "openai-responses",
      { type: "keepalive" },
      event("reasoning.delta", { delta: "hm" }),
      added({ type: "message" }),
      says("Hi"),
      event("done", { response: { status: "completed", output: [], citations: ["https://b.example/"] } })
    )
    assert.deepStrictEqual([textOf(events), activitiesOf(events), ending], ["Hi", "~hm", "stop"])
    assert.deepStrictEqual(sourcesOf(events), [["https://b.example/", null]])
    assert.strictEqual(read("openai-responses", { type: "keepalive" }).ending.includes("keepalive"), false)
  })

  it("reads a text once, whichever events repeat it", () => {
    const { events } = read(
      "openai-responses",
      added({ type: "message" }),
      says("Hi"),
      event("output_text.done", { text: "Hi" }),
      event("content_part.done", { part: { type: "output_text", text: "Hi" } }),
      ended(message("Hi")),
      completed({ output: [message("Hi")] })
    )
    assert.strictEqual(textOf(events), "Hi")
  })

  it("reads several responses as one answer and adds up their tokens", () => {
    const usage = { input_tokens: 1, output_tokens: 2 }
    const one = (text: string) => [event("created"), says(text), completed({ usage })]
    const { ending, events } = read("openai-responses", ...one("One. "), ...one("Two."))
    assert.strictEqual(textOf(events), "One. Two.")
    assert.deepStrictEqual(events.at(-2), { _tag: "Usage", inputTokens: 2, outputTokens: 4 })
    assert.strictEqual(ending, "stop")
  })

  it("reports how a response ended", () => {
    const incomplete = (reason: string) => event("incomplete", { response: { incomplete_details: { reason } } })
    const call = { id: "f-1", type: "function_call", name: "weather" }
    const cut = "the agent's stream ended before its answer did"
    for (const [frames, expected] of [
      [[says("Hi"), incomplete("max_output_tokens")], "length"],
      [[says("Hi"), incomplete("content_filter")], "content-filter"],
      [[says("Hi"), added(call), ended(call), completed({ output: [call] })], "stop"],
      [[added(call), ended(call), completed({ output: [call] })], "empty"],
      [[event("refusal.delta", { delta: "No." }), completed()], "stop"],
      [
        [says("Hi"), event("failed", { response: { error: { code: "server_error" } } })],
        "the agent sent an error (server_error)"
      ],
      [[says("Hi"), { type: "error", code: "secret-code" }], "the agent sent an error"],
      [[says("Hi"), { error: { code: "server_error" } }], "the agent sent an error (server_error)"],
      [[says("Hi"), completed({ status: "failed", error: { code: "server_error" } })], /server_error/],
      [[says("Hi"), completed({ status: "cancelled" })], "the agent sent an error"],
      [[says("Hi"), completed({ status: "incomplete" })], "other"],
      [[says("Hi")], cut],
      [[says("Hi"), completed(), event("created"), says("more")], cut]
    ] as const) {
      const { ending } = read("openai-responses", ...frames)
      if (typeof expected === "string") assert.strictEqual(ending, expected)
      else assert.match(ending, expected)
    }
  })

  it("reads a whole response", () => {
    const whole = readWhole(protocol, {
      status: "completed",
      output: [{ type: "reasoning" }, { id: "w", type: "web_search_call" }, message("Hi")],
      usage: { input_tokens: 1, output_tokens: 1 }
    })
    assert.strictEqual(textOf(whole?.events ?? []), "Hi")
    assert.strictEqual(whole?.ending, "stop")
    assert.isNull(readWhole(protocol, { choices: [] }))
    assert.match(readWhole(protocol, { status: "failed", output: [], error: {} })?.ending ?? "", /an error/)
  })
})
