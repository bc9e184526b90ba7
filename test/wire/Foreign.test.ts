/**
 * Foreign software at both ends: an OpenAI-compatible server behind the service, and the AI SDK's own client in front of it.
 */
import { LLMock } from "@copilotkit/aimock"
import { NodeHttpClient } from "@effect/platform-node"
import { assert, layer } from "@effect/vitest"
import { DefaultChatTransport, readUIMessageStream, type UIMessage } from "ai"
import { Effect, Layer, Option } from "effect"
import * as LiveAgent from "../../src/agent/AgentStream.ts"
import { AgentStream } from "../../src/services/chat/AgentStream.ts"
import { InstanceDirectory } from "../../src/services/chat/InstanceDirectory.ts"
import { paths, TestServer, layer as testServer } from "../support/TestServer.ts"

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

const live = LiveAgent.layer({
  timeout: "20 seconds",
  secretsKey: Option.none(),
  keyOf: () => Effect.succeed(Option.none())
}).pipe(Layer.provide(NodeHttpClient.layerDispatcher))

const server = Layer.unwrap(Effect.map(AgentStream, ({ stream }) => testServer({}, stream))).pipe(Layer.provide(live))

type Message = UIMessage<{ readonly conversation_id: string; readonly memory: boolean }>

const textOf = (message: Message | undefined): string =>
  message?.parts.map((part) => (part.type === "text" ? part.text : "")).join("") ?? ""

layer(server, { excludeTestServices: true })("between an agent and a client that are not ours", (it) => {
  it.effect("the client reads the agent's answer, and the agent gets neither the conversation's id nor the token", () =>
    Effect.gen(function* () {
      const mock = yield* agentServer
      const server = yield* TestServer
      yield* InstanceDirectory.use((instances) => instances.update(server.instance.instanceId, { agentUrl: mock.url }))
      const transport = new DefaultChatTransport<Message>({
        api: server.url + paths.chat(server.instance.instanceId),
        headers: { "x-widget-token": server.widgetToken },
        prepareSendMessagesRequest: ({ messages }) => ({
          body: { message: textOf(messages.at(-1)), conversation_id: "tour-1" }
        })
      })
      const message = yield* Effect.promise(async () => {
        const chunks = await transport.sendMessages({
          trigger: "submit-message",
          chatId: "c",
          messageId: undefined,
          abortSignal: undefined,
          messages: [{ id: "1", role: "user", parts: [{ type: "text", text: "When do you open?" }] }]
        })
        let last: Message | undefined
        for await (const message of readUIMessageStream<Message>({ stream: chunks, terminateOnError: true }))
          last = message
        return last
      })
      assert.strictEqual(textOf(message), answerText)
      assert.strictEqual(message?.role, "assistant")
      assert.deepStrictEqual(message?.metadata, { conversation_id: "tour-1", memory: false })
      const request = mock.getRequests().at(-1)
      assert.strictEqual(request?.path, "/v1/chat/completions")
      assert.match(JSON.stringify(request?.body), /"user":"[\w-]{43,64}"/)
      assert.notInclude(JSON.stringify(request?.body), "tour-1")
      assert.notInclude(JSON.stringify(request), server.widgetToken)
    }).pipe(Effect.scoped)
  )

  it.effect("an error response of the agent becomes a 502 that does not repeat the agent's message", () =>
    Effect.gen(function* () {
      const mock = yield* agentServer
      const server = yield* TestServer
      yield* InstanceDirectory.use((instances) => instances.update(server.instance.instanceId, { agentUrl: mock.url }))
      // The foreign server has no fixture for this message, and answers with an error.
      const answer = yield* server.send(
        paths.chat(server.instance.instanceId),
        { message: "something else" },
        { headers: { "x-widget-token": server.widgetToken } }
      )
      assert.strictEqual(answer.status, 502)
      assert.notInclude(answer.text.toLowerCase(), "fixture")
    }).pipe(Effect.scoped)
  )
})
