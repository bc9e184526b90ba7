import { assert, describe, layer } from "@effect/vitest"
import { Deferred, Effect, Option, Schema, Stream } from "effect"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import type { AgentEvent } from "../../src/chat/agent/Agent.ts"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import { Conversation } from "../../src/chat/ConversationsApi.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { WidgetTokens } from "../../src/chat/WidgetTokens.ts"
import * as Id from "../../src/platform/Id.ts"
import { beginAndLeave, conversationIdOf } from "../support/ChatVisit.ts"
import { storages } from "../support/Storages.ts"
import { TestServer, layer as testServer } from "../support/TestServer.ts"
import { poll } from "../support/Wait.ts"

const events = (...list: ReadonlyArray<AgentEvent>) => Stream.fromIterable(list)

/**
 * An agent whose answer to "slow" pauses until `gate` opens, and whose answer to "endless" never ends. It answers all else at
 * once.
 */
const makeAgent = () => {
  const gate = Deferred.makeUnsafe<void>()
  const endless = { ended: 0 }
  const script: ScriptedAgent.Script = ({ message }) =>
    message === "slow"
      ? events({ _tag: "Accepted" }, { _tag: "Text", delta: "begun" }).pipe(
          Stream.concat(Stream.drain(Stream.fromEffect(Deferred.await(gate)))),
          Stream.concat(events({ _tag: "Text", delta: " and done" }, { _tag: "Finish", reason: "stop" }))
        )
      : message === "endless"
        ? Stream.concat(events({ _tag: "Accepted" }, { _tag: "Text", delta: "on" }), Stream.never).pipe(
            Stream.ensuring(Effect.sync(() => endless.ended++))
          )
        : ScriptedAgent.texts(["You said ", message])
  return { gate, endless, script }
}

const textOf = (stream: string): string => [...stream.matchAll(/"delta":"([^"]*)"/g)].map(([, delta]) => delta).join("")

const request = Effect.fnUntraced(function* (
  method: "GET" | "POST",
  conversationId: string,
  path: "" | "/stream" | "/stop" | "/feedback",
  options: {
    readonly token?: string
    readonly body?: unknown
    readonly instanceId?: string
    readonly origin?: string
  } = {}
) {
  const { instance, send, widgetToken } = yield* TestServer
  const instanceId = options.instanceId ?? instance.instance_id
  return yield* send(`/v1/public/widget/${instanceId}/chat/${conversationId}${path}`, options.body, {
    method,
    headers: {
      "x-widget-token": options.token ?? widgetToken,
      ...(options.origin === undefined ? {} : { origin: options.origin })
    }
  })
})

/** A turn whose answer another process runs. */
const begunElsewhere = Effect.gen(function* () {
  const { instance } = yield* TestServer
  const store = yield* ConversationStore
  const key = { instanceId: instance.instance_id, conversationId: Id.ConversationId.make(crypto.randomUUID()) }
  const answerId = Id.MessageId.make(crypto.randomUUID())
  yield* store.begin({ key, message: { messageId: Id.MessageId.make(crypto.randomUUID()), text: "hi" }, answerId })
  return { answerId, key, store }
})

/** Resumes the running answer, and returns a function that reads until `isEnough` holds for the text. */
const follow = Effect.fnUntraced(function* (conversationId: string) {
  const { instance, url, widgetToken } = yield* TestServer
  const response = yield* Effect.promise(() =>
    fetch(`${url}/v1/public/widget/${instance.instance_id}/chat/${conversationId}/stream`, {
      headers: { "x-widget-token": widgetToken }
    })
  )
  assert.strictEqual(response.status, 200)
  assert.include(response.headers.get("content-type"), "text/event-stream")
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  return (isEnough: (text: string) => boolean, before = "") =>
    Effect.promise(async () => {
      let text = before
      while (!isEnough(text)) text += (await reader.read()).value ?? ""
      return text
    })
})

const isDone = (text: string) => text.endsWith("[DONE]\n\n")

const chat = Effect.fnUntraced(function* (message: string) {
  const { instance, send, widgetToken } = yield* TestServer
  const path = `/v1/public/widget/${instance.instance_id}/chat`
  return conversationIdOf((yield* send(path, { message }, { headers: { "x-widget-token": widgetToken } })).text)
})

const messages = Effect.fnUntraced(function* (conversationId: string) {
  const { json } = yield* request("GET", conversationId, "")
  return Schema.decodeUnknownSync(Conversation)(json).messages
})

for (const [name, storage] of storages)
  describe(`chat/ConversationsHttp, ${name}`, () => {
    const agent = makeAgent()
    layer(testServer({}, agent.script, undefined, storage(), "edge"), {
      excludeTestServices: true,
      timeout: "60 seconds"
    })((it) => {
      it.effect("a running answer is resumed from its first frame, by several readers, to its end", () =>
        Effect.gen(function* () {
          const id = yield* beginAndLeave("slow")
          const readers = yield* Effect.forEach([1, 2], () => follow(id))
          const begun = yield* Effect.forEach(readers, (readUntil) => readUntil((text) => text.includes("begun")))
          yield* Deferred.succeed(agent.gate, undefined)
          for (const [index, readUntil] of readers.entries()) {
            assert.strictEqual(textOf(yield* readUntil(isDone, begun[index])), "begun and done")
          }
          assert.strictEqual((yield* request("GET", id, "/stream")).status, 204)
        })
      )

      it.effect("stopping an answer ends the agent's request, and the answer's text is stored", () =>
        Effect.gen(function* () {
          const id = yield* beginAndLeave("endless")
          assert.strictEqual((yield* request("POST", id, "/stop")).status, 204)
          assert.strictEqual(agent.endless.ended, 1)
          const answer = (yield* messages(id)).at(-1)
          assert.deepInclude(answer, { role: "assistant", parts: [{ type: "text", text: "on" }] })
          assert.strictEqual(answer?.metadata.ending, "stopped")
          assert.strictEqual((yield* request("POST", id, "/stop")).status, 204)
        })
      )

      it.effect("a conversation is read as UI messages, and an answer is rated", () =>
        Effect.gen(function* () {
          const id = yield* chat("hello")
          const [question, answer] = yield* messages(id)
          assert.deepInclude(question, { role: "user", parts: [{ type: "text", text: "hello" }] })
          assert.deepInclude(answer, { role: "assistant", parts: [{ type: "text", text: "You said hello" }] })
          const body = { message_id: answer?.id, rating: "up", comment: "Thanks" }
          assert.strictEqual((yield* request("POST", id, "/feedback", { body })).status, 204)
          assert.strictEqual((yield* messages(id)).at(-1)?.metadata.rating, "up")
          for (const invalid of [{}, { ...body, message_id: "x" }, { ...body, comment: "x".repeat(8_001) }, "{"]) {
            assert.strictEqual((yield* request("POST", id, "/feedback", { body: invalid })).status, 422)
          }
          const nul = yield* request("POST", id, "/feedback", { body: { ...body, comment: "a\0b" } })
          assert.strictEqual(nul.status, 422)
          assert.include(nul.text, '"loc":["body","comment"]')
          const great = yield* request("POST", id, "/feedback", { body: { ...body, rating: "great" } })
          assert.deepInclude(great, {
            status: 422,
            json: {
              detail: [{ loc: ["body", "rating"], msg: "Input should be 'up' or 'down'", type: "literal_error" }]
            }
          })
          const unknown = { message_id: question?.id, rating: "up" }
          assert.strictEqual((yield* request("POST", id, "/feedback", { body: unknown })).status, 404)
        })
      )

      it.effect(
        "a wrong token gets 401, a foreign origin gets 403, and an unknown conversation gets 404, or 204 for its stream",
        () =>
          Effect.gen(function* () {
            const id = yield* chat("hello")
            const other = yield* InstanceDirectory.use((instances) =>
              instances.create({ name: "Other", agent_url: "http://agent", origins: ["https://www.example.com"] })
            )
            const issued = yield* WidgetTokens.use((tokens) =>
              tokens.issue({ reach: "all", instanceId: other.instance_id, label: null, expiresAt: null })
            )
            const { token } = Option.getOrThrow(issued)
            const all = [
              ["GET", ""],
              ["GET", "/stream"],
              ["POST", "/stop"],
              ["POST", "/feedback"]
            ] as const
            for (const [method, path] of all) {
              const body = path === "/feedback" ? { message_id: crypto.randomUUID(), rating: "down" } : undefined
              const ask = (options: Parameters<typeof request>[3]) => request(method, id, path, { body, ...options })
              assert.strictEqual((yield* ask({ token: "hwt_wrong" })).status, 401)
              const unknown = path === "/stream" ? 204 : 404
              assert.strictEqual((yield* ask({ token, instanceId: other.instance_id })).status, unknown)
              const origin = yield* ask({ token, instanceId: other.instance_id, origin: "https://evil.example" })
              assert.strictEqual(origin.status, 403)
              // An id that was not issued by the service has no conversation.
              assert.strictEqual((yield* request(method, "my-own-id", path, { body })).status, unknown)
            }
          })
      )

      it.effect("an answer of another process is followed from the store", () =>
        Effect.gen(function* () {
          const { answerId, key, store } = yield* begunElsewhere
          yield* store.append({
            answerId,
            position: 0,
            events: [{ _tag: "Accepted" }, { _tag: "Text", delta: "from " }]
          })
          const readUntil = yield* follow(key.conversationId)
          const first = yield* readUntil((text) => text.includes("from "))
          yield* store.append({ answerId, position: 2, events: [{ _tag: "Text", delta: "afar" }] })
          yield* store.complete({ answerId, parts: [{ type: "text", text: "from afar" }], ending: "stop", usage: null })
          const text = yield* readUntil(isDone, first)
          assert.strictEqual(textOf(text), "from afar")
          assert.include(text, '"finishReason":"stop"')
        })
      )

      it.effect("an answer that fails in another process before its first text is an error in the stream", () =>
        Effect.gen(function* () {
          const { answerId, key, store } = yield* begunElsewhere
          const readUntil = yield* follow(key.conversationId)
          yield* store.complete({ answerId, parts: [], ending: "failed", usage: null })
          const text = yield* readUntil(isDone)
          assert.include(text, '"type":"error"')
          assert.include(text, '"finishReason":"error"')
        })
      )
    })
  })

describe("chat/ConversationsHttp: the limit of streams", () => {
  layer(
    testServer(
      { chatStreams: { perAddress: Option.some(2), perInstance: Option.some(1) } },
      makeAgent().script,
      undefined,
      undefined,
      "edge"
    ),
    { excludeTestServices: true }
  )((it) => {
    it.effect(
      "an answer without a reader counts against both limits, and a resumed stream against the limit of the address",
      () =>
        Effect.gen(function* () {
          const id = yield* beginAndLeave("endless")
          const { instance, send, widgetToken } = yield* TestServer
          const path = `/v1/public/widget/${instance.instance_id}/chat`
          const another = () => send(path, { message: "hello" }, { headers: { "x-widget-token": widgetToken } })
          assert.strictEqual((yield* another()).status, 429)
          const readUntil = yield* follow(id)
          yield* readUntil((text) => text.includes("on"))
          const refused = yield* request("GET", id, "/stream")
          assert.strictEqual(refused.status, 429)
          assert.isNotNull(refused.headers.get("retry-after"))
          assert.strictEqual((yield* request("POST", id, "/stop")).status, 204)
          yield* readUntil(isDone)
          const answered = yield* poll(another(), ({ status }) => status === 200)
          assert.include(answered.text, "You said ")
        })
    )
  })
})
