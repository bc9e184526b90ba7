/**
 * Reads an ended answer from a conversation's messages, as the edge returns them.
 *
 * @module
 */
import type { Outcome } from "./Failures.ts"
import { type Listener, sourceFrom, text as textIn } from "./Frames.ts"

/** A message as the edge returns it. */
export interface KeptMessage {
  readonly id?: unknown
  readonly role?: unknown
  readonly parts?: ReadonlyArray<Record<string, unknown>>
  readonly metadata?: { readonly ending?: unknown }
}

const textOf = ({ parts = [] }: KeptMessage): string =>
  parts
    .filter(({ type }) => type === "text")
    .map(({ text }) => textIn(text))
    .join("\n\n")

/**
 * Passes the answer to `question` to the listener, and returns its outcome, which is `unknown` if the last two messages are not
 * this question and its answer. Pure except for the calls of the listener.
 */
export const readKept = (
  messages: ReadonlyArray<KeptMessage>,
  question: string,
  conversationId: string,
  listener: Listener
): Outcome => {
  const [sent, answer] = messages.slice(-2)
  if (sent?.role !== "user" || answer?.role !== "assistant" || textOf(sent) !== question) return "unknown"
  listener.onStart({ conversationId, messageId: textIn(answer.id), memory: true })
  const text = textOf(answer)
  if (text !== "") listener.onText(text)
  for (const part of answer.parts ?? []) if (part["type"] === "source-url") listener.onSource(sourceFrom(part))
  const ending = answer.metadata?.ending
  if (ending === "stopped") return "stopped"
  return !ending || ending === "failed" || ending === "cut" || ending === "superseded" ? { kind: "cut" } : "done"
}
