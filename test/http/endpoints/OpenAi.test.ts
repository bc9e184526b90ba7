/**
 * OpenAI's own client against the service.
 */
import { assert, describe, layer } from "@effect/vitest"
import { Clock, Effect, Option } from "effect"
import OpenAI from "openai"
import { ConversationStore } from "../../../src/services/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../../src/services/chat/InstanceDirectory.ts"
import { ask, baseOf, connect, errorOf } from "../../support/OpenAiClient.ts"
import * as RecordingAgent from "../../support/RecordingAgent.ts"
import { emptyStorages } from "../../support/Storages.ts"
import * as TestServer from "../../support/TestServer.ts"
import { poll, until } from "../../support/Wait.ts"

type Message = OpenAI.ChatCompletionMessageParam

const user = (content: string): Message => ({ role: "user", content })

const conversation: Array<Message> = [
  { role: "system", content: "You are a pirate." },
  { role: "developer", content: "Say arr." },
  user("hello"),
  { role: "assistant", content: "You said hello" },
  {
    role: "user",
    content: [
      { type: "text", text: "aga" },
      { type: "image_url", image_url: { url: "https://image.example/" } },
      { type: "text", text: "in" }
    ]
  }
]

for (const [name, storage] of emptyStorages)
  describe(`the openai client, ${name}`, () => {
    const agent = RecordingAgent.make()
    layer(TestServer.layer({}, agent.script, undefined, storage(), "edge"), {
      excludeTestServices: true,
      timeout: "60 seconds"
    })((it) => {
      it.effect("streams an answer, and the agent gets only the messages of the visitor and the assistant", () =>
        Effect.gen(function* () {
          const client = yield* connect()
          const completion = yield* Effect.promise(() =>
            client.chat.completions
              .stream({ model: "gpt-any", messages: conversation, stream_options: { include_usage: true } })
              .finalChatCompletion()
          )
          assert.match(completion.id, /^chatcmpl-[0-9a-f-]{36}$/)
          assert.strictEqual(completion.model, "assistant")
          assert.isAtMost(Math.abs(completion.created * 1000 - (yield* Clock.currentTimeMillis)), 60_000)
          assert.deepInclude(completion.choices[0]!.message, {
            role: "assistant",
            content: "You said again",
            annotations: [
              {
                type: "url_citation",
                url_citation: { url: "https://example.com/", title: "Example", start_index: 0, end_index: 0 }
              }
            ]
          })
          assert.strictEqual(completion.choices[0]!.finish_reason, "stop")
          assert.deepStrictEqual(completion.usage, { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 })
          assert.deepStrictEqual(agent.requests.at(-1)!.messages, [
            { role: "user", text: "hello" },
            { role: "assistant", text: "You said hello" },
            { role: "user", text: "again" }
          ])
        })
      )

      it.effect("gets the same answer whole if it does not stream", () =>
        Effect.gen(function* () {
          const client = yield* connect()
          const completion = yield* Effect.promise(() =>
            client.chat.completions.create({ model: "gpt-any", messages: conversation })
          )
          assert.strictEqual(completion.object, "chat.completion")
          assert.strictEqual(completion.choices[0]!.message.content, "You said again")
          assert.strictEqual(completion.choices[0]!.message.annotations?.length, 1)
          assert.strictEqual(completion.usage?.total_tokens, 10)
        })
      )

      it.effect("lists one model, and only with a valid token", () =>
        Effect.gen(function* () {
          const client = yield* connect()
          const models = yield* Effect.promise(() => client.models.list())
          assert.deepStrictEqual(
            models.data.map(({ id }) => id),
            ["assistant"]
          )
          const unauthorized = yield* connect({ apiKey: "hwt_wrong" })
          const error = yield* errorOf(() => unauthorized.models.list())
          assert.isTrue(error instanceof OpenAI.AuthenticationError)
        })
      )

      it.effect("throws its typed errors, whose messages say what to do", () =>
        Effect.gen(function* () {
          const client = yield* connect()
          const unauthorized = yield* connect({ apiKey: "hwt_wrong" })
          const { url, widgetToken } = yield* TestServer.TestServer
          const unknownInstance = new OpenAI({ baseURL: url + baseOf("none"), apiKey: widgetToken, maxRetries: 0 })
          for (const refusedClient of [unauthorized, unknownInstance]) {
            const error = yield* errorOf(() => refusedClient.chat.completions.create(ask("hi")))
            assert.isTrue(error instanceof OpenAI.AuthenticationError)
            assert.deepInclude(error, { status: 401, code: "invalid_api_key", type: "invalid_request_error" })
            assert.include(error.message, "Issue a new token")
          }
          const withoutQuestion = yield* errorOf(() =>
            client.chat.completions.create({ model: "any", messages: [{ role: "system", content: "hi" }] })
          )
          assert.isTrue(withoutQuestion instanceof OpenAI.BadRequestError)
          assert.deepInclude(withoutQuestion, { status: 400, param: "messages" })
          const malformed = yield* errorOf(() =>
            client.post("/chat/completions", { body: { messages: [{ role: 1 }] } })
          )
          assert.deepInclude(malformed, { status: 400, param: "messages" })
          assert.include(malformed.message, "Message 0 should be an object with a role")
          const long = yield* errorOf(() => client.chat.completions.create(ask("x".repeat(8001))))
          assert.deepInclude(long, { status: 400, param: "messages" })
          const large = yield* errorOf(() => client.chat.completions.create(ask("x".repeat(1_100_000))))
          assert.deepInclude(large, { status: 413, code: "request_too_large" })
          const refused = yield* errorOf(() => client.chat.completions.create(ask("refuse")))
          assert.isTrue(refused instanceof OpenAI.InternalServerError)
          assert.deepInclude(refused, { status: 502, type: "server_error" })
          const busy = yield* errorOf(() => client.chat.completions.create(ask("be busy")))
          assert.strictEqual(busy.status, 503)
          assert.deepStrictEqual(
            ["retry-after", "x-should-retry"].map((name) => busy.headers?.get(name)),
            ["90", "false"]
          )
        })
      )

      it.effect("throws an error if the answer breaks off or is empty, streamed or not", () =>
        Effect.gen(function* () {
          const client = yield* connect()
          for (const [message, code, sentence] of [
            ["break", "agent-broken", "The answer was interrupted."],
            ["say nothing", "agent-empty", "The assistant found no answer"]
          ] as const) {
            const streamed = yield* errorOf(() => client.chat.completions.stream(ask(message)).finalChatCompletion())
            assert.include(streamed.message, sentence)
            assert.deepInclude(streamed, { type: "server_error", code })
            const whole = yield* errorOf(() => client.chat.completions.create(ask(message)))
            assert.isTrue(whole instanceof OpenAI.InternalServerError)
            assert.include(whole.message, sentence)
            assert.strictEqual(whole.headers?.get("x-should-retry") ?? null, code === "agent-empty" ? "false" : null)
          }
        })
      )

      it.effect("ends the agent's answer if the client aborts its request, streamed or not", () =>
        Effect.gen(function* () {
          const client = yield* connect()
          const { endless } = agent
          const endedBefore = endless.ended
          yield* Effect.promise(async () => {
            const stream = await client.chat.completions.create({ ...ask("never end"), stream: true })
            for await (const chunk of stream) if (chunk.choices[0]?.delta.content === "on and on") break
          })
          yield* until("the agent's end", () => endless.ended === endedBefore + 1)
          const begunBefore = endless.begun
          const abort = new AbortController()
          const whole = errorOf(() => client.chat.completions.create(ask("never end"), { signal: abort.signal }))
          const aborted = Effect.andThen(
            until("the agent begins", () => endless.begun === begunBefore + 1),
            Effect.sync(() => abort.abort())
          )
          const [error] = yield* Effect.all([whole, aborted], { concurrency: "unbounded" })
          assert.isTrue(error instanceof OpenAI.APIUserAbortError)
          yield* until("the agent's end", () => endless.ended === endedBefore + 2)
        })
      )

      it.effect("the requests of one conversation_id are one conversation, which clients cannot read", () =>
        Effect.gen(function* () {
          const client = yield* connect()
          const { instance } = yield* TestServer.TestServer
          const store = yield* ConversationStore
          const list = store.list({ instanceId: instance.instanceId, limit: 100, before: null })
          const before = (yield* list).length
          const named = { metadata: { conversation_id: "9b8d7c6e-1f2a-4b3c-8d4e-5f6a7b8c9d0e" } }
          const second = [user("first"), { role: "assistant", content: "You said first" } as const, user("second")]
          yield* Effect.promise(async () => {
            await client.chat.completions.create({ ...ask("first"), ...named })
            await client.chat.completions.create({ model: "any", messages: second, ...named })
          })
          const added = (yield* list).slice(0, (yield* list).length - before)
          assert.deepStrictEqual(
            added.map(({ messages }) => messages),
            [4]
          )
          const key = { instanceId: instance.instanceId, conversationId: named.metadata.conversation_id }
          assert.isTrue(Option.isNone(yield* store.read(key)))
        })
      )

      it.effect("gets a 403 on a page of a foreign origin", () =>
        Effect.gen(function* () {
          const foreign = yield* connect({ defaultHeaders: { origin: "https://other.example" } })
          const { instance } = yield* TestServer.TestServer
          const instances = yield* InstanceDirectory
          yield* instances.update(instance.instanceId, { origins: ["https://own.example"] })
          // The instance is cached for a moment.
          const error = yield* Effect.repeat(
            Effect.promise(() =>
              foreign.models.list().then(
                () => undefined,
                (error: unknown) => error
              )
            ),
            { until: (error) => error instanceof OpenAI.PermissionDeniedError }
          )
          assert.deepInclude(error, { status: 403, code: "origin_not_allowed" })
          const failure = yield* errorOf(() => foreign.chat.completions.create(ask("hi")))
          assert.strictEqual(failure.status, 403)
          yield* instances.update(instance.instanceId, { origins: [] })
        })
      )

      it.effect(
        "an agent with memory gets one message if there is a conversation_id; otherwise it gets all, and the edge stores none",
        () =>
          Effect.gen(function* () {
            const client = yield* connect()
            const { instance } = yield* TestServer.TestServer
            const instances = yield* InstanceDirectory
            const { list } = yield* ConversationStore
            const send = (metadata: Record<string, string>) =>
              Effect.map(
                Effect.promise(() =>
                  client.chat.completions.create({ model: "any", messages: conversation, metadata })
                ),
                () => agent.requests.at(-1)!.messages.map(({ text }) => text)
              )
            yield* instances.update(instance.instanceId, { memory: "agent" })
            const named = send({ conversation_id: "kept-by-the-agent" })
            // The instance is cached for a moment. With memory `edge` the agent gets all messages in both cases.
            assert.deepStrictEqual(yield* poll(named, (messages) => messages.length === 1), ["again"])
            const stored = list({ instanceId: instance.instanceId, limit: 100, before: null })
            const before = yield* stored
            assert.deepStrictEqual(yield* send({}), ["hello", "You said hello", "again"])
            assert.deepStrictEqual(yield* stored, before)
            yield* instances.update(instance.instanceId, { memory: "edge" })
          })
      )
    })
  })
