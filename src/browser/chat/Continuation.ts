/**
 * Decides how a conversation from the storage or of another tab continues. Pure.
 *
 * @module
 */
import type { Conversation, Message } from "./ConversationStore.ts"

/** How an answer is received. `wait` leaves the reception to another tab. */
export type Mode = "send" | "resume" | "wait"

export interface Continuation {
  /** The messages without the running answer. */
  readonly messages: ReadonlyArray<Message>
  /** The question whose answer is to be received, the way to receive it, and the answer so far. */
  readonly running?: {
    readonly question: string
    readonly mode: Mode
    readonly partial: Message | undefined
  }
}

/** @param isOfAnotherTab whether another tab receives the running answer, if there is one */
export const continuationOf = (
  { id, memory, messages, running }: Conversation,
  isOfAnotherTab: boolean
): Continuation => {
  const last = messages.at(-1)
  const partial = last?.role === "agent" ? last : undefined
  const completed = partial === undefined ? messages : messages.slice(0, -1)
  const question = completed.at(-1)
  if (!running || question?.role !== "user") return { messages }
  const isAccepted = partial?.id !== undefined || (partial?.text ?? "") !== ""
  // An answer that the edge does not store ends when the page that receives it closes.
  if (isAccepted && !memory && !isOfAnotherTab) return { messages }
  const canResume = memory && id !== null && (isAccepted || !isOfAnotherTab)
  const mode = canResume ? "resume" : isOfAnotherTab ? "wait" : "send"
  return { messages: completed, running: { question: question.text, mode, partial } }
}
