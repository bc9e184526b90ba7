/**
 * Reads a conversation that a client sends in full with each request, and selects the messages for the agent. Pure.
 *
 * Only the texts of the roles `user` and `assistant` are kept: a visitor must not give the agent instructions or tool
 * results.
 *
 * @module
 */
import type { ModelMessage } from "../agent/Agent.ts"
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
