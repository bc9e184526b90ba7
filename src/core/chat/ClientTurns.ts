/**
 * Reads the messages of a client that sends its whole conversation with each request: which of them the agent gets. Pure.
 *
 * Only the text of the visitor and the assistant counts. Any other role is dropped: a visitor must not give the agent
 * instructions, nor the results of tools.
 *
 * @module
 */
import type { Turn } from "./Agent.ts"
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

/** A visitor's message and the turns before it. */
export interface ClientTurns {
  /** Oldest first. */
  readonly history: ReadonlyArray<Turn>
  readonly message: string
  /** The client's id of the message; null if it has none. */
  readonly messageId: string | null
  /** The client's id of the last answer before the message: the service's own, in clients that take it over. */
  readonly answerId: string | null
  /**
   * Identifies the client's first message: its id, or its text. It stays the same as the conversation grows, and differs
   * between visitors whose clients give every conversation the same id.
   */
  readonly origin: string
}

const isTurn = (message: ClientMessage): message is ClientMessage & Turn =>
  message.text !== "" && (message.role === "user" || message.role === "assistant")

/** The visitor's last message and the turns before it; null if there is none. What follows it is dropped. */
export const read = (messages: ReadonlyArray<ClientMessage>): ClientTurns | null => {
  const turns = messages.filter(isTurn)
  const first = turns.find(({ role }) => role === "user")
  const last = turns.findLastIndex(({ role }) => role === "user")
  if (first === undefined) return null
  return {
    history: turns.slice(0, last).map(({ role, text }) => ({ role, text })),
    message: turns[last]!.text,
    messageId: turns[last]!.id,
    answerId: turns.slice(0, last).findLast(({ role }) => role === "assistant")?.id ?? null,
    origin: JSON.stringify([first.id, first.id === null ? first.text : null])
  }
}

/** The turns for the agent within the bounds of its instance; see `History.newest`. */
export const bounded = (
  { history, message }: ClientTurns,
  bounds: History.Bounds
): readonly [...ReadonlyArray<Turn>, Turn] => History.withMessage(history, message, bounds)
