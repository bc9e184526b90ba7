/**
 * A table of conversations in this process, bounded in number and size. Beyond a bound, it evicts the conversations that have
 * been idle for longest.
 *
 * @module
 */
import type { AgentEvent } from "../agent/Agent.ts"
import * as AnswerParts from "../conversations/AnswerParts.ts"
import type {
  AgentAnswer,
  AnswerEnding,
  ConversationKey,
  Message,
  MessagePart,
  VisitorMessage
} from "../conversations/Conversation.ts"

/** The running answer of a conversation. */
export interface Running {
  readonly answerId: string
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
  readonly ofAnswer: (answerId: string) => StoredConversation | undefined
  readonly all: () => ReadonlyArray<StoredConversation>
  readonly remove: (conversation: StoredConversation) => void
  /** Replaces the messages of a conversation, which becomes the most recently updated. Adds the conversation if it is new. */
  readonly put: (conversation: StoredConversation, messages: ReadonlyArray<Message>, now: number) => void
}

export const make = (options: Options): Table => {
  const bounds = { conversations: options.maxConversations ?? 10_000, size: options.maxSize ?? 32_000_000 }
  /** By name, the longest idle first. */
  const kept = new Map<string, StoredConversation>()
  const byAnswer = new Map<string, StoredConversation>()
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
  answerId: string,
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
