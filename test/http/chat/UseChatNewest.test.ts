/**
 * `useChat` whose `prepareSendMessagesRequest` sends only the newest message.
 */
import { randomUUID } from "node:crypto"
import type { Chat } from "@ai-sdk/react"
import { assert, describe, layer } from "@effect/vitest"
import type { PrepareSendMessagesRequest, UIMessage } from "ai"
import { Effect, Option } from "effect"
import * as App from "../../../src/App.ts"
import { ConversationStore } from "../../../src/services/chat/ConversationStore.ts"
import { postgres } from "../../support/Storages.ts"
import { TestServer, layer as testServer } from "../../support/TestServer.ts"
import { recorder, send, textOf, useChat } from "../../support/UseChatClient.ts"

/** As the SDK documents it: sends the message, except when an answer is regenerated. */
const message: PrepareSendMessagesRequest<UIMessage> = ({ id, messageId, messages, trigger }) => ({
  body:
    trigger === "regenerate-message" ? { id, trigger, messageId } : { id, message: messages.at(-1), trigger, messageId }
})

/** Sends the message, even when its answer is regenerated. */
const always: PrepareSendMessagesRequest<UIMessage> = ({ id, messageId, messages, trigger }) => ({
  body: { id, message: messages.at(-1), trigger, messageId }
})

/** Sends a list of one message. */
const list: PrepareSendMessagesRequest<UIMessage> = ({ id, messageId, messages, trigger }) => ({
  body: { id, messages: messages.slice(-1), trigger, messageId }
})

/** Sends a list of one message, with the id of this message as `messageId`. */
const named: PrepareSendMessagesRequest<UIMessage> = ({ id, messages, trigger }) => ({
  body: { id, messages: messages.slice(-1), trigger, messageId: messages.at(-1)?.id }
})

const linesOf = (chat: Chat<UIMessage>) => chat.messages.map(textOf)

/** The stored texts of the chat. */
const stored = Effect.fnUntraced(function* (chat: Chat<UIMessage>) {
  const { instance } = yield* TestServer
  const key = { instanceId: instance.instanceId, conversationId: chat.id }
  const messages = yield* ConversationStore.use((store) => store.read(key))
  return Option.getOrElse(messages, () => []).map(({ parts }) =>
    parts.map((part) => (part.type === "text" ? part.text : "")).join("")
  )
})

const storages = [
  ["in memory", App.memoryStorage],
  ["on PostgreSQL", postgres()]
] as const

for (const [name, storage] of storages)
  describe(`useChat that sends only the newest message, ${name}`, () => {
    const agent = recorder()
    const lastMessages = () => agent.requests.at(-1)?.messages.map(({ text }) => text)
    const startChat = (prepareSendMessagesRequest: PrepareSendMessagesRequest<UIMessage>) =>
      useChat({ id: randomUUID(), prepareSendMessagesRequest })

    layer(testServer({}, agent.script, undefined, storage, "edge"), {
      excludeTestServices: true,
      timeout: "60 seconds"
    })((it) => {
      for (const [form, prepare] of Object.entries({ message, always })) {
        it.effect(`as a message (${form}): the agent gets the stored history`, () =>
          Effect.gen(function* () {
            const chat = yield* startChat(prepare)
            const assertStored = Effect.map(stored(chat), (lines) => assert.deepStrictEqual(lines, linesOf(chat)))
            for (const text of ["first", "second", "third"]) {
              yield* send(chat, text)
              assert.deepStrictEqual(lastMessages(), linesOf(chat).slice(0, -1))
            }
            yield* assertStored
            const [, , , answer] = chat.messages
            yield* Effect.promise(() => chat.regenerate())
            assert.lengthOf(chat.messages, 6)
            assert.deepStrictEqual(lastMessages(), linesOf(chat).slice(0, -1))
            yield* assertStored
            yield* Effect.promise(() => chat.regenerate({ messageId: answer!.id }))
            assert.lengthOf(chat.messages, 4)
            assert.deepStrictEqual(lastMessages(), linesOf(chat).slice(0, -1))
            yield* assertStored
            yield* Effect.promise(() => chat.sendMessage({ text: "second, edited", messageId: chat.messages[2]!.id }))
            assert.deepStrictEqual(lastMessages(), ["first", textOf(chat.messages[1]), "second, edited"])
            yield* assertStored
            yield* Effect.promise(() => chat.sendMessage({ text: "first, edited", messageId: chat.messages[0]!.id }))
            assert.deepStrictEqual(lastMessages(), ["first, edited"])
            yield* assertStored
          })
        )
      }

      for (const [form, prepare] of Object.entries({ list, named })) {
        it.effect(
          `as a list (${form}): an edit replaces the edited message, and no other request is taken for an edit`,
          () =>
            Effect.gen(function* () {
              const chat = yield* startChat(prepare)
              const assertStored = Effect.map(stored(chat), (lines) => assert.deepStrictEqual(lines, linesOf(chat)))
              for (const text of ["first", "second", "third"]) yield* send(chat, text)
              yield* assertStored
              yield* Effect.promise(() => chat.sendMessage({ text: "second, edited", messageId: chat.messages[2]!.id }))
              assert.lengthOf(chat.messages, 4)
              yield* assertStored
              yield* send(chat, "more")
              yield* Effect.promise(() => chat.regenerate())
              assert.lengthOf(chat.messages, 6)
              yield* assertStored
            })
        )
      }

      it.effect(
        "with a guessable id, which has no memory, a message is answered without history, and regenerating is refused",
        () =>
          Effect.gen(function* () {
            const chat = yield* useChat({ id: "guessable", prepareSendMessagesRequest: message })
            yield* send(chat, "first")
            yield* send(chat, "second")
            assert.deepStrictEqual(lastMessages(), ["second"])
            assert.deepStrictEqual(chat.lastMessage?.metadata, { conversation_id: "guessable", memory: false })
            yield* Effect.promise(() => chat.regenerate())
            assert.strictEqual(chat.error?.message, "This conversation has no message to answer again.")
          })
      )

      it.effect("a message without a text, and one that is too long, are refused with a sentence", () =>
        Effect.gen(function* () {
          for (const [text, sentence] of [
            ["", "The newest message has no text; please write one."],
            ["x".repeat(8_001), "A message may have at most 8000 characters; please shorten it."]
          ] as const) {
            const chat = yield* startChat(message)
            yield* send(chat, text)
            assert.strictEqual(chat.error?.message, sentence)
            assert.deepStrictEqual(yield* stored(chat), [])
          }
        })
      )
    })
  })
