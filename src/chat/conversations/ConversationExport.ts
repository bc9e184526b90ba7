/**
 * Writes conversations for the owner of an instance: as JSON, and as a transcript to read. In both texts, control characters
 * are escaped, for terminals. Pure.
 *
 * @module
 */

import * as Calendar from "../../platform/text/Calendar.ts"
import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as AnswerParts from "./AnswerParts.ts"
import type { Conversation, ConversationSummary, Message, MessagePart } from "./Conversation.ts"

const partJson = (part: MessagePart) =>
  part.type === "text"
    ? { type: part.type, text: part.text }
    : { type: part.type, url: part.url, title: part.title ?? null }

/** A message as a JSON object. The ending of a running answer is null. */
export const messageJson = (message: Message) => ({
  id: message.messageId,
  role: message.role,
  created_at: Calendar.iso(message.createdAt),
  parts: message.parts.map(partJson),
  ...(message.role === "assistant" ? { ending: message.ending, rating: message.rating, comment: message.comment } : {})
})

export const summaryJson = ({ conversationId, createdAt, messages, updatedAt }: ConversationSummary) => ({
  conversation_id: conversationId,
  created_at: Calendar.iso(createdAt),
  updated_at: Calendar.iso(updatedAt),
  messages
})

/** A conversation as one line of JSON, without the end of the line. */
export const json = ({ conversationId, createdAt, messages, updatedAt }: Conversation): string =>
  TerminalText.inertJson(
    JSON.stringify({
      conversation_id: conversationId,
      created_at: Calendar.iso(createdAt),
      updated_at: Calendar.iso(updatedAt),
      messages: messages.map(messageJson)
    })
  )

const heading = (message: Message): string => {
  const at = `${Calendar.iso(message.createdAt).slice(0, 19).replace("T", " ")} UTC`
  if (message.role === "user") return `${at}  visitor`
  const notes = [
    message.ending === "stop" ? null : (message.ending ?? "running"),
    message.rating === null ? null : `rated ${message.rating}`
  ].filter((note) => note !== null)
  return `${at}  agent${notes.length === 0 ? "" : ` (${notes.join(", ")})`}`
}

/** The lines of a text, indented so that none of them looks like a heading. */
const indented = (text: string): ReadonlyArray<string> =>
  text.split(/\r\n|\n/).map((line) => `  ${TerminalText.escape(line)}`.trimEnd())

const paragraph = (message: Message): string => {
  const text = AnswerParts.textOf(message.parts)
  return [
    heading(message),
    ...(text === "" ? [] : indented(text)),
    ...message.parts.flatMap((part) => (part.type === "source-url" ? indented(`Source: ${part.url}`) : [])),
    ...(message.role === "assistant" && message.comment !== null ? indented(`Comment: ${message.comment}`) : [])
  ]
    .map((line) => `${line}\n`)
    .join("")
}

/** A paragraph for each message, with its time and author; for an answer, also its rating, and its ending unless it is `stop`. */
export const transcript = (messages: ReadonlyArray<Message>): string => messages.map(paragraph).join("\n")
