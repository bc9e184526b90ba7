/**
 * Writes conversations for the owner of an instance: as JSON, and as a transcript to read. In both texts, control characters
 * are escaped, for terminals. Pure.
 *
 * @module
 */

import * as TerminalText from "../../platform/text/TerminalText.ts"
import * as AnswerParts from "./AnswerParts.ts"
import type { Transcript, TranscriptMessage } from "./Transcript.ts"

/** A conversation as one line of JSON, without the end of the line. */
export const json = (transcript: Transcript): string => TerminalText.inertJson(JSON.stringify(transcript))

const heading = (message: TranscriptMessage): string => {
  const at = `${message.created_at.slice(0, 19).replace("T", " ")} UTC`
  if (message.role === "user") return `${at}  visitor`
  const notes = [
    message.ending === "stop" ? null : (message.ending ?? "running"),
    (message.rating ?? null) === null ? null : `rated ${message.rating}`
  ].filter((note) => note !== null)
  return `${at}  agent${notes.length === 0 ? "" : ` (${notes.join(", ")})`}`
}

/** The lines of a text, indented so that none of them looks like a heading. */
const indented = (text: string): ReadonlyArray<string> =>
  text.split(/\r\n|\n/).map((line) => `  ${TerminalText.escape(line)}`.trimEnd())

const paragraph = (message: TranscriptMessage): string => {
  const text = AnswerParts.textOf(message.parts)
  return [
    heading(message),
    ...(text === "" ? [] : indented(text)),
    ...message.parts.flatMap((part) => (part.type === "source-url" ? indented(`Source: ${part.url}`) : [])),
    ...((message.comment ?? null) === null ? [] : indented(`Comment: ${message.comment}`))
  ]
    .map((line) => `${line}\n`)
    .join("")
}

/** A paragraph for each message, with its time and author; for an answer, also its rating, and its ending unless it is `stop`. */
export const transcript = (messages: ReadonlyArray<TranscriptMessage>): string => messages.map(paragraph).join("\n")
