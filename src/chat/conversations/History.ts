/**
 * Decides how much of a conversation is sent to the agent. Pure.
 *
 * @module
 */
import type { ModelMessage } from "../agent/Agent.ts"
import * as AnswerParts from "./AnswerParts.ts"
import type { Message } from "./Conversation.ts"

export interface Bounds {
  /** The maximum number of messages, the visitor's new one included. */
  readonly messages: number
  /** The maximum total length of the messages, in UTF-16 units. */
  readonly characters: number
}

/** The messages for the agent: those that have a text. */
export const toModelMessages = (
  messages: ReadonlyArray<Pick<Message, "role" | "parts">>
): ReadonlyArray<ModelMessage> =>
  messages.flatMap(({ parts, role }) => {
    const text = AnswerParts.textOf(parts)
    return text === "" ? [] : [{ role, text }]
  })

/**
 * The newest messages within the bounds. If older messages are left out, the rest begins with a visitor's message, so that no
 * message is separated from its answer. If the last message is the visitor's, it is kept at any size.
 */
export const newest = (messages: ReadonlyArray<ModelMessage>, bounds: Bounds): ReadonlyArray<ModelMessage> => {
  let kept = messages.at(-1)?.role === "user" ? messages.length - 1 : messages.length
  let characters = 0
  for (let index = messages.length - 1; index >= 0; index--) {
    const message = messages[index]!
    characters += message.text.length
    if (messages.length - index > bounds.messages || characters > bounds.characters) break
    if (message.role === "user" || index === 0) kept = index
  }
  return messages.slice(kept)
}

/** `newest` for a conversation that ends with the visitor's message. */
export const withMessage = (
  history: ReadonlyArray<ModelMessage>,
  text: string,
  bounds: Bounds
): readonly [...ReadonlyArray<ModelMessage>, ModelMessage] => {
  const message: ModelMessage = { role: "user", text }
  return [...newest([...history, message], bounds).slice(0, -1), message]
}
