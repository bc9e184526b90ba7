/**
 * Writes and reads conversations in a store, for the tests of every layer.
 *
 * @module
 */

import { randomUUID } from "node:crypto"
import { assert } from "@effect/vitest"
import { Effect, Option, Schema } from "effect"
import type { AgentEvent } from "../../src/chat/agent/Agent.ts"
import { ConversationStore } from "../../src/chat/ConversationStore.ts"
import * as AnswerParts from "../../src/chat/conversations/AnswerParts.ts"
import type { ConversationKey, MessagePart } from "../../src/chat/conversations/Conversation.ts"
import type * as History from "../../src/chat/conversations/History.ts"
import type { Filter, Transcript, TranscriptMessage } from "../../src/chat/conversations/Transcript.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import * as Id from "../../src/platform/Id.ts"
import { contains } from "../../src/platform/text/Text.ts"

/** `AnswerParts.isMissing` of a message. */
export const isMissing = ({ ending = null, parts }: Pick<TranscriptMessage, "ending" | "parts">): boolean =>
  ending !== null && AnswerParts.isMissing({ ending, size: AnswerParts.sizeOf(parts) })

const hasText = ({ comment = null, parts }: TranscriptMessage, search: string): boolean =>
  parts.some((part) =>
    part.type === "text" ? contains(part.text, search) : contains(part.url, search) || contains(part.title, search)
  ) || contains(comment, search)

/** Whether a list or an export with this filter has the conversation. */
export const matches = (
  { messages, updated_at }: Pick<Transcript, "messages" | "updated_at">,
  { before, rating, search, since, unanswered }: Filter
): boolean =>
  (since === undefined || Date.parse(updated_at) >= since) &&
  (before === undefined || Date.parse(updated_at) < before) &&
  (unanswered !== true || messages.some((message) => message.role === "assistant" && isMissing(message))) &&
  (rating === undefined || messages.some((message) => message.rating === rating)) &&
  (search === undefined || messages.some((message) => hasText(message, search)))

/** Texts that a faulty store could change. */
const Delta = Schema.Literals(["a", "Hello ", "\u0000", "\ud800", "\ud83d", "\ude00", '"\\', "日本", "\u2028\n", ""])

export const Event: Schema.Codec<AgentEvent> = Schema.Union([
  Schema.TaggedStruct("Accepted", {}),
  Schema.TaggedStruct("Text", { delta: Delta }),
  Schema.TaggedStruct("Refusal", { delta: Delta }),
  Schema.TaggedStruct("Reasoning", { delta: Delta }),
  Schema.TaggedStruct("Source", {
    url: Schema.Literals(["https://a.example/", "https://b.example/?q=\u0000", ""]),
    title: Schema.NullOr(Delta)
  }),
  Schema.TaggedStruct("Tool", {
    id: Schema.Literal("t"),
    name: Schema.Literal("search"),
    state: Schema.Literals(["running", "done"])
  }),
  Schema.TaggedStruct("Usage", { inputTokens: Schema.Literal(1), outputTokens: Schema.Literal(2) }),
  Schema.TaggedStruct("Finish", { reason: Schema.Literals(["stop", "length", "other"]) })
])

export const Pieces = Schema.Array(Schema.Array(Event).check(Schema.isMaxLength(5))).check(Schema.isMaxLength(4))

export const text = (delta: string): AgentEvent => ({ _tag: "Text", delta })

export const bounds: History.Bounds = { messages: 1_000, characters: 1_000_000 }

/** A conversation that does not exist yet, of an instance that does. */
export const newKey = InstanceDirectory.use((instances) =>
  Effect.map(
    instances.create({ name: "a", agent_url: "https://a.example" }),
    ({ instance_id: instanceId }): ConversationKey => ({
      instanceId,
      conversationId: Id.ConversationId.make(randomUUID())
    })
  )
)

/** Begins the answer to a new message or, if `text` is null, another answer to the last message. Returns the answer's id. */
export const beginAnswer = Effect.fnUntraced(function* (key: ConversationKey, text: string | null) {
  const store = yield* ConversationStore
  const answerId = Id.MessageId.make(randomUUID())
  yield* store.begin({
    key,
    answerId,
    message: text === null ? null : { messageId: Id.MessageId.make(randomUUID()), text }
  })
  return answerId
})

/** The stored events of one answer from `position` on; none if the answer does not exist. */
export const follow = (store: ConversationStore["Service"], answerId: Id.MessageId, position: number) =>
  Effect.map(store.follow([{ answerId, position }]), (found) => Option.fromUndefinedOr(found.get(answerId)))

/** Stores events of an answer, each list as one piece. */
export const appendPieces = Effect.fnUntraced(function* (
  answerId: Id.MessageId,
  pieces: ReadonlyArray<ReadonlyArray<AgentEvent>>
) {
  const store = yield* ConversationStore
  let position = 0
  for (const events of pieces) {
    if (events.length === 0) continue
    assert.isTrue(yield* store.append({ answerId, position, events }))
    position += events.length
  }
})

export const complete = (
  answerId: Id.MessageId,
  parts: ReadonlyArray<MessagePart>,
  ending: "stop" | "failed" = "stop"
) => ConversationStore.use((store) => store.complete({ answerId, parts, ending, usage: null }))

/** Stores a question and its whole answer. Returns the id of the answer. */
export const storeTurn = Effect.fnUntraced(function* (key: ConversationKey, question: string, answer: string) {
  const answerId = yield* beginAnswer(key, question)
  assert.isTrue(yield* complete(answerId, [{ type: "text", text: answer }]))
  return answerId
})

/** The messages of a conversation, as `role: text (ending)`. */
export const linesOf = (key: ConversationKey) =>
  ConversationStore.use((store) =>
    Effect.map(
      store.read(key),
      Option.map((messages) =>
        messages.map((message) =>
          message.role === "user"
            ? `user: ${AnswerParts.textOf(message.parts)}`
            : `assistant: ${AnswerParts.textOf(message.parts)} (${message.ending})`
        )
      )
    )
  )

export const assertLines = (key: ConversationKey, lines: ReadonlyArray<string>) =>
  Effect.map(linesOf(key), (found) => assert.deepStrictEqual(found, Option.some([...lines])))
