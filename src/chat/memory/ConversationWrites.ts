/**
 * Changes the conversations in the table of this process.
 *
 * @module
 */
import { Clock, Effect, Option } from "effect"
import { RecordRefused } from "../../platform/Storage.ts"
import { ConversationFull, type ConversationStore, type NewTurn, NothingToRegenerate } from "../ConversationStore.ts"
import * as AnswerParts from "../conversations/AnswerParts.ts"
import {
  type AgentAnswer,
  type AnswerEnding,
  isConversationId,
  leaseMillis,
  type MessagePart,
  maxMessages,
  maxSize
} from "../conversations/Conversation.ts"
import type { InstanceDirectory } from "../InstanceDirectory.ts"
import * as Table from "./ConversationTable.ts"

type Writes = Pick<ConversationStore["Service"], "begin" | "append" | "renew" | "complete" | "stop" | "rate" | "delete">

type Answering = Table.StoredConversation & { readonly running: Table.Running }

/** The number of stored messages that a turn keeps; undefined if there is no message to answer again. */
const keptOf = ({ messages }: Table.StoredConversation, { from, message }: NewTurn): number | undefined => {
  const target = messages.findIndex((each) => each.role === "user" && each.messageId === from)
  if (message !== null) return target === -1 ? messages.length : target
  const question = target === -1 ? messages.findLastIndex((each) => each.role === "user") : target
  return question === -1 ? undefined : question + 1
}

export const make = (table: Table.Table, instances: InstanceDirectory["Service"]): Writes => {
  /** Ends the running answer, and makes its parts from its stored events. */
  const settle = (
    conversation: Table.StoredConversation,
    running: Table.Running,
    ending: AnswerEnding,
    now: number
  ): void => {
    conversation.running = null
    const parts = AnswerParts.fromEvents(running.events)
    table.put(conversation, Table.withEnding(conversation, running.answerId, { parts, ending }), now)
  }

  const begin: Writes["begin"] = Effect.fnUntraced(function* (turn) {
    const { answerId, key, message } = turn
    const instance = yield* instances.find(key.instanceId)
    if (Option.isNone(instance) || !isConversationId(key.conversationId)) return yield* new RecordRefused({})
    const now = yield* Clock.currentTimeMillis
    const conversation: Table.StoredConversation = table.get(key) ?? Table.empty(key, now)
    const end = keptOf(conversation, turn)
    if (end === undefined) return yield* new NothingToRegenerate()
    const before = conversation.messages.slice(0, end)
    const messageParts: ReadonlyArray<MessagePart> = message === null ? [] : [{ type: "text", text: message.text }]
    const added = message === null ? 1 : 2
    if (before.length + added > maxMessages || Table.sizeOf(before) + AnswerParts.sizeOf(messageParts) > maxSize) {
      return yield* new ConversationFull()
    }
    const { running } = conversation
    if (running !== null) settle(conversation, running, Table.isLapsed(running, now) ? "cut" : "superseded", now)
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
      [...kept, ...(message === null ? [] : [Table.visitorMessage(message, messageParts, now)]), answer],
      now
    )
  })

  /** The conversation with this running answer. */
  const findRunning = (answerId: string): Answering | undefined => {
    const conversation = table.ofAnswer(answerId)
    return conversation?.running?.answerId === answerId ? (conversation as Answering) : undefined
  }

  const complete: Writes["complete"] = ({ answerId, ending, parts }) =>
    Effect.map(Clock.currentTimeMillis, (now) => {
      const conversation = table.ofAnswer(answerId)
      const answer = conversation?.messages.find(({ messageId }) => messageId === answerId)
      if (conversation === undefined || answer === undefined || !Table.isAnswer(answer)) return false
      if (conversation.running?.answerId === answerId) {
        conversation.running = null
        table.put(conversation, Table.withEnding(conversation, answerId, { parts, ending }), now)
        return true
      }
      const wasCutShort = answer.ending === "stopped" || answer.ending === "superseded" || answer.ending === "cut"
      if (wasCutShort && AnswerParts.textOf(parts).length > AnswerParts.textOf(answer.parts).length) {
        table.put(conversation, Table.withEnding(conversation, answerId, { parts, ending: answer.ending }), now)
      }
      return false
    })

  const rate: Writes["rate"] = ({ comment, key, messageId, rating }) =>
    Effect.sync(() => {
      const conversation = table.get(key)
      const answer = conversation?.messages.find((message) => message.messageId === messageId)
      if (conversation === undefined || answer === undefined || !Table.isAnswer(answer)) return false
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
        if (conversation === undefined || running === null || Table.isLapsed(running, now)) return false
        settle(conversation, running, "stopped", now)
        return true
      }),
    rate,
    delete: (key) =>
      Effect.sync(() => {
        const conversation = table.get(key)
        if (conversation !== undefined) table.remove(conversation)
        return conversation !== undefined
      })
  }
}
