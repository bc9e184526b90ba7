/**
 * Reads conversations from the table of this process.
 *
 * @module
 */
import { Clock, Effect, Option, Stream } from "effect"
import type { AnswerProgress, ConversationStore } from "../ConversationStore.ts"
import type { ConversationKey, ConversationSummary } from "../conversations/Conversation.ts"
import * as History from "../conversations/History.ts"
import type { InstanceDirectory } from "../InstanceDirectory.ts"
import * as Table from "./ConversationTable.ts"

type Reads = Pick<
  ConversationStore["Service"],
  "history" | "running" | "follow" | "read" | "messageAfter" | "list" | "stream"
>

type ListPosition = Pick<ConversationSummary, "updatedAt" | "conversationId">

const newestFirst = (left: ListPosition, right: ListPosition): number =>
  right.updatedAt - left.updatedAt ||
  (left.conversationId < right.conversationId ? 1 : left.conversationId > right.conversationId ? -1 : 0)

const oldestFirst = (left: Table.StoredConversation, right: Table.StoredConversation): number =>
  left.createdAt - right.createdAt || (left.conversationId < right.conversationId ? -1 : 1)

const summary = ({
  conversationId,
  createdAt,
  messages,
  updatedAt
}: Table.StoredConversation): ConversationSummary => ({
  conversationId,
  createdAt,
  updatedAt,
  messages: messages.length
})

export const make = (table: Table.Table, instances: InstanceDirectory["Service"]): Reads => {
  const find = (key: ConversationKey) =>
    Effect.map(Clock.currentTimeMillis, (now) => ({ now, conversation: table.get(key) }))

  const progressOf = (answerId: string, position: number, now: number): AnswerProgress | undefined => {
    const conversation = table.ofAnswer(answerId)
    if (conversation === undefined) return undefined
    const answer = Table.messagesAt(conversation, now).find(({ messageId }) => messageId === answerId)
    if (answer === undefined || !Table.isAnswer(answer)) return undefined
    const { ending, parts } = answer
    if (ending !== null) return { events: [], next: position, ended: { ending, parts } }
    const events = conversation.running?.events ?? []
    return { events: events.slice(position), next: Math.max(position, events.length), ended: null }
  }

  /** The conversations of an instance. First deletes the conversations of deleted instances. */
  const ofInstance = Effect.fnUntraced(function* (instanceId: string) {
    for (const conversation of table.all()) {
      if (Option.isNone(yield* instances.find(conversation.instanceId))) table.remove(conversation)
    }
    return table.all().filter((conversation) => conversation.instanceId === instanceId)
  })

  return {
    history: ({ bounds, isRegenerating, key }) =>
      Effect.map(find(key), ({ conversation, now }) => {
        if (conversation === undefined) return []
        const messages = History.toModelMessages(Table.messagesAt(conversation, now))
        return History.newest(isRegenerating ? History.beforeAnswer(messages) : messages, bounds)
      }),
    running: (key) =>
      Effect.map(find(key), ({ conversation, now }) => {
        const running = conversation?.running ?? null
        return running === null || Table.isLapsed(running, now) ? Option.none() : Option.some(running.answerId)
      }),
    follow: (answers) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        const progressByAnswer = new Map<string, AnswerProgress>()
        for (const { answerId, position } of answers) {
          const progress = progressOf(answerId, position, now)
          if (progress !== undefined) progressByAnswer.set(answerId, progress)
        }
        return progressByAnswer
      }),
    read: (key) =>
      Effect.map(find(key), ({ conversation, now }) =>
        conversation === undefined ? Option.none() : Option.some(Table.messagesAt(conversation, now))
      ),
    messageAfter: (key, answerId) =>
      Effect.sync(() => {
        const messages = table.get(key)?.messages ?? []
        const answer = messages.findIndex((message) => message.messageId === answerId && Table.isAnswer(message))
        const next = answer === -1 ? undefined : messages.slice(answer).find((message) => !Table.isAnswer(message))
        return Option.map(Option.fromUndefinedOr(next), ({ messageId }) => messageId)
      }),
    list: ({ before, instanceId, limit }) =>
      Effect.map(ofInstance(instanceId), (conversations) =>
        conversations
          .map(summary)
          .sort(newestFirst)
          .filter((each) => before === null || newestFirst(before, each) < 0)
          .slice(0, limit)
      ),
    stream: ({ instanceId, since }) =>
      Stream.unwrap(
        Effect.map(ofInstance(instanceId), (conversations) =>
          Stream.fromIterable(conversations.sort(oldestFirst)).pipe(
            Stream.filter(({ updatedAt }) => since === null || updatedAt >= since),
            Stream.mapEffect((conversation) =>
              Effect.map(Clock.currentTimeMillis, (now) => ({
                ...summary(conversation),
                messages: Table.messagesAt(conversation, now)
              }))
            )
          )
        )
      )
  }
}
