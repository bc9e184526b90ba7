/**
 * Keeps conversations in this process, for tests and trials. It holds at most `maxConversations` of them and `maxSize`
 * UTF-16 units; beyond either, it forgets the conversations that were idle longest.
 *
 * @module
 */
import { randomBytes } from "node:crypto"
import { Clock, Effect, Layer, Option, Stream } from "effect"
import * as AnswerParts from "../../core/chat/AnswerParts.ts"
import {
  type AgentAnswer,
  type AnswerEnding,
  type ConversationKey,
  type ConversationSummary,
  isConversationId,
  leaseMillis,
  type MessagePart,
  maxMessages,
  maxSize
} from "../../core/chat/Conversation.ts"
import * as ConversationHash from "../../core/chat/ConversationHash.ts"
import * as History from "../../core/chat/History.ts"
import type { Instance } from "../../core/chat/Instance.ts"
import type * as Event from "../../core/delivery/Event.ts"
import * as FanOut from "../../core/delivery/FanOut.ts"
import {
  type AnswerProgress,
  ConversationFull,
  ConversationStore,
  NothingToRegenerate
} from "../../services/chat/ConversationStore.ts"
import { InstanceDirectory } from "../../services/chat/InstanceDirectory.ts"
import { RecordRefused } from "../../services/Storage.ts"
import * as PendingChats from "../analytics/PendingChats.ts"
import * as DeliveryTables from "../delivery/DeliveryTables.ts"
import * as Table from "./ConversationTable.ts"

export const layer = (options: Table.Options = {}): Layer.Layer<ConversationStore, never, InstanceDirectory> =>
  Layer.effect(
    ConversationStore,
    Effect.gen(function* () {
      const instances = yield* InstanceDirectory
      const table = Table.make(options)
      const pendingChats = yield* PendingChats.PendingChats
      const deliveries = yield* DeliveryTables.DeliveryTables

      const remove = (conversation: Table.Kept): void => {
        table.forget(conversation)
        deliveries.forget(FanOut.conversationSubject(conversation))
      }

      /** Forgets the conversations of instances that were deleted. */
      const prune = Effect.gen(function* () {
        for (const conversation of table.all()) {
          if (Option.isNone(yield* instances.find(conversation.instanceId))) remove(conversation)
        }
      })

      /** Writes an event of the instance's website. */
      const tell = (
        { websiteConfigId }: Instance,
        key: ConversationKey,
        type: Event.Type,
        createdAt: number,
        data: string | null
      ): void => {
        if (websiteConfigId === null) return
        deliveries.write({ websiteConfigId, type, createdAt, subject: FanOut.conversationSubject(key), data })
      }

      /** Ends the running answer, with what was stored of it. */
      const settle = (conversation: Table.Kept, running: Table.Running, ending: AnswerEnding, now: number): void => {
        conversation.running = null
        const parts = AnswerParts.fromEvents(running.events)
        table.put(conversation, Table.ended(conversation, running.answerId, { parts, ending }), now)
      }

      const find = (key: ConversationKey) =>
        Effect.map(Clock.currentTimeMillis, (now) => ({ now, conversation: table.get(key) }))

      const begin: ConversationStore["Service"]["begin"] = Effect.fnUntraced(function* ({
        answerId,
        from,
        key,
        message,
        trackerSession = null
      }) {
        const instance = yield* instances.find(key.instanceId)
        if (Option.isNone(instance) || !isConversationId(key.conversationId)) return yield* new RecordRefused({})
        const now = yield* Clock.currentTimeMillis
        const found = table.get(key)
        const isNew = found === undefined
        const conversation: Table.Kept = found ?? {
          ...key,
          createdAt: now,
          updatedAt: now,
          messages: [],
          size: 0,
          running: null
        }
        const asked = conversation.messages.findLastIndex((each) => each.role === "user")
        if (message === null && asked === -1) return yield* new NothingToRegenerate()
        const replaced = conversation.messages.findIndex((each) => each.role === "user" && each.messageId === from)
        const end = message === null ? asked + 1 : replaced === -1 ? conversation.messages.length : replaced
        const before = conversation.messages.slice(0, end)
        const said: ReadonlyArray<MessagePart> = message === null ? [] : [{ type: "text", text: message.text }]
        const added = message === null ? 1 : 2
        if (before.length + added > maxMessages || Table.sizeOf(before) + AnswerParts.sizeOf(said) > maxSize) {
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
        table.put(
          conversation,
          [
            ...conversation.messages.slice(0, end),
            ...(message === null
              ? []
              : [{ messageId: message.messageId, role: "user" as const, parts: said, createdAt: now }]),
            answer
          ],
          now
        )
        if (isNew) tell(instance.value, key, "conversation.started", now, null)
        if (trackerSession !== null) {
          pendingChats.add({ instanceId: key.instanceId, sessionId: trackerSession, receivedAt: now })
        }
      })

      /** The conversation in which an answer runs. */
      const whereRuns = (answerId: string): (Table.Kept & { readonly running: Table.Running }) | undefined => {
        const conversation = table.ofAnswer(answerId)
        return conversation?.running?.answerId === answerId
          ? (conversation as Table.Kept & { readonly running: Table.Running })
          : undefined
      }

      const complete: ConversationStore["Service"]["complete"] = ({ answerId, ending, parts }) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          const conversation = table.ofAnswer(answerId)
          const answer = conversation?.messages.find(({ messageId }) => messageId === answerId)
          if (conversation === undefined || answer === undefined || !Table.isAnswer(answer)) return false
          if (conversation.running?.answerId === answerId) {
            conversation.running = null
            table.put(conversation, Table.ended(conversation, answerId, { parts, ending }), now)
            return true
          }
          const byOther = answer.ending === "stopped" || answer.ending === "superseded" || answer.ending === "cut"
          if (byOther && AnswerParts.textOf(parts).length > AnswerParts.textOf(answer.parts).length) {
            table.put(conversation, Table.ended(conversation, answerId, { parts, ending: answer.ending }), now)
          }
          return false
        })

      const rate: ConversationStore["Service"]["rate"] = Effect.fnUntraced(function* ({
        comment,
        key,
        messageId,
        rating
      }) {
        const conversation = table.get(key)
        const answer = conversation?.messages.find((message) => message.messageId === messageId)
        if (conversation === undefined || answer === undefined || !Table.isAnswer(answer)) return false
        conversation.messages = conversation.messages.map((message) =>
          message.messageId === messageId ? { ...message, rating, comment } : message
        )
        const instance = yield* instances.find(key.instanceId)
        if (Option.isNone(instance) || (answer.rating === rating && answer.comment === comment)) return true
        const { conversationId: conversation_id, instanceId: instance_id } = key
        const data = JSON.stringify({ instance_id, conversation_id, message_id: messageId, rating, comment })
        tell(instance.value, key, "conversation.feedback", yield* Clock.currentTimeMillis, data)
        return true
      })

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

      const ofInstance = (instanceId: string) =>
        Effect.map(prune, () => table.all().filter((conversation) => conversation.instanceId === instanceId))

      const summary = ({ conversationId, createdAt, messages, updatedAt }: Table.Kept): ConversationSummary => ({
        conversationId,
        createdAt,
        updatedAt,
        messages: messages.length
      })

      const key = ConversationHash.keyOf(randomBytes(32))

      return ConversationStore.of({
        history: ({ bounds, isRegenerating, key }) =>
          Effect.map(find(key), ({ conversation, now }) => {
            if (conversation === undefined) return []
            const turns = History.turnsOf(Table.messagesAt(conversation, now))
            return History.newest(isRegenerating ? History.beforeAnswer(turns) : turns, bounds)
          }),
        begin,
        append: ({ answerId, events, position }) =>
          Effect.sync(() => {
            const running = whereRuns(answerId)?.running
            running?.events.splice(position, events.length, ...events)
            return running !== undefined
          }),
        renew: (answerIds) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            const runs = answerIds.flatMap((answerId) => whereRuns(answerId)?.running ?? [])
            for (const running of runs) running.leaseUntil = now + leaseMillis
            return new Set(runs.map(({ answerId }) => answerId))
          }),
        complete,
        running: (key) =>
          Effect.map(find(key), ({ conversation, now }) => {
            const running = conversation?.running ?? null
            return running === null || Table.isLapsed(running, now) ? Option.none() : Option.some(running.answerId)
          }),
        follow: (answers) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            const found = new Map<string, AnswerProgress>()
            for (const { answerId, position } of answers) {
              const progress = progressOf(answerId, position, now)
              if (progress !== undefined) found.set(answerId, progress)
            }
            return found
          }),
        stop: (key) =>
          Effect.map(find(key), ({ conversation, now }) => {
            const running = conversation?.running ?? null
            if (conversation === undefined || running === null || Table.isLapsed(running, now)) return false
            settle(conversation, running, "stopped", now)
            return true
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
        rate,
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
              Stream.fromIterable(conversations.sort(firstBegun)).pipe(
                Stream.filter(({ updatedAt }) => since === null || updatedAt >= since),
                Stream.mapEffect((conversation) =>
                  Effect.map(Clock.currentTimeMillis, (now) => ({
                    ...summary(conversation),
                    messages: Table.messagesAt(conversation, now)
                  }))
                )
              )
            )
          ),
        delete: (key) =>
          Effect.sync(() => {
            const conversation = table.get(key)
            if (conversation !== undefined) remove(conversation)
            return conversation !== undefined
          }),
        hashKey: Effect.succeed(key)
      })
    })
  ).pipe(Layer.provide([PendingChats.layer, DeliveryTables.layer]))

type Position = Pick<ConversationSummary, "updatedAt" | "conversationId">

const newestFirst = (left: Position, right: Position): number =>
  right.updatedAt - left.updatedAt ||
  (left.conversationId < right.conversationId ? 1 : left.conversationId > right.conversationId ? -1 : 0)

const firstBegun = (left: ConversationSummary | Table.Kept, right: ConversationSummary | Table.Kept): number =>
  left.createdAt - right.createdAt || (left.conversationId < right.conversationId ? -1 : 1)
