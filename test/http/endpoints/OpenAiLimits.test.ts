/**
 * The limits of the chat, which also apply to OpenAI's client.
 */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Option, Stream } from "effect"
import OpenAI from "openai"
import * as RateLimit from "../../../src/core/limits/RateLimit.ts"
import type * as MemoryAgentStream from "../../../src/memory/chat/AgentStream.ts"
import { DailyTokensUsed } from "../../../src/services/chat/AgentStream.ts"
import { ask, connect, errorOf } from "../../support/OpenAiClient.ts"
import * as RecordingAgent from "../../support/RecordingAgent.ts"
import * as TestServer from "../../support/TestServer.ts"
import { until } from "../../support/Wait.ts"

describe("the rate limits of the openai client", () => {
  const policyOf = (name: string) => RateLimit.parse(name, "1/minute")
  const agent = RecordingAgent.make()
  layer(TestServer.layer({ rateLimitChat: policyOf("chat"), rateLimitChatRead: policyOf("chat-read") }, agent.script), {
    excludeTestServices: true
  })((it) => {
    it.effect("are RATE_LIMIT_CHAT for completions, and RATE_LIMIT_CHAT_READ for the list of models", () =>
      Effect.gen(function* () {
        const client = yield* connect()
        yield* Effect.promise(() => client.chat.completions.create(ask("hi")))
        const limited = yield* errorOf(() => client.chat.completions.create(ask("hi")))
        assert.isTrue(limited instanceof OpenAI.RateLimitError)
        assert.deepInclude(limited, { code: "rate_limit_exceeded", type: "rate_limit_error" })
        assert.isNotNull(limited.headers?.get("retry-after") ?? null)
        yield* Effect.promise(() => client.models.list())
        const again = yield* errorOf(() => client.models.list())
        assert.isTrue(again instanceof OpenAI.RateLimitError)
      })
    )
  })
})

describe("the answers to the openai client", () => {
  const agent = RecordingAgent.make()
  const chatStreams = { perAddress: Option.none(), perInstance: Option.some(1) }
  layer(TestServer.layer({ chatStreams }, agent.script), { excludeTestServices: true })((it) => {
    it.effect("count as streams until the client leaves, even if they are not streamed", () =>
      Effect.gen(function* () {
        const client = yield* connect()
        const abort = new AbortController()
        const open = client.chat.completions.create(ask("never end"), { signal: abort.signal }).catch(() => {})
        yield* until("the agent begins", () => agent.endless.begun === 1)
        const refused = yield* errorOf(() => client.chat.completions.create({ ...ask("hi"), stream: true }))
        assert.isTrue(refused instanceof OpenAI.RateLimitError)
        assert.strictEqual(refused.headers?.get("retry-after"), "5")
        abort.abort()
        yield* Effect.promise(() => open)
        yield* until("the agent's end", () => agent.endless.ended === 1)
        const answer = yield* Effect.promise(() => client.chat.completions.create(ask("hi")))
        assert.strictEqual(answer.choices[0]!.message.content, "You said hi")
      })
    )
  })
})

describe("the limits of the openai client", () => {
  let waiting = 0
  const echo = RecordingAgent.make()
  const script: MemoryAgentStream.Script = (request) => {
    if (request.message === "spend") return Stream.fail(new DailyTokensUsed({ retryAfter: 3_600 }))
    if (request.message !== "wait") return echo.script(request)
    waiting++
    return Stream.ensuring(
      Stream.never,
      Effect.sync(() => waiting--)
    )
  }
  layer(TestServer.layer({ chatMaxBytes: 100 }, script), { excludeTestServices: true })((it) => {
    it.effect("if the tokens of the day are used, the client gets a 429 and does not try again", () =>
      Effect.gen(function* () {
        const client = yield* connect({ maxRetries: 2 })
        const error = yield* errorOf(() => client.chat.completions.create(ask("spend")))
        assert.isTrue(error instanceof OpenAI.RateLimitError)
        assert.include(error.message, "reached its limit for today")
        assert.strictEqual(error.headers?.get("x-should-retry"), "false")
      })
    )

    it.effect("an answer that is too long is an error, streamed or not", () =>
      Effect.gen(function* () {
        const client = yield* connect({ maxRetries: 2 })
        const long = ask("x".repeat(101))
        const whole = yield* errorOf(() => client.chat.completions.create(long))
        assert.strictEqual(whole.status, 502)
        const streamed = yield* errorOf(() => client.chat.completions.stream(long).finalChatCompletion())
        for (const error of [whole, streamed]) assert.include(error.message, "The answer became too long")
      })
    )

    it.effect(
      "large conversations that wait for the agent use 64 MiB at most",
      () =>
        Effect.gen(function* () {
          const client = yield* connect()
          const history = { role: "assistant" as const, content: "x".repeat(1_040_000) }
          const large = (content: string) => ({ model: "any", messages: [history, { role: "user" as const, content }] })
          const abort = new AbortController()
          const open: Array<Promise<unknown>> = []
          for (let count = 1; count <= 64; count++) {
            open.push(client.chat.completions.create(large("wait"), { signal: abort.signal }).catch(() => {}))
            yield* until("the agent's request", () => waiting === count)
          }
          const refused = yield* errorOf(() => client.chat.completions.create(large("hi")))
          assert.deepInclude(refused, { status: 503, type: "server_error" })
          const small = yield* Effect.promise(() => client.chat.completions.create(ask("hi")))
          assert.strictEqual(small.choices[0]!.message.content, "You said hi")
          abort.abort()
          yield* Effect.promise(() => Promise.all(open))
          yield* until("the end of all requests", () => waiting === 0)
          const answer = yield* Effect.promise(() => client.chat.completions.create(large("hi")))
          assert.strictEqual(answer.choices[0]!.message.content, "You said hi")
        }),
      120_000
    )
  })
})
