/**
 * Keeps conversations in this process, for tests and trials: at most `maxConversations` of them, with at most `maxSize` UTF-16
 * units in total. Beyond these bounds, it evicts the conversations that have been idle for longest.
 *
 * @module
 */

import { randomBytes } from "node:crypto"
import { Clock, Effect, Layer, Option } from "effect"
import type { InstanceId, MessageId } from "../platform/Id.ts"
import { RecordRefused } from "../platform/Storage.ts"
import type { AgentEvent } from "./agent/Agent.ts"
import {
  type AnswerProgress,
  ConversationFull,
  ConversationStore,
  type NewTurn,
  NothingToRegenerate
} from "./ConversationStore.ts"
import * as AnswerParts from "./conversations/AnswerParts.ts"
import {
  type AgentAnswer,
  type AnswerEnding,
  type ConversationKey,
  type ConversationSummary,
  leaseMillis,
  type Message,
  type MessagePart,
  maxMessages,
  maxSize,
  unknownVisit,
  type VisitorMessage
} from "./conversations/Conversation.ts"
import * as ConversationId from "./conversations/ConversationId.ts"
import * as History from "./conversations/History.ts"
import { InstanceDirectory } from "./InstanceDirectory.ts"

/** The running answer of a conversation. */
export interface Running {
  readonly answerId: MessageId
  readonly events: Array<AgentEvent>
  /** Milliseconds since 1970. */
  leaseUntil: number
}

export interface StoredConversation extends ConversationKey {
  readonly createdAt: number
  updatedAt: number
  messages: ReadonlyArray<Message>
  size: number
  running: Running | null
}

/** A conversation that begins. */
export const empty = ({ conversationId, instanceId }: ConversationKey, now: number): StoredConversation => ({
  instanceId,
  conversationId,
  createdAt: now,
  updatedAt: now,
  messages: [],
  size: 0,
  running: null
})

export interface Options {
  /** 10,000 if not given. */
  readonly maxConversations?: number
  /** In UTF-16 units of all messages: 32 million if not given. */
  readonly maxSize?: number
}

const nameOf = ({ conversationId, instanceId }: ConversationKey): string => `${instanceId} ${conversationId}`

export const isAnswer = (message: Message): message is AgentAnswer => message.role === "assistant"

export const sizeOf = (messages: ReadonlyArray<Message>): number =>
  messages.reduce((sum, { parts }) => sum + AnswerParts.sizeOf(parts), 0)

export interface Table {
  readonly get: (key: ConversationKey) => StoredConversation | undefined
  /** The conversation that has an answer. */
  readonly ofAnswer: (answerId: MessageId) => StoredConversation | undefined
  readonly all: () => ReadonlyArray<StoredConversation>
  readonly remove: (conversation: StoredConversation) => void
  /** Replaces the messages of a conversation, which becomes the most recently updated. Adds the conversation if it is new. */
  readonly put: (conversation: StoredConversation, messages: ReadonlyArray<Message>, now: number) => void
}

export const makeTable = (options: Options): Table => {
  const bounds = { conversations: options.maxConversations ?? 10_000, size: options.maxSize ?? 32_000_000 }
  /** By name, the longest idle first. */
  const kept = new Map<string, StoredConversation>()
  const byAnswer = new Map<MessageId, StoredConversation>()
  let size = 0

  const remove = (conversation: StoredConversation): void => {
    kept.delete(nameOf(conversation))
    size -= conversation.size
    for (const { messageId } of conversation.messages) byAnswer.delete(messageId)
  }

  const put = (conversation: StoredConversation, messages: ReadonlyArray<Message>, now: number): void => {
    remove(conversation)
    conversation.messages = messages
    conversation.size = sizeOf(messages)
    conversation.updatedAt = Math.max(conversation.updatedAt, now)
    kept.set(nameOf(conversation), conversation)
    for (const message of messages) if (isAnswer(message)) byAnswer.set(message.messageId, conversation)
    size += conversation.size
    for (const oldest of kept.values()) {
      if ((kept.size <= bounds.conversations && size <= bounds.size) || oldest === conversation) break
      remove(oldest)
    }
  }

  return {
    get: (key) => kept.get(nameOf(key)),
    ofAnswer: (answerId) => byAnswer.get(answerId),
    all: () => [...kept.values()],
    remove,
    put
  }
}

export const visitorMessage = (
  { clientId, messageId }: Pick<VisitorMessage, "messageId" | "clientId">,
  parts: ReadonlyArray<MessagePart>,
  createdAt: number
): VisitorMessage => ({ messageId, ...(clientId === undefined ? {} : { clientId }), role: "user", parts, createdAt })

/** The messages of a conversation, where one answer has these parts and this ending. */
export const withEnding = (
  { messages }: StoredConversation,
  answerId: MessageId,
  change: Pick<AgentAnswer, "parts" | "ending">
): ReadonlyArray<Message> =>
  messages.map((message) => (message.messageId === answerId && isAnswer(message) ? { ...message, ...change } : message))

export const isLapsed = ({ leaseUntil }: Running, now: number): boolean => leaseUntil <= now

/** The messages at the time `now`, with the stored events of a running answer. */
export const messagesAt = (conversation: StoredConversation, now: number): ReadonlyArray<Message> => {
  const { running } = conversation
  if (running === null) return conversation.messages
  const ending: AnswerEnding | null = isLapsed(running, now) ? "cut" : null
  return withEnding(conversation, running.answerId, { parts: AnswerParts.fromEvents(running.events), ending })
}

type Reads = Pick<ConversationStore["Service"], "history" | "running" | "follow" | "read" | "messageAfter" | "list">

type ListPosition = Pick<ConversationSummary, "updatedAt" | "conversationId">

const newestFirst = (left: ListPosition, right: ListPosition): number =>
  right.updatedAt - left.updatedAt ||
  (left.conversationId < right.conversationId ? 1 : left.conversationId > right.conversationId ? -1 : 0)

const summary = ({ conversationId, createdAt, messages, updatedAt }: StoredConversation): ConversationSummary => ({
  conversationId,
  createdAt,
  updatedAt,
  messages: messages.length,
  ...unknownVisit
})

export const makeReads = (table: Table, instances: InstanceDirectory["Service"]): Reads => {
  const find = (key: ConversationKey) =>
    Effect.map(Clock.currentTimeMillis, (now) => ({ now, conversation: table.get(key) }))

  const progressOf = (answerId: MessageId, position: number, now: number): AnswerProgress | undefined => {
    const conversation = table.ofAnswer(answerId)
    if (conversation === undefined) return undefined
    const answer = messagesAt(conversation, now).find(({ messageId }) => messageId === answerId)
    if (answer === undefined || !isAnswer(answer)) return undefined
    const { ending, parts } = answer
    if (ending !== null) return { events: [], next: position, ended: { ending, parts } }
    const events = conversation.running?.events ?? []
    return { events: events.slice(position), next: Math.max(position, events.length), ended: null }
  }

  /** The conversations of an instance. First deletes the conversations of deleted instances. */
  const ofInstance = Effect.fnUntraced(function* (instanceId: InstanceId) {
    for (const conversation of table.all()) {
      if (Option.isNone(yield* instances.find(conversation.instanceId))) table.remove(conversation)
    }
    return table.all().filter((conversation) => conversation.instanceId === instanceId)
  })

  return {
    history: ({ bounds, isRegenerating, key }) =>
      Effect.map(find(key), ({ conversation, now }) => {
        if (conversation === undefined) return []
        const messages = History.toModelMessages(messagesAt(conversation, now))
        return History.newest(isRegenerating ? History.beforeAnswer(messages) : messages, bounds)
      }),
    running: (key) =>
      Effect.map(find(key), ({ conversation, now }) => {
        const running = conversation?.running ?? null
        return running === null || isLapsed(running, now) ? Option.none() : Option.some(running.answerId)
      }),
    follow: (answers) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const progressByAnswer = new Map<MessageId, AnswerProgress>()
        for (const { answerId, position } of answers) {
          const progress = progressOf(answerId, position, now)
          if (progress !== undefined) progressByAnswer.set(answerId, progress)
        }
        return progressByAnswer
      }),
    read: (key) =>
      Effect.map(find(key), ({ conversation, now }) =>
        conversation === undefined ? Option.none() : Option.some(messagesAt(conversation, now))
      ),
    messageAfter: (key, answerId) =>
      Effect.sync(() => {
        const messages = table.get(key)?.messages ?? []
        const answer = messages.findIndex((message) => message.messageId === answerId && isAnswer(message))
        const next = answer === -1 ? undefined : messages.slice(answer).find((message) => !isAnswer(message))
        return Option.map(Option.fromUndefinedOr(next), ({ messageId }) => messageId)
      }),
    list: ({ before, instanceId, limit }) =>
      Effect.map(ofInstance(instanceId), (conversations) =>
        conversations
          .map(summary)
          .sort(newestFirst)
          .filter((each) => before === null || newestFirst(before, each) < 0)
          .slice(0, limit)
      )
  }
}

type Writes = Pick<ConversationStore["Service"], "begin" | "append" | "renew" | "complete" | "stop" | "rate" | "delete">

type Answering = StoredConversation & { readonly running: Running }

/** The number of stored messages that a turn keeps; undefined if there is no message to answer again. */
const keptOf = ({ messages }: StoredConversation, { from, message }: NewTurn): number | undefined => {
  const target = messages.findIndex((each) => each.role === "user" && each.messageId === from)
  if (message !== null) return target === -1 ? messages.length : target
  const question = target === -1 ? messages.findLastIndex((each) => each.role === "user") : target
  return question === -1 ? undefined : question + 1
}

export const makeWrites = (table: Table, instances: InstanceDirectory["Service"]): Writes => {
  /** Ends the running answer, and makes its parts from its stored events. */
  const settle = (conversation: StoredConversation, running: Running, ending: AnswerEnding, now: number): void => {
    conversation.running = null
    const parts = AnswerParts.fromEvents(running.events)
    table.put(conversation, withEnding(conversation, running.answerId, { parts, ending }), now)
  }

  const begin: Writes["begin"] = Effect.fnUntraced(function* (turn) {
    const { answerId, key, message } = turn
    const instance = yield* instances.find(key.instanceId)
    if (Option.isNone(instance)) return yield* new RecordRefused({})
    const now = yield* Clock.currentTimeMillis
    const conversation: StoredConversation = table.get(key) ?? empty(key, now)
    const end = keptOf(conversation, turn)
    if (end === undefined) return yield* new NothingToRegenerate()
    const before = conversation.messages.slice(0, end)
    const messageParts: ReadonlyArray<MessagePart> = message === null ? [] : [{ type: "text", text: message.text }]
    const added = message === null ? 1 : 2
    if (before.length + added > maxMessages || sizeOf(before) + AnswerParts.sizeOf(messageParts) > maxSize) {
      return yield* new ConversationFull()
    }
    const { running } = conversation
    if (running !== null) settle(conversation, running, isLapsed(running, now) ? "cut" : "superseded", now)
    const answer: AgentAnswer = {
      messageId: answerId,
      role: "assistant",
      parts: [],
      createdAt: now,
      ending: null,
      rating: null,
      comment: null
    }
    conversation.running = { answerId, events: [], leaseUntil: now + leaseMillis }
    // Not `before`, because `settle` may have replaced the running answer in it.
    const kept = conversation.messages.slice(0, end)
    table.put(
      conversation,
      [...kept, ...(message === null ? [] : [visitorMessage(message, messageParts, now)]), answer],
      now
    )
  })

  /** The conversation with this running answer. */
  const findRunning = (answerId: MessageId): Answering | undefined => {
    const conversation = table.ofAnswer(answerId)
    return conversation?.running?.answerId === answerId ? (conversation as Answering) : undefined
  }

  const complete: Writes["complete"] = ({ answerId, ending, parts }) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const conversation = table.ofAnswer(answerId)
      const answer = conversation?.messages.find(({ messageId }) => messageId === answerId)
      if (conversation === undefined || answer === undefined || !isAnswer(answer)) return false
      if (conversation.running?.answerId === answerId) {
        conversation.running = null
        table.put(conversation, withEnding(conversation, answerId, { parts, ending }), now)
        return true
      }
      const wasCutShort = answer.ending === "stopped" || answer.ending === "superseded" || answer.ending === "cut"
      if (wasCutShort && AnswerParts.textOf(parts).length > AnswerParts.textOf(answer.parts).length) {
        table.put(conversation, withEnding(conversation, answerId, { parts, ending: answer.ending }), now)
      }
      return false
    })

  const rate: Writes["rate"] = ({ comment, key, messageId, rating }) =>
    Effect.sync(() => {
      const conversation = table.get(key)
      const answer = conversation?.messages.find((message) => message.messageId === messageId)
      if (conversation === undefined || answer === undefined || !isAnswer(answer)) return false
      conversation.messages = conversation.messages.map((message) =>
        message.messageId === messageId ? { ...message, rating, comment } : message
      )
      return true
    })

  return {
    begin,
    append: ({ answerId, events, position }) =>
      Effect.sync(() => {
        const running = findRunning(answerId)?.running
        running?.events.splice(position, events.length, ...events)
        return running !== undefined
      }),
    renew: (answerIds) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const runs = answerIds.flatMap((answerId) => findRunning(answerId)?.running ?? [])
        for (const running of runs) running.leaseUntil = now + leaseMillis
        return new Set(runs.map(({ answerId }) => answerId))
      }),
    complete,
    stop: (key) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const conversation = table.get(key)
        const running = conversation?.running ?? null
        if (conversation === undefined || running === null || isLapsed(running, now)) return false
        settle(conversation, running, "stopped", now)
        return true
      }),
    rate,
    delete: (reach, key) =>
      Effect.map(instances.read(reach, key.instanceId), (instance) => {
        const conversation = table.get(key)
        if (Option.isNone(instance) || conversation === undefined) return false
        table.remove(conversation)
        return true
      })
  }
}

export const layer = (options: Options = {}): Layer.Layer<ConversationStore, never, InstanceDirectory> =>
  Layer.effect(
    ConversationStore,
    Effect.gen(function* () {
      const instances = yield* InstanceDirectory
      const table = makeTable(options)
      return ConversationStore.of({
        ...makeReads(table, instances),
        ...makeWrites(table, instances),
        hashKey: Effect.succeed(ConversationId.keyOf(randomBytes(32)))
      })
    })
  )
