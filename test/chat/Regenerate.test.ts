/**
 * Regenerated answers, and clients that send all messages to an agent that stores the conversation itself.
 */

import { randomUUID } from "node:crypto"
import { assert, describe, layer } from "@effect/vitest"
import { Effect, Option } from "effect"
import * as ScriptedAgent from "../../src/chat/AgentStream.ts"
import type { AgentRequest } from "../../src/chat/agent/Agent.ts"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import * as Id from "../../src/platform/Id.ts"
import { conversationIdOf } from "../support/ChatVisit.ts"
import * as MemoryConversationStore from "../support/MemoryConversationStore.ts"
import { storages } from "../support/Storages.ts"
import { paths, TestServer, layer as testServer } from "../support/TestServer.ts"

const recorder = () => {
  const requests: Array<AgentRequest> = []
  const script: ScriptedAgent.Script = (request) => {
    requests.push(request)
    return ScriptedAgent.texts([`Answer ${requests.length}`])
  }
  return { requests, script }
}

const post = Effect.fnUntraced(function* (body: unknown) {
  const { instance, send, widgetToken } = yield* TestServer
  return yield* send(paths.chat(instance.instance_id), body, { headers: { "x-widget-token": widgetToken } })
})

const uiMessage = (role: "user" | "assistant", text: string, id: string = randomUUID()) => ({
  id,
  role,
  parts: [{ type: "text", text }]
})

const regenerate = { messages: [], trigger: "regenerate-message" }

for (const [name, storage] of storages)
  describe(`a regenerated answer in a conversation with memory, ${name}`, () => {
    const agent = recorder()
    layer(testServer({}, agent.script, undefined, storage(), "edge"), {
      excludeTestServices: true,
      timeout: "60 seconds"
    })((it) => {
      it.effect("replaces the last answer, and sends the agent the history before it", () =>
        Effect.gen(function* () {
          const id = conversationIdOf((yield* post({ message: "one" })).text)
          yield* post({ message: "two", conversation_id: id })
          const before = agent.requests.at(-1)!
          const answer = yield* post({ id, ...regenerate })
          assert.strictEqual(answer.status, 200)
          assert.deepStrictEqual(agent.requests.at(-1), before)
          const { instance } = yield* TestServer
          const key = { instanceId: instance.instance_id, conversationId: Id.ConversationId.make(id) }
          const messages = Option.getOrThrow(yield* ConversationStore.use((store) => store.read(key)))
          assert.deepStrictEqual(
            messages.map(({ parts }) => parts),
            ["one", "Answer 1", "two", "Answer 3"].map((text) => [{ type: "text" as const, text }])
          )
        })
      )

      it.effect("is refused with a plain text if there is no answer to regenerate", () =>
        Effect.gen(function* () {
          for (const id of [randomUUID(), "a guessable id"]) {
            const answer = yield* post({ id, ...regenerate })
            assert.strictEqual(answer.status, 422)
            assert.match(answer.headers.get("content-type") ?? "", /^text\/plain/)
            assert.strictEqual(answer.text, "This conversation has no message to answer again.")
          }
        })
      )

      it.effect("is stored with the message that it answers, if that message is not stored yet", () =>
        Effect.gen(function* () {
          const id = conversationIdOf((yield* post({ message: "one" })).text)
          yield* post({ id, messages: [uiMessage("user", "from elsewhere")], trigger: "regenerate-message" })
          const { instance } = yield* TestServer
          const key = { instanceId: instance.instance_id, conversationId: Id.ConversationId.make(id) }
          const messages = Option.getOrThrow(yield* ConversationStore.use((store) => store.read(key)))
          assert.deepStrictEqual(messages[2]?.parts, [{ type: "text", text: "from elsewhere" }])
          assert.lengthOf(messages, 4)
        })
      )

      it.effect(
        "if `message` is invalid, or if it is missing and `id` or `messages` is invalid, the error is about `message`",
        () =>
          Effect.gen(function* () {
            for (const body of [{ id: "x" }, { messages: [] }, { id: 1, messages: [] }, { id: "x", messages: {} }]) {
              const answer = yield* post(body)
              assert.strictEqual(answer.status, 422)
              assert.deepStrictEqual(answer.json, {
                detail: [{ type: "missing", loc: ["body", "message"], msg: "Field required" }]
              })
            }
            const message = yield* post({ message: null, id: "x", messages: [uiMessage("user", "hello")] })
            assert.strictEqual((message.json as { detail: [{ type: string }] }).detail[0].type, "string_type")
          })
      )
    })
  })

describe("messages for an agent that stores the conversation", () => {
  const agent = recorder()
  layer(testServer({}, agent.script), { excludeTestServices: true })((it) => {
    it.effect("the agent gets only the last message, with one session for each visitor, and nothing is stored", () =>
      Effect.gen(function* () {
        const chats = [uiMessage("user", "mine"), uiMessage("user", "theirs")]
        for (const first of chats) {
          yield* post({ id: "chat", messages: [first] })
          yield* post({ id: "chat", messages: [first, uiMessage("assistant", "Answer"), uiMessage("user", "more")] })
        }
        const requests = agent.requests.slice(-4)
        assert.deepStrictEqual(
          requests.map(({ messages }) => messages),
          ["mine", "more", "theirs", "more"].map((text) => [{ role: "user", text }] as const)
        )
        const sessions = requests.map(({ session }) => session)
        assert.strictEqual(sessions[0], sessions[1])
        assert.strictEqual(sessions[2], sessions[3])
        assert.notStrictEqual(sessions[0], sessions[2])
        const { instance } = yield* TestServer
        const store = yield* ConversationStore
        assert.deepStrictEqual(MemoryConversationStore.keysIn(store, instance.instance_id), [])
      })
    )
  })
})
