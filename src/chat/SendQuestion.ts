/**
 * Sends a visitor's question, whatever the client's protocol, to an instance's agent. Stores the turn if the edge keeps the
 * conversation, and credits the visit with a chat that begins.
 *
 * @module
 */
import { randomBytes, randomUUID } from "node:crypto"
import { Clock, Effect, FiberSet, Option, Schema, Scope, type Stream } from "effect"
import * as LeadHashes from "../analytics/LeadHashes.ts"
import { Leads } from "../analytics/Leads.ts"
import type { RequestHead } from "../platform/contract/Received.ts"
import { type InstanceId, MessageId } from "../platform/Id.ts"
import type { RecordRefused, StorageUnavailable } from "../platform/Storage.ts"
import { SiteDirectory } from "../sites/SiteDirectory.ts"
import { type AgentError, type AgentRefusal, AgentStream } from "./AgentStream.ts"
import type { AgentEvent, AgentRequest } from "./agent/Agent.ts"
import { type ConversationFull, ConversationStore, type NewTurn, NothingToRegenerate } from "./ConversationStore.ts"
import * as AnswerParts from "./conversations/AnswerParts.ts"
import * as ClientConversation from "./conversations/ClientConversation.ts"
import { type ConversationKey, isClientId, type Message } from "./conversations/Conversation.ts"
import * as ConversationId from "./conversations/ConversationId.ts"
import * as History from "./conversations/History.ts"
import type { Instance } from "./Instance.ts"
import { RunningAnswers } from "./RunningAnswers.ts"

/** Whether the question is known to begin a conversation. */
export const isFirst = (question: Question): boolean => {
  switch (question._tag) {
    case "Message":
      return !question.conversationId
    case "Newest":
    case "Regenerate":
      return false
    case "Conversation":
      return question.conversation.history.length === 0 && question.kind === "new"
  }
}

/** What a visitor asks. `conversationId` is the client's; in a `Message`, an undefined or empty one begins a conversation. */
export type Question =
  /** A message alone. The edge or the agent keeps the conversation's history. */
  | { readonly _tag: "Message"; readonly conversationId: string | undefined; readonly text: string }
  /** The newest message of a conversation that the edge keeps. */
  | ({
      readonly _tag: "Newest"
      readonly conversationId: string
      readonly text: string
      /** The client's id of the message; null if the message has none. */
      readonly messageId: string | null
    } & Pick<ClientConversation.ClientRequest, "kind" | "targetId">)
  /**
   * Another answer in a conversation that the edge keeps: to the last message, unless `targetId` is the id of another message
   * or of its answer.
   */
  | { readonly _tag: "Regenerate"; readonly conversationId: string; readonly targetId: string | null }
  /** The whole conversation. The client keeps it. */
  | ({
      readonly _tag: "Conversation"
      readonly conversationId: string | undefined
      readonly conversation: ClientConversation.ClientConversation
      /**
       * Whether the client resumes answers and reads its conversation by `conversationId`. If not, the answer ends when its
       * reader leaves, and the conversation is stored for the owner only.
       */
      readonly isResumable: boolean
      /** Whether the client reads the tokens of the answer. */
      readonly wantsUsage?: boolean
    } & Pick<ClientConversation.ClientRequest, "kind" | "targetId" | "isKnownComplete">)

/** The hashes of the visitor whose visit is credited with a chat; none if the chat is no lead. */
export type VisitorHashes = Effect.Effect<ReadonlyArray<string>>

const noHashes: ReadonlyArray<string> = []

export const makeLeads = Effect.gen(function* () {
  const { addChat } = yield* Leads
  const { byWebsiteConfigId } = yield* SiteDirectory
  const hashesOf = yield* LeadHashes.make
  const clock = yield* Clock.Clock
  const fork = yield* FiberSet.makeRuntime()
  return {
    /** A question is a lead if it begins a conversation on a website, in a browser whose page does not forbid it. */
    hashesOf: (
      head: RequestHead,
      question: Question,
      { website_config_id: websiteConfigId }: Instance
    ): VisitorHashes =>
      websiteConfigId === null || !isFirst(question) || !LeadHashes.isAllowed(head)
        ? Effect.succeed(noHashes)
        : byWebsiteConfigId(websiteConfigId).pipe(
            Effect.flatMap(
              Option.match({
                onNone: () => Effect.succeed(noHashes),
                onSome: (site) => hashesOf(head, site, clock.currentTimeMillisUnsafe())
              })
            ),
            Effect.orElseSucceed(() => noHashes)
          ),
    /**
     * Stores the lead of a chat whose conversation is not stored. The visitor does not wait: the lead is lost if the process or
     * the database fails within the milliseconds that this takes.
     */
    add: (instanceId: InstanceId, visitorHashes: VisitorHashes): void => {
      const receivedAt = clock.currentTimeMillisUnsafe()
      fork(
        Effect.flatMap(visitorHashes, (hashes) =>
          hashes.length === 0 ? Effect.void : Effect.ignore(addChat({ instanceId, visitorHashes: hashes, receivedAt }))
        )
      )
    }
  }
})

/** A client may send an answer with an id of its own, which no stored answer has. */
const isMessageId = Schema.is(MessageId)

/** What to store, and what to send to the agent. */
export interface PreparedTurn extends Pick<NewTurn, "message" | "from"> {
  readonly messages: AgentRequest["messages"]
}

type Of<Tag extends Question["_tag"]> = Question & { readonly _tag: Tag }
type Messages = ReadonlyArray<Message>

/** A new message of the visitor's. A client's id that fails `Conversation.isClientId` is dropped. */
const newMessage = (text: string, clientId: string | null = null): NonNullable<NewTurn["message"]> => ({
  messageId: MessageId.make(randomUUID()),
  text,
  ...(clientId !== null && isClientId(clientId) ? { clientId } : {})
})

const toStore = (
  replaced: ClientConversation.Replaced,
  message: NonNullable<NewTurn["message"]>
): Pick<NewTurn, "message" | "from"> => {
  switch (replaced._tag) {
    case "Nothing":
      return { message }
    case "From":
      return { message, from: replaced.messageId }
    case "After":
      return { message: null, from: replaced.messageId }
  }
}

/** The messages before the one that `replaced` names; all if it names none. */
const before = (messages: Messages, replaced: ClientConversation.Replaced) =>
  History.toModelMessages(
    replaced._tag === "Nothing"
      ? messages
      : messages.slice(
          0,
          messages.findIndex(({ messageId }) => messageId === replaced.messageId)
        )
  )

/** Makes the function that prepares a turn. */
export const makePrepare = (store: ConversationStore["Service"]) => {
  const messagesOf = (key: ConversationKey): Effect.Effect<Messages, StorageUnavailable> =>
    Effect.map(
      store.read(key),
      Option.getOrElse((): Messages => [])
    )

  /** Prepares a message at the end of the conversation. */
  const append = (key: ConversationKey, message: NonNullable<NewTurn["message"]>, bounds: History.Bounds) =>
    Effect.map(
      store.history({ key, bounds, isRegenerating: false }),
      (history): PreparedTurn => ({ message, messages: History.withMessage(history, message.text, bounds) })
    )

  const newest = (question: Of<"Newest">, key: ConversationKey, bounds: History.Bounds) => {
    const { kind, messageId, targetId, text } = question
    const message = newMessage(text, messageId)
    if (kind === "new" && targetId === null) return append(key, message, bounds)
    return Effect.map(messagesOf(key), (stored): PreparedTurn => {
      const conversation = { history: [], message: text, messageId, answerId: null }
      const replaced = ClientConversation.replaced(stored, { kind, targetId, conversation, isKnownComplete: false })
      return { ...toStore(replaced, message), messages: History.withMessage(before(stored, replaced), text, bounds) }
    })
  }

  const regenerateLast = (key: ConversationKey, bounds: History.Bounds) =>
    Effect.flatMap(
      store.history({ key, bounds, isRegenerating: true }),
      (history): Effect.Effect<PreparedTurn, NothingToRegenerate> => {
        const last = history.at(-1)
        return last === undefined
          ? Effect.fail(new NothingToRegenerate())
          : Effect.succeed({ message: null, messages: History.withMessage(history.slice(0, -1), last.text, bounds) })
      }
    )

  const regenerate = ({ targetId }: Of<"Regenerate">, key: ConversationKey, bounds: History.Bounds) =>
    targetId === null
      ? regenerateLast(key, bounds)
      : Effect.flatMap(messagesOf(key), (stored) => {
          const question = stored[ClientConversation.indexOfAnswered(stored, targetId)]
          if (question === undefined) return regenerateLast(key, bounds)
          const replaced: ClientConversation.Replaced = { _tag: "After", messageId: question.messageId }
          const text = AnswerParts.textOf(question.parts)
          return Effect.succeed<PreparedTurn>({
            message: null,
            from: question.messageId,
            messages: History.withMessage(before(stored, replaced), text, bounds)
          })
        })

  /**
   * The visitor's stored message that the new message replaces: the one after the answer from which the client continues. Some
   * clients edit a message without sending its id. Only clients of `useChat` send the ids of answers.
   */
  const branchOf = ({ isResumable, conversation }: Of<"Conversation">, key: ConversationKey) =>
    isResumable && isMessageId(conversation.answerId) && conversation.history.at(-1)?.role === "assistant"
      ? store.messageAfter(key, conversation.answerId)
      : Effect.succeedNone

  const ofConversation = (question: Of<"Conversation">, key: ConversationKey, bounds: History.Bounds) => {
    const { isResumable, isKnownComplete, kind, targetId, conversation: sent } = question
    const messages = ClientConversation.bounded(sent, bounds)
    const message = newMessage(sent.message, isResumable ? sent.messageId : null)
    if (kind === "new" && targetId === null && !(isKnownComplete && sent.history.length === 0)) {
      return Effect.map(
        branchOf(question, key),
        (from): PreparedTurn => ({ message, from: Option.getOrUndefined(from), messages })
      )
    }
    return Effect.map(
      messagesOf(key),
      (stored): PreparedTurn => ({ ...toStore(ClientConversation.replaced(stored, question), message), messages })
    )
  }

  return (
    question: Question,
    key: ConversationKey,
    bounds: History.Bounds
  ): Effect.Effect<PreparedTurn, StorageUnavailable | NothingToRegenerate> => {
    switch (question._tag) {
      case "Message": {
        const message = newMessage(question.text)
        // A conversation that begins has no history.
        return question.conversationId
          ? append(key, message, bounds)
          : Effect.succeed({ message, messages: [{ role: "user", text: question.text }] })
      }
      case "Newest":
        return newest(question, key, bounds)
      case "Regenerate":
        return regenerate(question, key, bounds)
      case "Conversation":
        return ofConversation(question, key, bounds)
    }
  }
}

export type SendError = AgentRefusal | StorageUnavailable | RecordRefused | ConversationFull | NothingToRegenerate

type Events = Stream.Stream<AgentEvent, AgentError>

/** An answer whose events a visitor begins to read. */
export interface OpenedAnswer {
  readonly instance: Instance
  /** The conversation's id for the client. */
  readonly conversationId: string
  readonly answerId: MessageId
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
  messages: instance.history,
  characters: instance.history_characters
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
  const leads = yield* makeLeads
  const prepare = makePrepare(store)

  /** Sends the question and stores the turn. The answer outlives the request if the visitor may resume it. */
  const sendAndStore = (
    instance: Instance,
    question: Question,
    { isKey, session }: ConversationId.Identified,
    key: ConversationKey,
    answerId: MessageId,
    visitorHashes: VisitorHashes,
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
   * Sends a question, in the scope of the request. The visit of its sender is credited with the chat that begins (`makeLeads`).
   * `release` gives back the chat's slot (`ChatEndpoint`). It is called once, when the answer has ended and the scope is closed.
   */
  return (
    head: RequestHead,
    instance: Instance,
    question: Question,
    hashKey: ConversationId.Key,
    release: () => void
  ): Effect.Effect<OpenedAnswer, SendError, Scope.Scope> => {
    const client =
      question._tag === "Conversation"
        ? { origin: question.conversation.origin, isResumable: question.isResumable }
        : null
    const identified = ConversationId.identify(instance, question.conversationId, randomUUID(), hashKey, client)
    const { conversationId, isKey, storedId } = identified
    const answerId = MessageId.make(randomUUID())
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
          leads.add(instance.instance_id, visitorHashes)
          return opened(events)
        })
      )
    }
    // The slot is in use until the visitor has left and the answer has ended.
    const releaseAfterBoth = releaseAfter(2, release)
    const key = { instanceId: instance.instance_id, conversationId: storedId }
    return releaseWithScope(releaseAfterBoth).pipe(
      Effect.andThen(sendAndStore(instance, question, identified, key, answerId, visitorHashes, releaseAfterBoth)),
      Effect.map(opened)
    )
  }
})
