/**
 * Foreign software at both ends: an OpenAI-compatible server behind the service, and the AI SDK's own client in front of it.
 *
 * @module
 */
import { LLMock } from "@copilotkit/aimock"
import { assert } from "@effect/vitest"
import { DefaultChatTransport, readUIMessageStream, type UIMessage } from "ai"
import { Effect } from "effect"
import type { Assistant, Edge } from "./Edge.ts"

const answerText = "Our shop is open from nine to five. 😀 Grüße!"

/** The foreign server, until the scope closes. */
const agentServer = Effect.acquireRelease(
  Effect.promise(async () => {
    const mock = new LLMock({ port: 0, chunkSize: 7 })
    mock.onMessage(/open/, { content: answerText })
    await mock.start()
    return mock
  }),
  (mock) => Effect.promise(() => mock.stop())
)

type Message = UIMessage<{ readonly conversation_id: string; readonly memory: boolean }>

const textOf = (message: Message | undefined): string =>
  message?.parts.map((part) => (part.type === "text" ? part.text : "")).join("") ?? ""

/** Asks a question with the foreign client, and returns the last state of its answer. */
const ask = async (url: string, { id, token }: Assistant, text: string) => {
  const transport = new DefaultChatTransport<Message>({
    api: `${url}/v1/public/widget/${id}/chat`,
    headers: { "x-widget-token": token },
    prepareSendMessagesRequest: ({ messages }) => ({
      body: { message: textOf(messages.at(-1)), conversation_id: "tour-1" }
    })
  })
  const stream = await transport.sendMessages({
    trigger: "submit-message",
    chatId: "c",
    messageId: undefined,
    abortSignal: undefined,
    messages: [{ id: "1", role: "user", parts: [{ type: "text", text }] }]
  })
  let last: Message | undefined
  for await (const message of readUIMessageStream<Message>({ stream, terminateOnError: true })) last = message
  return last
}

/** The client reads the agent's answer, and the agent gets neither the conversation's id nor the token. Errors are not repeated. */
export const check = Effect.fnUntraced(function* (edge: Edge) {
  const mock = yield* agentServer
  const { instance_id: id = "" } = yield* edge.run(
    ...["instance", "create", "--name", "Foreign", "--agent-url", mock.url, "--memory", "agent", "--no-check"]
  )
  const { token = "" } = yield* edge.run("token", "issue", "--instance", id)
  const message = yield* Effect.promise(() => ask(edge.url, { id, token }, "When do you open?"))
  assert.strictEqual(textOf(message), answerText)
  assert.strictEqual(message?.role, "assistant")
  assert.deepStrictEqual(message?.metadata, { conversation_id: "tour-1", memory: false })
  const request = mock.getRequests().at(-1)
  assert.strictEqual(request?.path, "/v1/chat/completions")
  assert.match(JSON.stringify(request?.body), /"user":"[\w-]{43,64}"/)
  assert.notInclude(JSON.stringify(request?.body), "tour-1")
  assert.notInclude(JSON.stringify(request), token)
  // The foreign server has no answer to this message.
  const refused = yield* Effect.promise(() =>
    ask(edge.url, { id, token }, "something else").catch((error) => `${error}`)
  )
  assert.match(`${refused}`, /The assistant cannot be reached now/)
}, Effect.scoped)
