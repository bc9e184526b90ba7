/**
 * Reads a conversation that a client sends in full with each request, selects the messages for the agent, and decides which stored
 * messages the request replaces: the visitor edits a message, or requests another answer. A client identifies these messages by
 * their ids, or by the history that it sends. Pure.
 *
 * Only the texts of the roles `user` and `assistant` are kept: a visitor must not give the agent instructions or tool
 * results.
 *
 * @module
 */

import type { MessageId } from "../../platform/Id.ts"
import type { ModelMessage } from "../agent/Agent.ts"
import * as AnswerParts from "./AnswerParts.ts"
import type { Message } from "./Conversation.ts"
import * as History from "./History.ts"

/** A message as a client sends it. */
export interface ClientMessage {
  /** The client's id of the message; null if it has none. */
  readonly id: string | null
  /** Any role; only `user` and `assistant` are kept. */
  readonly role: string
  /** The text of all its text parts. */
  readonly text: string
}

/** A visitor's message and the messages before it. */
export interface ClientConversation {
  /** Oldest first. */
  readonly history: ReadonlyArray<ModelMessage>
  readonly message: string
  /** The client's id of the message; null if it has none. */
  readonly messageId: string | null
  /** The client's id of the last answer before the message: the service's id if the client keeps the service's ids. */
  readonly answerId: string | null
  /**
   * Identifies the visitor's first message: its id, or its text if it has no id. The origin stays the same as the conversation
   * grows. It distinguishes visitors whose clients give every conversation the same id, unless their first messages are equal.
   */
  readonly origin: string
}

const isModelMessage = (message: ClientMessage): message is ClientMessage & ModelMessage =>
  message.text !== "" && (message.role === "user" || message.role === "assistant")

/** The visitor's last message and the messages before it; null without a visitor's message. Later messages are dropped. */
export const read = (messages: ReadonlyArray<ClientMessage>): ClientConversation | null => {
  const kept = messages.filter(isModelMessage)
  const first = kept.find(({ role }) => role === "user")
  const last = kept.findLastIndex(({ role }) => role === "user")
  if (first === undefined) return null
  return {
    history: kept.slice(0, last).map(({ role, text }) => ({ role, text })),
    message: kept[last]!.text,
    messageId: kept[last]!.id,
    answerId: kept.slice(0, last).findLast(({ role }) => role === "assistant")?.id ?? null,
    origin: JSON.stringify([first.id, first.id === null ? first.text : null])
  }
}

/** The messages for the agent, within the bounds of its instance (see `History.newest`). */
export const bounded = (
  { history, message }: ClientConversation,
  bounds: History.Bounds
): readonly [...ReadonlyArray<ModelMessage>, ModelMessage] => History.withMessage(history, message, bounds)

/** Whether a request sends a new message, or requests another answer to an earlier one. */
export type Kind = "new" | "regenerate"

/** A request that may replace messages of the store. */
export interface ClientRequest {
  readonly kind: Kind
  /**
   * The id of the message that the request refers to: for a `new` message, the visitor's message that it replaces (an edit);
   * for a `regenerate`, the answer that it replaces or the message that is answered again. Null if there is none.
   */
  readonly targetId: string | null
  readonly conversation: Pick<ClientConversation, "history" | "message" | "messageId" | "answerId">
  /**
   * Whether the client is known to send all of its messages. If so, a message without history restarts the conversation. If
   * not, such a message may just be the newest one.
   */
  readonly isKnownComplete: boolean
}

/**
 * What a request replaces in the stored conversation: a visitor's message and everything after it (`From`); everything after
 * a visitor's message, which is answered again (`After`); or nothing: the message is appended.
 */
export type Replaced =
  | { readonly _tag: "From"; readonly messageId: MessageId }
  | { readonly _tag: "After"; readonly messageId: MessageId }
  | { readonly _tag: "Nothing" }

type Messages = ReadonlyArray<Message>

/** The index of the visitor's last message up to an index; -1 if there is none. */
const lastVisitorIndex = (messages: Messages, to: number): number => messages.slice(0, to + 1).findLastIndex(isVisitors)

const isVisitors = ({ role }: Message): boolean => role === "user"

/** The index of the visitor's message with this id, the client's or the service's; -1 if there is none. */
const indexOfId = (messages: Messages, id: string | null): number =>
  id === null
    ? -1
    : messages.findLastIndex(
        (message) => message.role === "user" && (message.messageId === id || message.clientId === id)
      )

/**
 * The index of the visitor's message with this id, or of the message that the answer with this id answers; -1 if there is
 * none.
 */
export const indexOfAnswered = (messages: Messages, id: string | null): number => {
  const own = indexOfId(messages, id)
  return own === -1
    ? lastVisitorIndex(
        messages,
        messages.findIndex(({ messageId }) => messageId === id)
      )
    : own
}

/** The index of the visitor's stored message that follows the history sent by the client; -1 if there is none. */
const indexAfterHistory = (messages: Messages, { isKnownComplete, conversation }: ClientRequest): number => {
  const isFirst = conversation.history.every(({ role }) => role !== "user")
  const answer = isFirst ? -1 : messages.findIndex(({ messageId }) => messageId === conversation.answerId)
  if (isFirst ? !isKnownComplete : answer === -1) return -1
  return messages[answer + 1]?.role === "user" ? answer + 1 : -1
}

/** What a request replaces in the messages of the store. */
export const replaced = (messages: Messages, request: ClientRequest): Replaced => {
  const { kind, targetId, conversation } = request
  const isRegenerating = kind === "regenerate"
  const textAt = (index: number) => AnswerParts.textOf(messages[index]!.parts)
  const candidates = isRegenerating
    ? [indexOfAnswered(messages, targetId), indexOfId(messages, conversation.messageId)]
    : [indexOfId(messages, targetId)]
  const known = [...candidates, indexAfterHistory(messages, request)].find((index) => index !== -1)
  const last = lastVisitorIndex(messages, messages.length - 1)
  const index = known ?? (isRegenerating && last !== -1 && textAt(last) === conversation.message ? last : undefined)
  if (index === undefined) return { _tag: "Nothing" }
  const { messageId } = messages[index]!
  return { _tag: isRegenerating && textAt(index) === conversation.message ? "After" : "From", messageId }
}
