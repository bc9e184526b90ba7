/**
 * OpenAI's own client. Imports nothing of `src`.
 *
 * @module
 */
import { assert, type Vitest } from "@effect/vitest"
import { Effect } from "effect"
import OpenAI from "openai"
import { until } from "../../support/Wait.ts"
import { secret } from "../Agent.ts"
import { Chat, type Instance } from "./Chat.ts"

type Message = OpenAI.ChatCompletionMessageParam

/** A client that does not repeat failed requests, unless `options` say otherwise. */
const newClient = (
  options: { readonly instance?: Instance; readonly widgetToken?: string; readonly maxRetries?: number } = {}
) =>
  Chat.use(({ instance: common, newVisitor }) =>
    Effect.sync(() => {
      const { instance = common, maxRetries = 0, widgetToken = instance.widgetToken } = options
      return new OpenAI({
        baseURL: `${instance.url}/openai/v1`,
        apiKey: widgetToken,
        maxRetries,
        defaultHeaders: newVisitor()
      })
    })
  )

const user = (content: string): Message => ({ role: "user", content })

/** A request with one message. */
const ask = (content: string) => ({ model: "any", messages: [user(content)] })

/** The error that a request fails with. */
const errorOf = <A>(request: () => Promise<A>) =>
  Effect.flip(Effect.tryPromise({ try: request, catch: (error) => error as InstanceType<typeof OpenAI.APIError> }))

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

const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }

export const tests = (it: Vitest.MethodsNonLive<Chat>) => {
  it.effect("streams an answer, and the agent gets only the messages of the visitor and the assistant", () =>
    Effect.gen(function* () {
      const { agent, instance } = yield* Chat
      const client = yield* newClient()
      const completion = yield* Effect.promise(() =>
        client.chat.completions
          .stream({ model: "gpt-any", messages: conversation, stream_options: { include_usage: true } })
          .finalChatCompletion()
      )
      assert.match(completion.id, /^chatcmpl-[0-9a-f-]{36}$/)
      assert.strictEqual(completion.model, "assistant")
      const { headers } = yield* Effect.promise(() => fetch(instance.url))
      const now = Date.parse(headers.get("date") ?? "") / 1000
      assert.isAtMost(Math.abs(completion.created - now), 60)
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
      assert.deepStrictEqual(completion.usage, usage)
      assert.deepStrictEqual(agent.requests.at(-1)!.messages, [
        { role: "user", content: "hello" },
        { role: "assistant", content: "You said hello" },
        { role: "user", content: "again" }
      ])
    })
  )

  it.effect("gets the same answer whole if it does not stream", () =>
    Effect.gen(function* () {
      const client = yield* newClient()
      const completion = yield* Effect.promise(() =>
        client.chat.completions.create({ model: "gpt-any", messages: conversation })
      )
      assert.strictEqual(completion.object, "chat.completion")
      assert.strictEqual(completion.choices[0]!.message.content, "You said again")
      assert.strictEqual(completion.choices[0]!.message.annotations?.length, 1)
      assert.deepStrictEqual(completion.usage, usage)
    })
  )

  for (const memory of ["edge", "agent"]) {
    it.effect(`gets the agent's usage as OpenAI sends it: memory ${memory}`, () =>
      Effect.gen(function* () {
        const { agent, newInstance } = yield* Chat
        const client = yield* newClient({ instance: yield* newInstance("--memory", memory) })
        const chunksOf = (options: object) =>
          Effect.promise(async () => {
            const chunks: Array<OpenAI.ChatCompletionChunk> = []
            const stream = await client.chat.completions.create({ ...ask("hi"), ...options, stream: true })
            for await (const chunk of stream) chunks.push(chunk)
            return chunks
          })
        const counted = yield* chunksOf({ stream_options: { include_usage: true } })
        assert.deepStrictEqual(counted.at(-1)?.choices, [])
        assert.strictEqual(counted.at(-1)?.usage?.total_tokens, 10)
        assert.isTrue(counted.slice(0, -1).every(({ usage }) => usage === null))
        for (const options of [{}, { stream_options: {} }, { stream_options: { include_usage: false } }]) {
          const chunks = yield* chunksOf(options)
          assert.isTrue(chunks.every((chunk) => chunk.choices.length === 1 && !("usage" in chunk)))
          assert.isUndefined(agent.requests.at(-1)?.stream_options)
        }
        const whole = yield* Effect.promise(() => client.chat.completions.create(ask("hi")))
        assert.deepStrictEqual(whole.usage, usage)
        // An agent that refuses the option is asked again without it.
        const before = agent.requests.length
        const { choices, usage: none } = yield* Effect.promise(() => client.chat.completions.create(ask("strict")))
        assert.strictEqual(choices[0]?.message.content, "You said strict")
        assert.isUndefined(none)
        assert.strictEqual(agent.requests.length, before + 2)
      })
    )

    it.effect(`gets a final error if the agent would refuse again, and asks once: memory ${memory}`, () =>
      Effect.gen(function* () {
        const { agent, log, newInstance } = yield* Chat
        const instance = yield* newInstance("--memory", memory)
        for (const [agentStatus, status, requests] of [
          [400, 400, 1],
          [422, 400, 1],
          [401, 502, 1],
          [404, 502, 1],
          // The SDK waits for seconds before it asks again, so one of the memories must do.
          ...(memory === "edge" ? [[500, 502, 3] as const] : [])
        ] as const) {
          const client = yield* newClient({ instance, maxRetries: 2 })
          for (const stream of [false, true]) {
            const before = agent.requests.length
            const error = yield* errorOf(() =>
              client.chat.completions.create({ ...ask(`refuse ${agentStatus}`), stream })
            )
            assert.strictEqual(error.status, status, error.message)
            assert.strictEqual(error.type, status === 400 ? "invalid_request_error" : "server_error")
            assert.strictEqual(error instanceof OpenAI.BadRequestError, status === 400)
            assert.strictEqual(agent.requests.length - before, requests, String(agentStatus))
            for (const text of [secret, "model_not_found"]) assert.notInclude(JSON.stringify(error.error), text)
          }
          yield* until("the log says why", () =>
            log().includes(`the agent answered with status ${agentStatus} (model_not_found)`)
          )
        }
        assert.notInclude(log(), secret)
      })
    )
  }

  it.effect("lists and retrieves one model, and only with a valid token", () =>
    Effect.gen(function* () {
      const client = yield* newClient()
      const { data } = yield* Effect.promise(() => client.models.list())
      assert.deepStrictEqual(
        data.map(({ id }) => id),
        ["assistant"]
      )
      assert.deepStrictEqual(yield* Effect.promise(() => client.models.retrieve("assistant")), data[0])
      const unknown = yield* errorOf(() => client.models.retrieve("gpt-any"))
      assert.isTrue(unknown instanceof OpenAI.NotFoundError)
      assert.deepInclude(unknown, { code: "model_not_found", param: "model", type: "invalid_request_error" })
      const unauthorized = yield* newClient({ widgetToken: "hwt_wrong" })
      for (const request of [() => unauthorized.models.list(), () => unauthorized.models.retrieve("assistant")]) {
        assert.isTrue((yield* errorOf<unknown>(request)) instanceof OpenAI.AuthenticationError)
      }
    })
  )

  it.effect("throws its typed errors, whose messages say what to do", () =>
    Effect.gen(function* () {
      const { instance } = yield* Chat
      const client = yield* newClient()
      const noInstance = { ...instance, url: instance.url.replace(instance.id, "none") }
      for (const refused of [
        yield* newClient({ widgetToken: "hwt_wrong" }),
        yield* newClient({ instance: noInstance })
      ]) {
        const error = yield* errorOf(() => refused.chat.completions.create(ask("hi")))
        assert.isTrue(error instanceof OpenAI.AuthenticationError)
        assert.deepInclude(error, { status: 401, code: "invalid_api_key", type: "invalid_request_error" })
        assert.include(error.message, "Issue a new token")
      }
      const withoutQuestion = yield* errorOf(() =>
        client.chat.completions.create({ model: "any", messages: [{ role: "system", content: "hi" }] })
      )
      assert.isTrue(withoutQuestion instanceof OpenAI.BadRequestError)
      assert.deepInclude(withoutQuestion, { status: 400, param: "messages" })
      const malformed = yield* errorOf(() => client.post("/chat/completions", { body: { messages: [{ role: 1 }] } }))
      assert.deepInclude(malformed, { status: 400, param: "messages" })
      assert.include(malformed.message, "Message 0 should be an object with a role")
      const long = yield* errorOf(() => client.chat.completions.create(ask("x".repeat(8001))))
      assert.deepInclude(long, { status: 400, param: "messages" })
      const large = yield* errorOf(() => client.chat.completions.create(ask("x".repeat(1_100_000))))
      assert.deepInclude(large, { status: 413, code: "request_too_large" })
      const busy = yield* errorOf(() => client.chat.completions.create(ask("busy")))
      assert.strictEqual(busy.status, 503)
      assert.deepStrictEqual(
        ["retry-after", "x-should-retry"].map((name) => busy.headers?.get(name)),
        ["90", "false"]
      )
    })
  )

  it.effect("gets OpenAI's errors for paths that do not exist and methods that a path does not have", () =>
    Effect.gen(function* () {
      const client = yield* newClient()
      const embedding = yield* errorOf(() => client.embeddings.create({ model: "assistant", input: "hi" }))
      assert.isTrue(embedding instanceof OpenAI.NotFoundError)
      assert.deepInclude(embedding, { type: "invalid_request_error", code: null, param: null })
      assert.include(embedding.message, "There is nothing at this address.")
      for (const path of ["/../completions", "/models/a%20b/c", "/chat/completions;x"]) {
        const unknown = yield* errorOf(() => client.post(path))
        assert.deepInclude(unknown, { status: 404, type: "invalid_request_error" }, path)
      }
      const method = yield* errorOf(() => client.get("/chat/completions"))
      assert.deepInclude(method, { status: 405, type: "invalid_request_error", code: "method_not_supported" })
      assert.strictEqual(method.headers?.get("allow"), "POST, OPTIONS")
    })
  )

  it.effect("throws an error if the answer breaks off, is empty or too long, streamed or not", () =>
    Effect.gen(function* () {
      const client = yield* newClient({ maxRetries: 2 })
      for (const [message, code, sentence, isFinal] of [
        ["break", "agent-broken", "The answer was interrupted.", false],
        ["empty", "agent-empty", "The assistant found no answer", true],
        ["x".repeat(2_049), "too-much", "The answer became too long", true]
      ] as const) {
        const streamed = yield* errorOf(() => client.chat.completions.stream(ask(message)).finalChatCompletion())
        assert.include(streamed.message, sentence)
        assert.deepInclude(streamed, { type: "server_error", code })
        const whole = yield* errorOf(() => client.chat.completions.create(ask(message)))
        assert.isTrue(whole instanceof OpenAI.InternalServerError)
        assert.include(whole.message, sentence)
        assert.strictEqual(whole.headers?.get("x-should-retry") ?? null, isFinal ? "false" : null)
      }
    })
  )

  it.effect("ends the agent's answer if the client aborts its request, streamed or not", () =>
    Effect.gen(function* () {
      const { agent } = yield* Chat
      const client = yield* newClient()
      yield* Effect.promise(async () => {
        const stream = await client.chat.completions.create({ ...ask("wait, streamed"), stream: true })
        for await (const chunk of stream) if (chunk.choices[0]?.delta.content === "begun") break
      })
      yield* until("the agent's end", () => !agent.isRead("wait, streamed"))
      const abort = new AbortController()
      const whole = errorOf(() => client.chat.completions.create(ask("wait, whole"), { signal: abort.signal }))
      const aborted = Effect.andThen(
        until("the agent begins", () => agent.isAsked("wait, whole")),
        Effect.sync(() => abort.abort())
      )
      const [error] = yield* Effect.all([whole, aborted], { concurrency: "unbounded" })
      assert.isTrue(error instanceof OpenAI.APIUserAbortError)
      yield* until("the agent's end", () => !agent.isRead("wait, whole"))
    })
  )

  it.effect("the requests of one conversation_id are one conversation, which clients cannot read", () =>
    Effect.gen(function* () {
      const { instance, stored } = yield* Chat
      const client = yield* newClient()
      const named = { metadata: { conversation_id: "9b8d7c6e-1f2a-4b3c-8d4e-5f6a7b8c9d0e" } }
      const second: Array<Message> = [
        user("the first"),
        { role: "assistant", content: "You said the first" },
        user("the second")
      ]
      yield* Effect.promise(async () => {
        await client.chat.completions.create({ ...ask("the first"), ...named })
        await client.chat.completions.create({ model: "any", messages: second, ...named })
      })
      const added = (yield* stored()).filter(({ lines }) => lines[0] === "the first")
      assert.deepStrictEqual(
        added.map(({ lines }) => lines),
        [["the first", "You said the first (stop)", "the second", "You said the second (stop)"]]
      )
      for (const id of [named.metadata.conversation_id, added[0]?.id]) {
        const response = yield* Effect.promise(() =>
          fetch(`${instance.url}/chat/${id}`, { headers: { "x-widget-token": instance.widgetToken } })
        )
        assert.strictEqual(response.status, 404)
      }
    })
  )

  it.effect("an agent with memory gets one message if there is a conversation_id; otherwise it gets all", () =>
    Effect.gen(function* () {
      const { agent, newInstance, stored } = yield* Chat
      const instance = yield* newInstance("--memory", "agent")
      const client = yield* newClient({ instance })
      const send = (metadata: Record<string, string>) =>
        Effect.map(
          Effect.promise(() => client.chat.completions.create({ model: "any", messages: conversation, metadata })),
          agent.newest
        )
      assert.deepStrictEqual(yield* send({ conversation_id: "kept-by-the-agent" }), ["again"])
      assert.deepStrictEqual(yield* send({}), ["hello", "You said hello", "again"])
      assert.deepStrictEqual(yield* stored(instance), [])
    })
  )

  it.effect("gets a 403 on a page of a foreign origin", () =>
    Effect.gen(function* () {
      const { newInstance } = yield* Chat
      const instance = yield* newInstance("--origin", "https://own.example")
      const client = yield* newClient({ instance })
      const at = (origin: string) => client.withOptions({ defaultHeaders: { origin } })
      yield* Effect.promise(() => at("https://own.example").models.list())
      const foreign = at("https://other.example")
      const error = yield* errorOf(() => foreign.models.list())
      assert.isTrue(error instanceof OpenAI.PermissionDeniedError)
      assert.deepInclude(error, { status: 403, code: "origin_not_allowed" })
      assert.strictEqual((yield* errorOf(() => foreign.chat.completions.create(ask("hi")))).status, 403)
    })
  )

  it.effect("over RATE_LIMIT_CHAT, and over RATE_LIMIT_CHAT_READ for models, gets a RateLimitError", () =>
    Effect.gen(function* () {
      const client = yield* newClient()
      const times = Array.from({ length: 20 })
      yield* Effect.promise(async () => {
        for (const _ of times) await client.chat.completions.create(ask("hi"))
      })
      const limited = yield* errorOf(() => client.chat.completions.create(ask("hi")))
      assert.isTrue(limited instanceof OpenAI.RateLimitError)
      assert.deepInclude(limited, { code: "rate_limit_exceeded", type: "rate_limit_error" })
      assert.isNotNull(limited.headers?.get("retry-after") ?? null)
      yield* Effect.promise(async () => {
        for (const _ of times) await client.models.list()
      })
      assert.isTrue((yield* errorOf(() => client.models.list())) instanceof OpenAI.RateLimitError)
    })
  )

  it.effect("answers count as streams of the instance until the client leaves, even if they are not streamed", () =>
    Effect.gen(function* () {
      const { agent } = yield* Chat
      const client = yield* newClient()
      const abort = new AbortController()
      const messages = ["wait 1", "wait 2", "wait 3"]
      const open = messages.map((message) =>
        client.chat.completions.create(ask(message), { signal: abort.signal }).catch(() => {})
      )
      yield* until("the agent begins", () => messages.every(agent.isAsked))
      const refused = yield* errorOf(() => client.chat.completions.create({ ...ask("hi"), stream: true }))
      assert.isTrue(refused instanceof OpenAI.RateLimitError)
      assert.strictEqual(refused.headers?.get("retry-after"), "5")
      abort.abort()
      yield* Effect.promise(() => Promise.all(open))
      yield* until("the agent's end", () => !messages.some(agent.isRead))
      yield* until("there is an answer again", () =>
        client.chat.completions.create(ask("hi")).then(
          ({ choices }) => choices[0]!.message.content === "You said hi",
          () => false
        )
      )
    })
  )

  it.effect("after the day's tokens are used, gets a 429 and does not ask again", () =>
    Effect.gen(function* () {
      const { agent, newInstance } = yield* Chat
      const client = yield* newClient({ instance: yield* newInstance("--daily-tokens", "50000"), maxRetries: 2 })
      yield* Effect.promise(() => client.chat.completions.create(ask("spend 50000")))
      const before = agent.requests.length
      const error = yield* errorOf(() => client.chat.completions.create(ask("hi")))
      assert.isTrue(error instanceof OpenAI.RateLimitError)
      assert.include(error.message, "reached its limit for today")
      assert.strictEqual(error.headers?.get("x-should-retry"), "false")
      assert.strictEqual(agent.requests.length, before)
    })
  )
}
