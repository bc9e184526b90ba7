/**
 * Decides how much of a conversation is sent to the agent. Pure.
 *
 * @module
 */
import type { Turn } from "./Agent.ts"
import * as AnswerParts from "./AnswerParts.ts"
import type { Message } from "./Conversation.ts"

export interface Bounds {
  /** The maximum number of turns, the visitor's message included. */
  readonly messages: number
  /** The maximum length of all turns together, in UTF-16 units. */
  readonly characters: number
}

/** The text of each message, without those that have none. */
export const turnsOf = (messages: ReadonlyArray<Pick<Message, "role" | "parts">>): ReadonlyArray<Turn> =>
  messages.flatMap(({ parts, role }) => {
    const text = AnswerParts.textOf(parts)
    return text === "" ? [] : [{ role, text }]
  })

/** The turns up to the visitor's last one: those that are sent for another answer to it (regenerate). */
export const beforeAnswer = (turns: ReadonlyArray<Turn>): ReadonlyArray<Turn> =>
  turns.slice(0, turns.findLastIndex(({ role }) => role === "user") + 1)

/**
 * The newest turns within the bounds. What does not fit is cut from the oldest, and only in front of a visitor's turn, so
 * that no message is separated from its answer. A visitor's turn that is the last one is kept whatever its size.
 */
export const newest = (turns: ReadonlyArray<Turn>, bounds: Bounds): ReadonlyArray<Turn> => {
  let kept = turns.at(-1)?.role === "user" ? turns.length - 1 : turns.length
  let characters = 0
  for (let index = turns.length - 1; index >= 0; index--) {
    const turn = turns[index]!
    characters += turn.text.length
    if (turns.length - index > bounds.messages || characters > bounds.characters) break
    if (turn.role === "user" || index === 0) kept = index
  }
  return turns.slice(kept)
}

/** `newest` for a conversation that ends with the visitor's message. */
export const withMessage = (
  history: ReadonlyArray<Turn>,
  text: string,
  bounds: Bounds
): readonly [...ReadonlyArray<Turn>, Turn] => {
  const message: Turn = { role: "user", text }
  return [...newest([...history, message], bounds).slice(0, -1), message]
}
