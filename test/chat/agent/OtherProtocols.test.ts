/**
 * An agent that answers in another protocol: the log and `doctor` name what it sent first.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { ofOperator } from "../../../src/chat/agent/AgentCheck.ts"
import * as Inspection from "../../../src/chat/agent/Inspection.ts"
import type { AgentProtocolName } from "../../../src/chat/Instance.ts"
import { done, layer, secret, streams } from "../../support/AgentExchange.ts"
import * as InProcessService from "../../support/InProcessService.ts"
import { finishes, instanceAt, type Respond, says, start } from "../../support/TestUpstream.ts"

const events = (...frames: ReadonlyArray<readonly [event: string, data: object]>) =>
  streams(...frames.map(([event, data]) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`))

const anthropic = events(
  ["message_start", { type: "message_start", message: { role: "assistant", content: [] } }],
  ["content_block_delta", { type: "content_block_delta", delta: { type: "text_delta", text: secret } }],
  ["message_stop", { type: "message_stop" }]
)

const responses = events(
  ["response.created", { type: "response.created", response: { id: "r" } }],
  ["response.output_text.delta", { type: "response.output_text.delta", delta: secret }]
)

const chunk = { object: "chat.completion.chunk", choices: [{ index: 0, delta: { content: secret } }] }
const chat = streams(`data: ${JSON.stringify(chunk)}\n\n`)

const uiMessages = streams(
  ...[{ type: "start" }, { type: "text-delta", delta: secret }].map((frame) => `data: ${JSON.stringify(frame)}\n\n`),
  done
)

const answers =
  (type: string, body: string): Respond =>
  (_, response) => {
    response.writeHead(200, { "content-type": type }).end(body)
  }

/** Each answer, with what names it. */
const cases: ReadonlyArray<readonly [string, AgentProtocolName, Respond, string]> = [
  ["Anthropic's events", "openai-chat", anthropic, "its first unknown event is message_start"],
  ["the events of responses", "openai-chat", responses, "its first unknown event is response.created"],
  ["chunks of chat completions", "openai-responses", chat, "its first unknown event is chat.completion.chunk"],
  ["Anthropic's events", "openai-responses", anthropic, "its first unknown event is message_start"],
  ["chunks of chat completions", "anthropic", chat, "its first unknown event is chat.completion.chunk"],
  ["the events of responses", "anthropic", responses, "its first unknown event is response.created"],
  ["the AI SDK's parts", "openai-chat", uiMessages, "its first unknown event is start"],
  ["an event without a name", "openai-chat", streams('data: {"a":1}\n\n'), "its first unknown event is without a name"],
  ["a sentence as a name", "openai-chat", events([secret.repeat(9), {}]), "its first unknown event is without a name"],
  ["lines of JSON", "openai-chat", answers("application/x-ndjson", "{}\n{}\n"), "content type application/x-ndjson"],
  ["a page", "openai-chat", answers("text/html; charset=utf-8", secret), "content type text/html"],
  ["a page as text", "openai-chat", answers("text/plain", `<p>${secret}`), "a page of content type text/plain"],
  ["text", "openai-chat", answers("text/plain", secret), "of content type text/plain has no event"],
  ["text without a type", "openai-chat", (_, response) => void response.end(secret), "without a content type"],
  ["a whole response", "openai-chat", answers("application/json", '{"object":"response"}'), "protocol (response)"],
  ["an error", "openai-chat", answers("application/json", '{"error":{"code":"bad_model"}}'), "protocol (bad_model)"]
]

describe("an agent that answers in another protocol", () => {
  for (const [answer, agentProtocol, respond, name] of cases) {
    it.live(`doctor names ${answer} where ${agentProtocol} is expected`, () =>
      Effect.gen(function* () {
        const { url } = yield* start(respond)
        const outcome = yield* Inspection.ask(
          instanceAt(url, { agent_protocol: agentProtocol }),
          ofOperator,
          "10 seconds"
        )
        assert.strictEqual(outcome._tag, "Failed")
        assert.include(outcome._tag === "Failed" ? outcome.reason : "", name)
        assert.notInclude(JSON.stringify(outcome), secret)
      }).pipe(Effect.provide(layer))
    )
  }

  it.live("an unknown event is not named if the answer has text, because runtimes add events of their own", () =>
    Effect.gen(function* () {
      const extension = `event: tool.progress\ndata: {"tool":"search"}\n\n`
      const service = yield* InProcessService.start({ respond: streams(extension, says("Hi"), extension) })
      const response = yield* ask(service)
      assert.include(response.text, "Hi")
      assert.include(service.log(), "the agent's stream ended before its answer did")
      assert.notInclude(service.log(), "tool.progress")
    }).pipe(Effect.scoped)
  )

  for (const memory of ["edge", "agent"] as const)
    it.live(`the log names its first event, and the visitor's answer does not: memory ${memory}`, () =>
      Effect.gen(function* () {
        for (const respond of [anthropic, uiMessages]) {
          const service = yield* InProcessService.start({ respond, memory })
          const { status, text } = yield* ask(service)
          const name = respond === anthropic ? "message_start" : "start"
          assert.strictEqual(status, 200)
          assert.include(service.log(), `its first unknown event is ${name}`)
          assert.notInclude(text, "unknown event")
          assert.notInclude(service.log() + text, secret)
        }
      }).pipe(Effect.scoped)
    )

  it.live("an answer that ends with tools that the agent ran ends as `stop` for the visitor", () =>
    Effect.gen(function* () {
      const call = { tool_calls: [{ index: 0, id: "call-1", function: { name: "search", arguments: "{}" } }] }
      const calls = `data: ${JSON.stringify({ choices: [{ index: 0, delta: call }] })}\n\n`
      for (const memory of ["edge", "agent"] as const) {
        const respond = streams(says("Well"), calls, finishes("tool_calls"), done)
        const service = yield* InProcessService.start({ respond, memory })
        assert.include((yield* ask(service)).text, '{"type":"finish","finishReason":"stop"}')
      }
    }).pipe(Effect.scoped)
  )
})

/** Sends a message, and returns the whole response. */
const ask = ({ target, url }: InProcessService.Service) =>
  Effect.promise(async () => {
    const response = await fetch(`${url}/v1/public/widget/${target.instanceId}/chat`, {
      method: "POST",
      headers: { "content-type": "application/json", "x-widget-token": target.widgetToken },
      body: JSON.stringify({ message: "Hi" })
    })
    return { status: response.status, text: await response.text() }
  })
