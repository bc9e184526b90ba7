/**
 * Sends a question to an instance's agent, and stores the turn if the edge keeps the conversation.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Effect, Scope, type Stream } from "effect"
import type { RequestHead } from "../platform/http/RequestHead.ts"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import { type AgentError, type AgentRefusal, AgentStream } from "./AgentStream.ts"
import type { AgentEvent, AgentRequest } from "./agent/Agent.ts"
import * as ChatLeads from "./ChatLeads.ts"
import { type ConversationFull, ConversationStore, NothingToRegenerate } from "./ConversationStore.ts"
import * as ClientConversation from "./conversations/ClientConversation.ts"
import type { ConversationKey } from "./conversations/Conversation.ts"
import type * as ConversationHash from "./conversations/ConversationHash.ts"
import * as ConversationId from "./conversations/ConversationId.ts"
import type * as History from "./conversations/History.ts"
import type { Instance } from "./Instance.ts"
import * as PreparedTurn from "./PreparedTurn.ts"
import type { Question } from "./Question.ts"
import { RunningAnswers } from "./RunningAnswers.ts"

export type SendError = AgentRefusal | StorageUnavailable | RecordRefused | ConversationFull | NothingToRegenerate

type Events = Stream.Stream<AgentEvent, AgentError>

/** An answer whose events a visitor begins to read. */
export interface OpenedAnswer {
  readonly instance: Instance
  /** The conversation's id for the client. */
  readonly conversationId: string
  readonly answerId: string
  /** Whether the edge keeps the conversation for the visitor. */
  readonly hasMemory: boolean
  readonly events: Events
  /** Whether the events come directly from the agent. Otherwise they come from `RunningAnswers`, which measures the answer. */
  readonly isDirect: boolean
}

/** Returns a function that calls `release` the `times`-th time that it is called. */
const releaseAfter = (times: number, release: () => void): (() => void) => {
  let left = times
  return () => {
    if (--left === 0) release()
  }
}

/** Calls `release` when the request's scope closes. The finalizer retains nothing else of the request. */
const releaseWithScope = (release: () => void): Effect.Effect<void, never, Scope.Scope> =>
  Effect.flatMap(Effect.scope, (scope) => Scope.addFinalizer(scope, Effect.sync(release)))

const boundsOf = (instance: Instance): History.Bounds => ({
  messages: instance.historyMessages,
  characters: instance.historyCharacters
})

/** A session id that is used once, so that the agent cannot continue the conversation. */
const freshSession = (): string => randomBytes(32).toString("base64url")

/** The new message, or the client's messages within the bounds if it sent them and the agent has no session for them. */
const messagesFor = (
  question: Exclude<Question, { readonly _tag: "Regenerate" }>,
  session: string | null,
  bounds: History.Bounds
): AgentRequest["messages"] => {
  if (question._tag !== "Conversation") return [{ role: "user", text: question.text }]
  return session === null
    ? ClientConversation.bounded(question.conversation, bounds)
    : [{ role: "user", text: question.conversation.message }]
}

const wantsUsage = (question: Question): boolean => question._tag === "Conversation" && question.wantsUsage === true

/** Makes the function that sends a question. */
export const make = Effect.gen(function* () {
  const agent = yield* AgentStream
  const answers = yield* RunningAnswers
  const store = yield* ConversationStore
  const leads = yield* ChatLeads.make
  const prepare = PreparedTurn.make(store)

  /** Sends the question and stores the turn. The answer outlives the request if the visitor may resume it. */
  const sendAndStore = (
    instance: Instance,
    question: Question,
    { isKey, session }: ConversationId.Identified,
    key: ConversationKey,
    answerId: string,
    visitorHashes: ChatLeads.VisitorHashes,
    onEnd: () => void
  ): Effect.Effect<Events, SendError, Scope.Scope> =>
    // Uninterruptible, so that `onEnd` is called even if the visitor leaves between two steps.
    Effect.uninterruptibleMask((restore) =>
      restore(
        Effect.andThen(
          answers.end(key, "superseded"),
          Effect.all([prepare(question, key, boundsOf(instance)), visitorHashes])
        )
      ).pipe(
        Effect.onError(() => Effect.sync(onEnd)),
        Effect.flatMap(([{ from, message, messages }, hashes]) =>
          answers.begin({
            key,
            answerId,
            message,
            from,
            visitorHashes: hashes,
            isResumable: isKey,
            request: { instance, session: session ?? freshSession(), messages, wantsUsage: wantsUsage(question) },
            onEnd
          })
        )
      )
    )

  /** Stores nothing: the agent keeps the conversation, or the conversation has no memory. */
  const sendOnly = (
    instance: Instance,
    question: Question,
    { session }: ConversationId.Identified
  ): Effect.Effect<Events, NothingToRegenerate> =>
    question._tag === "Regenerate"
      ? Effect.fail(new NothingToRegenerate())
      : Effect.succeed(
          agent.stream({
            // An agent that keeps the conversation has instructions of its own.
            instance: instance.memory === "edge" ? instance : { ...instance, instructions: null },
            session: session ?? freshSession(),
            messages: messagesFor(question, session, boundsOf(instance)),
            wantsUsage: wantsUsage(question)
          })
        )

  /**
   * Sends a question, in the scope of the request. The visit of its sender is credited with the chat that begins (`ChatLeads`).
   * `release` gives back the chat's slot (`StreamSlots`). It is called once, when the answer has ended and the scope is closed.
   */
  return (
    head: RequestHead,
    instance: Instance,
    question: Question,
    hashKey: ConversationHash.Key,
    release: () => void
  ): Effect.Effect<OpenedAnswer, SendError, Scope.Scope> => {
    const client =
      question._tag === "Conversation"
        ? { origin: question.conversation.origin, isResumable: question.isResumable }
        : null
    const identified = ConversationId.identify(instance, question.conversationId, randomUUID(), hashKey, client)
    const { conversationId, isKey, storedId } = identified
    const answerId = randomUUID()
    const visitorHashes = leads.hashesOf(head, question, instance)
    const isDirect = storedId === null
    const opened = (events: Events): OpenedAnswer => ({
      instance,
      conversationId,
      answerId,
      hasMemory: isKey,
      events,
      isDirect
    })
    if (storedId === null) {
      return Effect.andThen(
        releaseWithScope(release),
        Effect.map(sendOnly(instance, question, identified), (events) => {
          leads.add(instance.instanceId, visitorHashes)
          return opened(events)
        })
      )
    }
    // The slot is in use until the visitor has left and the answer has ended.
    const releaseAfterBoth = releaseAfter(2, release)
    const key = { instanceId: instance.instanceId, conversationId: storedId }
    return releaseWithScope(releaseAfterBoth).pipe(
      Effect.andThen(sendAndStore(instance, question, identified, key, answerId, visitorHashes, releaseAfterBoth)),
      Effect.map(opened)
    )
  }
})
