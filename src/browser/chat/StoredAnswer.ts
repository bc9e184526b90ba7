/**
 * Reads a finished answer from the messages that the edge stored.
 *
 * @module
 */
import type { Outcome } from "./Failures.ts"
import { type Listener, sourceFrom, text as textIn } from "./Frames.ts"

/** A stored message, as the edge returns it. */
export interface StoredMessage {
  readonly id?: unknown
  readonly role?: unknown
  readonly parts?: ReadonlyArray<Record<string, unknown>>
  readonly metadata?: { readonly ending?: unknown }
}

const textOf = ({ parts = [] }: StoredMessage): string =>
  parts
    .filter(({ type }) => type === "text")
    .map(({ text }) => textIn(text))
    .join("\n\n")

/**
 * Replays an answer to the listener, and returns how the answer ended. If the last two messages are not `question` and its
 * answer, returns `unknown` and calls nothing.
 */
export const replayStored = (
  messages: ReadonlyArray<StoredMessage>,
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
  // Unlike "cut", "broken" is not resumed: the stored answer does not change any more.
  if (ending === "failed" || ending === "cut" || ending === "superseded") return { kind: "broken" }
  return ending ? "done" : { kind: "cut" }
}
