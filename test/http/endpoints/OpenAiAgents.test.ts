/**
 * OpenAI's own client against the service, whose agents answer over HTTP.
 */
import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import OpenAI from "openai"
import * as InProcessService from "../../support/InProcessService.ts"
import { ask, baseOf, errorOf } from "../../support/OpenAiClient.ts"
import { finishes, type Respond, says, sse } from "../../support/TestUpstream.ts"

const secret = "sk-upstream-secret"

/** Starts a service with this agent. The client has the retries of the SDK. */
const connect = Effect.fnUntraced(function* (respond: Respond, memory: "edge" | "agent" = "agent") {
  const { log, target, upstream, url } = yield* InProcessService.start({ respond, memory })
  const baseURL = url + baseOf(target.instanceId)
  const client = new OpenAI({ baseURL, apiKey: target.widgetToken })
  return { client, log, upstream }
})

/** An agent that reports its usage only on request. */
const reporting: Respond = ({ body }, response) => {
  const usage = { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 }
  response.writeHead(200, sse)
  response.write(says("Hi") + finishes("stop"))
  if (body.includes("include_usage")) response.write(`data: ${JSON.stringify({ choices: [], usage })}\n\n`)
  response.end("data: [DONE]\n\n")
}

/** An agent that knows no options of streams. */
const strict: Respond = (received, response) => {
  if (!received.body.includes("stream_options")) reporting(received, response)
  else
    response.writeHead(422).end('{"detail":[{"loc":["body","stream_options"],"msg":"Extra inputs are not permitted"}]}')
}

describe("the usage that the openai client gets", () => {
  for (const memory of ["edge", "agent"] as const)
    it.live(`is the agent's, whole and streamed, as OpenAI sends it: memory ${memory}`, () =>
      Effect.gen(function* () {
        const { client, upstream } = yield* connect(reporting, memory)
        const whole = yield* Effect.promise(() => client.chat.completions.create(ask("Hi")))
        assert.deepStrictEqual(whole.usage, { prompt_tokens: 7, completion_tokens: 3, total_tokens: 10 })
        const chunks = (options: object) =>
          Effect.promise(async () => {
            const chunks: Array<OpenAI.ChatCompletionChunk> = []
            const stream = await client.chat.completions.create({ ...ask("Hi"), ...options, stream: true })
            for await (const chunk of stream) chunks.push(chunk)
            return chunks
          })
        const counted = yield* chunks({ stream_options: { include_usage: true } })
        assert.deepStrictEqual(counted.at(-1)?.choices, [])
        assert.strictEqual(counted.at(-1)?.usage?.total_tokens, 10)
        assert.isTrue(counted.slice(0, -1).every(({ usage }) => usage === null))
        for (const options of [{}, { stream_options: {} }, { stream_options: { include_usage: false } }]) {
          assert.isTrue((yield* chunks(options)).every((chunk) => chunk.choices.length === 1 && !("usage" in chunk)))
          assert.notInclude(upstream.received.at(-1)?.body, "stream_options")
        }
      }).pipe(Effect.scoped)
    )

  it.live("is missing if the agent refuses the option, and the answer is not", () =>
    Effect.gen(function* () {
      const { client, upstream } = yield* connect(strict)
      const { choices, usage } = yield* Effect.promise(() => client.chat.completions.create(ask("Hi")))
      assert.strictEqual(choices[0]?.message.content, "Hi")
      assert.isUndefined(usage)
      assert.lengthOf(upstream.received, 2)
    }).pipe(Effect.scoped)
  )
})

describe("the refusals of an agent that the openai client gets", () => {
  const body = JSON.stringify({ error: { message: secret, type: "invalid_request_error", code: "model_not_found" } })
  for (const memory of ["edge", "agent"] as const)
    it.live(
      `are final if the agent would refuse again, and the SDK then asks once: memory ${memory}`,
      () =>
        Effect.gen(function* () {
          let status = 0
          const { client, log, upstream } = yield* connect((_, response) => {
            response.writeHead(status).end(body)
          }, memory)
          for (const [upstreamStatus, edgeStatus, requests] of [
            [400, 400, 1],
            [422, 400, 1],
            [401, 502, 1],
            [404, 502, 1],
            [500, 502, 3]
          ] as const) {
            status = upstreamStatus
            for (const stream of [false, true]) {
              const before = upstream.received.length
              const error = yield* errorOf(() => client.chat.completions.create({ ...ask("Hi"), stream }))
              assert.strictEqual(error.status, edgeStatus, error.message)
              assert.strictEqual(error.type, edgeStatus === 400 ? "invalid_request_error" : "server_error")
              assert.strictEqual(error instanceof OpenAI.BadRequestError, edgeStatus === 400)
              assert.strictEqual(upstream.received.length - before, requests, String(upstreamStatus))
              for (const text of [secret, "model_not_found"]) assert.notInclude(JSON.stringify(error.error), text)
            }
            assert.include(log(), `the agent answered with status ${upstreamStatus} (model_not_found)`)
          }
          assert.notInclude(log(), secret)
        }).pipe(Effect.scoped),
      30_000
    )
})

describe("the paths of the openai client", () => {
  it.live("that do not exist, and methods that a path does not have, get OpenAI's errors", () =>
    Effect.gen(function* () {
      const { client } = yield* connect(reporting)
      const embedding = yield* errorOf(() => client.embeddings.create({ model: "assistant", input: "Hi" }))
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
    }).pipe(Effect.scoped)
  )

  it.live("have one model, which can be retrieved", () =>
    Effect.gen(function* () {
      const { client } = yield* connect(reporting)
      const {
        data: [listed]
      } = yield* Effect.promise(() => client.models.list())
      const model = yield* Effect.promise(() => client.models.retrieve("assistant"))
      assert.deepStrictEqual(model, listed)
      assert.deepInclude(model, { id: "assistant", object: "model" })
      const unknown = yield* errorOf(() => client.models.retrieve("gpt-any"))
      assert.isTrue(unknown instanceof OpenAI.NotFoundError)
      assert.deepInclude(unknown, { code: "model_not_found", param: "model", type: "invalid_request_error" })
      const unauthorized = client.withOptions({ apiKey: "hwt_wrong" })
      const error = yield* errorOf(() => unauthorized.models.retrieve("assistant"))
      assert.isTrue(error instanceof OpenAI.AuthenticationError)
    }).pipe(Effect.scoped)
  )
})
