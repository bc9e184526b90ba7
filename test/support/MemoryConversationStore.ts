/**
 * Keeps conversations in this process, for tests.
 *
 * @module
 */

import { createSecretKey, randomBytes } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import type { AgentEvent } from "../../src/chat/agent/Agent.ts"
import {
  type AnswerProgress,
  ConversationFull,
  ConversationStore,
  type NewTurn,
  NothingToRegenerate
} from "../../src/chat/ConversationStore.ts"
import * as AnswerParts from "../../src/chat/conversations/AnswerParts.ts"
import {
  type AgentAnswer,
  type AnswerEnding,
  type ConversationKey,
  leaseMillis,
  type Message,
  type MessagePart,
  maxMessages,
  maxSize
} from "../../src/chat/conversations/Conversation.ts"
import * as History from "../../src/chat/conversations/History.ts"
import { InstanceDirectory } from "../../src/chat/InstanceDirectory.ts"
import type { InstanceId, MessageId } from "../../src/platform/Id.ts"
import { RecordRefused } from "../../src/platform/Storage.ts"

/** The running answer of a conversation. */
interface Running {
  readonly answerId: MessageId
  readonly events: Array<AgentEvent>
  /** Milliseconds since 1970. */
  leaseUntil: number
}

interface Stored {
  readonly key: ConversationKey
  messages: ReadonlyArray<Message>
  running: Running | null
}

type Service = ConversationStore["Service"]

const nameOf = ({ conversationId, instanceId }: ConversationKey): string => `${instanceId} ${conversationId}`

const isAnswer = (message: Message): message is AgentAnswer => message.role === "assistant"

const sizeOf = (messages: ReadonlyArray<Message>): number =>
  messages.reduce((sum, { parts }) => sum + AnswerParts.sizeOf(parts), 0)

/** The messages of a conversation, where one answer has these members. */
const withAnswer = (
  { messages }: Stored,
  answerId: MessageId,
  change: Partial<Pick<AgentAnswer, "parts" | "ending" | "rating" | "comment">>
): ReadonlyArray<Message> =>
  messages.map((message) => (message.messageId === answerId && isAnswer(message) ? { ...message, ...change } : message))

const isLapsed = ({ leaseUntil }: Running, now: number): boolean => leaseUntil <= now

/** The messages at the time `now`, with the stored events of a running answer. */
const messagesAt = (conversation: Stored, now: number): ReadonlyArray<Message> => {
  const { running } = conversation
  if (running === null) return conversation.messages
  const ending: AnswerEnding | null = isLapsed(running, now) ? "cut" : null
  return withAnswer(conversation, running.answerId, { parts: AnswerParts.fromEvents(running.events), ending })
}

/** Ends the running answer, and makes its parts from its stored events. */
const settle = (conversation: Stored, { answerId, events }: Running, ending: AnswerEnding): void => {
  conversation.running = null
  conversation.messages = withAnswer(conversation, answerId, { parts: AnswerParts.fromEvents(events), ending })
}

/** The number of stored messages that a turn keeps; undefined if there is no message to answer again. */
const keptOf = ({ messages }: Stored, { from, message }: NewTurn): number | undefined => {
  const target = messages.findIndex((each) => each.role === "user" && each.messageId === from)
  if (message !== null) return target === -1 ? messages.length : target
  const question = target === -1 ? messages.findLastIndex((each) => each.role === "user") : target
  return question === -1 ? undefined : question + 1
}

const conversationsOf = new WeakMap<Service, ReadonlyMap<string, Stored>>()

/** The conversations of an instance in a store that `layer` made. */
export const keysIn = (store: Service, instanceId: InstanceId): ReadonlyArray<ConversationKey> =>
  [...(conversationsOf.get(store)?.values() ?? [])].map(({ key }) => key).filter((key) => key.instanceId === instanceId)

const make = (instances: InstanceDirectory["Service"]): Service => {
  const conversations = new Map<string, Stored>()

  /** The conversation with this answer, and the answer. */
  const ofAnswer = (answerId: MessageId, now: number) => {
    for (const conversation of conversations.values()) {
      const answer = messagesAt(conversation, now).find(({ messageId }) => messageId === answerId)
      if (answer !== undefined && isAnswer(answer)) return { conversation, answer }
    }
    return undefined
  }

  const runningOf = (answerId: MessageId): Running | undefined =>
    [...conversations.values()].flatMap(({ running }) => (running?.answerId === answerId ? [running] : []))[0]

  /** The conversation with this key, unless its instance was deleted, at the current time. */
  const find = Effect.fnUntraced(function* (key: ConversationKey) {
    if (Option.isNone(yield* instances.find(key.instanceId))) conversations.delete(nameOf(key))
    return { conversation: conversations.get(nameOf(key)), now: yield* Clock.currentTimeMillis }
  })

  const store: Service = {
    history: ({ bounds, key }) =>
      Effect.map(find(key), ({ conversation, now }) => {
        if (conversation === undefined) return []
        return History.newest(History.toModelMessages(messagesAt(conversation, now)), bounds)
      }),
    running: (key) =>
      Effect.map(find(key), ({ conversation, now }) => {
        const running = conversation?.running ?? null
        return running === null || isLapsed(running, now) ? Option.none() : Option.some(running.answerId)
      }),
    follow: (answers) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const found = new Map<MessageId, AnswerProgress>()
        for (const { answerId, position } of answers) {
          const progress = ofAnswer(answerId, now)
          if (progress === undefined) continue
          const { ending, parts } = progress.answer
          const events = progress.conversation.running?.events ?? []
          found.set(
            answerId,
            ending === null
              ? { events: events.slice(position), next: Math.max(position, events.length), ended: null }
              : { events: [], next: position, ended: { ending, parts } }
          )
        }
        return found
      }),
    read: (key) =>
      Effect.map(find(key), ({ conversation, now }) =>
        conversation === undefined ? Option.none() : Option.some(messagesAt(conversation, now))
      ),
    messageAfter: (key, answerId) =>
      Effect.map(find(key), ({ conversation }) => {
        const messages = conversation?.messages ?? []
        const answer = messages.findIndex((message) => message.messageId === answerId && isAnswer(message))
        const next = answer === -1 ? undefined : messages.slice(answer).find((message) => !isAnswer(message))
        return Option.map(Option.fromUndefinedOr(next), ({ messageId }) => messageId)
      }),
    begin: Effect.fnUntraced(function* (turn) {
      const { answerId, key, message } = turn
      if (Option.isNone(yield* instances.find(key.instanceId))) return yield* new RecordRefused({})
      const { conversation = { key, messages: [], running: null }, now } = yield* find(key)
      const end = keptOf(conversation, turn)
      if (end === undefined) return yield* new NothingToRegenerate()
      const parts: ReadonlyArray<MessagePart> = message === null ? [] : [{ type: "text", text: message.text }]
      const added = message === null ? 1 : 2
      const size = sizeOf(conversation.messages.slice(0, end)) + AnswerParts.sizeOf(parts)
      if (end + added > maxMessages || size > maxSize) return yield* new ConversationFull()
      const { running } = conversation
      if (running !== null) settle(conversation, running, isLapsed(running, now) ? "cut" : "superseded")
      const answer = { messageId: answerId, role: "assistant", parts: [], createdAt: now } as const
      conversation.messages = [
        ...conversation.messages.slice(0, end),
        ...(message === null
          ? []
          : [
              {
                messageId: message.messageId,
                ...(message.clientId === undefined ? {} : { clientId: message.clientId }),
                role: "user" as const,
                parts,
                createdAt: now
              }
            ]),
        { ...answer, ending: null, rating: null, comment: null }
      ]
      conversation.running = { answerId, events: [], leaseUntil: now + leaseMillis }
      conversations.set(nameOf(key), conversation)
    }),
    append: ({ answerId, events, position }) =>
      Effect.sync(() => {
        const running = runningOf(answerId)
        running?.events.splice(position, events.length, ...events)
        return running !== undefined
      }),
    renew: (answerIds) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const runs = answerIds.flatMap((answerId) => runningOf(answerId) ?? [])
        for (const running of runs) running.leaseUntil = now + leaseMillis
        return new Set(runs.map(({ answerId }) => answerId))
      }),
    complete: ({ answerId, ending, parts }) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const found = ofAnswer(answerId, now)
        if (found === undefined) return false
        const { answer, conversation } = found
        if (conversation.running?.answerId === answerId) {
          conversation.running = null
          conversation.messages = withAnswer(conversation, answerId, { parts, ending })
          return true
        }
        const wasCutShort = answer.ending === "stopped" || answer.ending === "superseded" || answer.ending === "cut"
        if (wasCutShort && AnswerParts.textOf(parts).length > AnswerParts.textOf(answer.parts).length) {
          conversation.messages = withAnswer(conversation, answerId, { parts })
        }
        return false
      }),
    stop: (key) =>
      Effect.map(find(key), ({ conversation, now }) => {
        const running = conversation?.running ?? null
        if (conversation === undefined || running === null || isLapsed(running, now)) return false
        settle(conversation, running, "stopped")
        return true
      }),
    rate: ({ comment, key, messageId, rating }) =>
      Effect.map(find(key), ({ conversation }) => {
        const answer = conversation?.messages.find((message) => message.messageId === messageId)
        if (conversation === undefined || answer === undefined || !isAnswer(answer)) return false
        conversation.messages = withAnswer(conversation, messageId, { rating, comment })
        return true
      }),
    delete: (reach, key) =>
      Effect.map(
        instances.read(reach, key.instanceId),
        (instance) => Option.isSome(instance) && conversations.delete(nameOf(key))
      ),
    hashKey: Effect.succeed(createSecretKey(randomBytes(32)))
  }
  conversationsOf.set(store, conversations)
  return store
}

export const layer: Layer.Layer<ConversationStore, never, InstanceDirectory> = Layer.effect(
  ConversationStore,
  Effect.map(InstanceDirectory, make)
)
