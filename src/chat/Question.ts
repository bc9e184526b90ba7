/**
 * A visitor's question, in the terms that all client APIs share: the conversation to which it belongs, whether that conversation has
 * memory, and what of the conversation is stored and sent to the agent.
 *
 * A conversation id gives access to its conversation, so only ids that cannot be guessed have memory: the UUIDs that the
 * service issues and, if the instance allows them, ids that clients make (`conversation_ids: "client"`).
 *
 * @module
 */
import { createHmac, type KeyObject, randomUUID } from "node:crypto"
import { Effect, Option, Schema } from "effect"
import { ConversationId, isCanonicalUuid, MessageId } from "../platform/Id.ts"
import type { StorageUnavailable } from "../platform/Storage.ts"
import type { AgentRequest } from "./agent/Agent.ts"
import { type ConversationStore, type NewTurn, NothingToRegenerate } from "./ConversationStore.ts"
import * as AnswerParts from "./conversations/AnswerParts.ts"
import * as ClientConversation from "./conversations/ClientConversation.ts"
import { type ConversationKey, isClientId, type Message } from "./conversations/Conversation.ts"
import * as History from "./conversations/History.ts"
import type { Instance } from "./Instance.ts"

/** What a visitor asks. `conversationId` is the client's; in a `Message`, an undefined or empty one begins a conversation. */
export type Question =
  /** A message alone. The edge or the agent keeps the conversation's history. */
  | ({
      readonly _tag: "Message"
      readonly conversationId: string | undefined
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

/** Whether the question is known to begin a conversation. */
export const isFirst = (question: Question): boolean => {
  switch (question._tag) {
    case "Message":
      return !question.conversationId
    case "Regenerate":
      return false
    case "Conversation":
      return question.conversation.history.length === 0 && question.kind === "new"
  }
}

/**
 * HMAC-SHA256 in hexadecimal digits, because an id in base64url could begin with a hyphen, which a command line would take for
 * a flag.
 */
const hash = (
  key: KeyObject,
  purpose: "client-id" | "client-turns" | "session",
  instanceId: string,
  ...ids: ReadonlyArray<string>
): string =>
  createHmac("sha256", key)
    .update(JSON.stringify([purpose, instanceId, ...ids]))
    .digest("hex")

/** The stored id of a conversation if its client generated the conversation's id. */
export const ofClientId = (key: KeyObject, instanceId: string, clientId: string): ConversationId =>
  ConversationId.make(hash(key, "client-id", instanceId, clientId))

/**
 * The stored id of a conversation that a client sends in full with each request, and that is kept for the owner only. No
 * request can name the stored id.
 *
 * @param origin see `ClientConversation.origin`
 */
export const ofClientConversation = (
  key: KeyObject,
  instanceId: string,
  clientId: string,
  origin: string
): ConversationId => ConversationId.make(hash(key, "client-turns", instanceId, clientId, origin))

/** The id of a conversation for the agent. Two instances of one agent never share a session. */
export const session = (key: KeyObject, instanceId: string, conversationId: string): string =>
  hash(key, "session", instanceId, conversationId)

/** The minimum length of an id that a client made and that has memory, in UTF-16 units. */
const minClientId = 16

export interface Identified {
  /** The conversation's id for the client. */
  readonly conversationId: string
  /** The id in the store; null for a conversation that is not stored. */
  readonly storedId: ConversationId | null
  /** Whether the id is a key: its holder may continue the conversation, read it and resume its answers. */
  readonly isKey: boolean
  /** The conversation's id for the agent; null if each request gets a new one. */
  readonly session: string | null
}

/** A client that sends its whole conversation with each request. */
export interface FullHistoryClient {
  /** See `ClientConversation.origin`. */
  readonly origin: string
  /** Whether the client resumes answers and reads the conversation by the conversation's id. */
  readonly isResumable: boolean
}

/** The client of a question that sends its whole conversation; null for any other. */
export const clientOf = (question: Question): FullHistoryClient | null =>
  question._tag === "Conversation" ? { origin: question.conversation.origin, isResumable: question.isResumable } : null

/** The id in the store of a conversation whose id is a key; null for any other id. */
const keyId = (
  { conversation_ids: conversationIds, instance_id: instanceId }: Pick<Instance, "instance_id" | "conversation_ids">,
  conversationId: string,
  hashKey: KeyObject
): ConversationId | null => {
  if (isCanonicalUuid(conversationId)) return ConversationId.make(conversationId)
  return conversationIds === "client" && conversationId.length >= minClientId
    ? ofClientId(hashKey, instanceId, conversationId)
    : null
}

/**
 * @param given the client's id; undefined or empty begins a conversation.
 * @param fresh a new UUID.
 * @param client null for a client that sends only its new message. A conversation that is sent in full is stored even if its id
 * is not a key. It is then stored under a hash that no request can name, so that only the owner can read it. If the client
 * cannot resume, the id is never a key.
 */
export const identify = (
  instance: Pick<Instance, "instance_id" | "memory" | "conversation_ids">,
  given: string | undefined,
  fresh: string,
  hashKey: KeyObject,
  client: FullHistoryClient | null = null
): Identified => {
  const { instance_id: instanceId } = instance
  const conversationId = given || fresh
  const sessionOf = (id: string) => session(hashKey, instanceId, id)
  const ownerOnlyId = (id: string) =>
    client === null ? null : ofClientConversation(hashKey, instanceId, id, client.origin)
  const mayBeKey = client === null || client.isResumable
  if (instance.memory === "agent") {
    // The next request cannot name this conversation.
    if (!given && !mayBeKey) return { conversationId, storedId: null, isKey: false, session: null }
    const name =
      mayBeKey && isCanonicalUuid(conversationId) ? conversationId : (ownerOnlyId(conversationId) ?? conversationId)
    return { conversationId, storedId: null, isKey: false, session: sessionOf(name) }
  }
  const key = mayBeKey ? keyId(instance, conversationId, hashKey) : null
  return key === null
    ? { conversationId, storedId: ownerOnlyId(conversationId), isKey: false, session: null }
    : { conversationId, storedId: key, isKey: true, session: sessionOf(key) }
}

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
      store.history({ key, bounds }),
      (history): PreparedTurn => ({ message, messages: History.withMessage(history, message.text, bounds) })
    )

  const ofMessage = (question: Of<"Message">, key: ConversationKey, bounds: History.Bounds) => {
    const { conversationId, kind, messageId, targetId, text } = question
    const message = newMessage(text, messageId)
    // A conversation that begins has no history.
    if (!conversationId) return Effect.succeed<PreparedTurn>({ message, messages: [{ role: "user", text }] })
    if (kind === "new" && targetId === null) return append(key, message, bounds)
    return Effect.map(messagesOf(key), (stored): PreparedTurn => {
      const conversation = { history: [], message: text, messageId, answerId: null }
      const replaced = ClientConversation.replaced(stored, { kind, targetId, conversation, isKnownComplete: false })
      return { ...toStore(replaced, message), messages: History.withMessage(before(stored, replaced), text, bounds) }
    })
  }

  const regenerate = ({ targetId }: Of<"Regenerate">, key: ConversationKey, bounds: History.Bounds) =>
    Effect.flatMap(messagesOf(key), (stored): Effect.Effect<PreparedTurn, NothingToRegenerate> => {
      const target = stored[ClientConversation.indexOfAnswered(stored, targetId)]
      const question = target ?? stored.findLast(({ role }) => role === "user")
      if (question === undefined) return Effect.fail(new NothingToRegenerate())
      const earlier = before(stored, { _tag: "After", messageId: question.messageId })
      const messages = History.withMessage(earlier, AnswerParts.textOf(question.parts), bounds)
      return Effect.succeed({ message: null, from: target?.messageId, messages })
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
      case "Message":
        return ofMessage(question, key, bounds)
      case "Regenerate":
        return regenerate(question, key, bounds)
      case "Conversation":
        return ofConversation(question, key, bounds)
    }
  }
}

/**
 * The messages for the agent of a question whose conversation is not stored: the new message, or the client's messages within the bounds
 * if it sent them and the agent has no session for them. Null if there is no message to answer again.
 */
export const unstoredMessages = (
  question: Question,
  session: string | null,
  bounds: History.Bounds
): AgentRequest["messages"] | null => {
  switch (question._tag) {
    case "Regenerate":
      return null
    case "Conversation":
      return session === null
        ? ClientConversation.bounded(question.conversation, bounds)
        : [{ role: "user", text: question.conversation.message }]
    default:
      return [{ role: "user", text: question.text }]
  }
}
