/**
 * Conversations of a website's visitors, for tests of what they cause.
 *
 * @module
 */
import { randomUUID } from "node:crypto"
import { Effect } from "effect"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import type { ConversationKey } from "../../src/chat/conversations/Conversation.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import { ConversationId, MessageId, type WebsiteConfigId } from "../../src/platform/Id.ts"

/** A new instance of a website. */
export const newInstance = (websiteConfigId: WebsiteConfigId) =>
  InstanceDirectory.use((instances) =>
    instances.create({ name: "a", agent_url: "https://a.example", website_config_id: websiteConfigId })
  ).pipe(Effect.map(({ instance_id }) => instance_id))

/** A conversation that does not exist yet, with a new instance of a website. */
export const newKey = (websiteConfigId: WebsiteConfigId) =>
  Effect.map(
    newInstance(websiteConfigId),
    (instanceId): ConversationKey => ({ instanceId, conversationId: ConversationId.make(randomUUID()) })
  )

/** Stores a visitor's message. Returns the id of the answer that begins. */
export const beginAnswer = Effect.fnUntraced(function* (
  key: ConversationKey,
  text: string,
  visitorHashes: ReadonlyArray<string> = []
) {
  const answerId = MessageId.make(randomUUID())
  yield* ConversationStore.use((store) =>
    store.begin({ key, message: { messageId: MessageId.make(randomUUID()), text }, answerId, visitorHashes })
  )
  return answerId
})

/** Stores a visitor's message and its answer. An answer without text has failed. */
export const ask = Effect.fnUntraced(function* (key: ConversationKey, question: string, answer: string) {
  const answerId = yield* beginAnswer(key, question)
  const parts = answer === "" ? [] : [{ type: "text", text: answer } as const]
  yield* ConversationStore.use((store) =>
    store.complete({ answerId, ending: answer === "" ? "failed" : "stop", parts, usage: null })
  )
})

/** A conversation of a website whose visitor got no answer. */
export const failedConversation = Effect.fnUntraced(function* (websiteConfigId: WebsiteConfigId, question = "Hello?") {
  const key = yield* newKey(websiteConfigId)
  yield* ask(key, question, "")
  return key
})
