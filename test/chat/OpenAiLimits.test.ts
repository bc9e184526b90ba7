/**
 * The memory that conversations of OpenAI's client use while they wait for an agent.
 */
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Stream } from "effect"
import OpenAI from "openai"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import * as TestServer from "../support/TestServer.ts"
import { until } from "../support/Wait.ts"

describe("the limits of the openai client", () => {
  let waiting = 0
  const script: ScriptedAgent.Script = ({ message }) => {
    if (message !== "wait") return ScriptedAgent.texts(["You said ", message])
    waiting++
    return Stream.ensuring(
      Stream.never,
      Effect.sync(() => waiting--)
    )
  }
  layer(TestServer.layer({}, script), { excludeTestServices: true })((it) => {
    it.effect(
      "large conversations that wait for the agent use 64 MiB at most",
      () =>
        Effect.gen(function* () {
          const { instance, url, widgetToken } = yield* TestServer.TestServer
          const client = new OpenAI({
            baseURL: `${url}/v1/public/widget/${instance.instance_id}/openai/v1`,
            apiKey: widgetToken,
            maxRetries: 0
          })
          const requestOf = (content: string, history: string) => ({
            model: "any",
            messages: [
              { role: "assistant" as const, content: history },
              { role: "user" as const, content }
            ]
          })
          const answerTo = (content: string, history: string) =>
            client.chat.completions.create(requestOf(content, history))
          const large = "x".repeat(1_040_000)
          const abort = new AbortController()
          const open: Array<Promise<unknown>> = []
          // As the client sends them, but encoded once.
          const body = Buffer.from(JSON.stringify(requestOf("wait", large)))
          const headers = { authorization: `Bearer ${widgetToken}`, "content-type": "application/json" }
          for (let count = 1; count <= 64; count++) {
            const waits = fetch(`${client.baseURL}/chat/completions`, {
              method: "POST",
              headers,
              body,
              signal: abort.signal
            })
            open.push(waits.catch(() => {}))
            yield* until("the agent's request", () => waiting === count)
          }
          const refused = yield* Effect.flip(
            Effect.tryPromise({ try: () => answerTo("hi", large), catch: (error) => error as object })
          )
          assert.deepInclude(refused, { status: 503, type: "server_error" })
          const small = yield* Effect.promise(() => answerTo("hi", "hello"))
          assert.strictEqual(small.choices[0]!.message.content, "You said hi")
          abort.abort()
          yield* Effect.promise(() => Promise.all(open))
          yield* until("the end of all requests", () => waiting === 0)
          const answer = yield* Effect.promise(() => answerTo("hi", large))
          assert.strictEqual(answer.choices[0]!.message.content, "You said hi")
        }),
      120_000
    )
  })
})
