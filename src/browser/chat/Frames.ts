/**
 * Parses the frames of the AI SDK's UI message stream, version 1, and reads a finished answer from the messages that the edge stored.
 * Pure.
 *
 * @module
 */
import type { Outcome } from "./Failures.ts"

/** A page that an answer relies on. */
export interface Source {
  readonly url: string
  /** Empty if the page's title is unknown. */
  readonly title: string
}

/** The first frame. */
export interface Start {
  /** The id to send with the next message of the conversation, unless it is empty. */
  readonly conversationId: string
  readonly messageId: string
  /** Whether the edge keeps the conversation. */
  readonly memory: boolean
}

/** Receives the parts of an answer. */
export interface Listener {
  readonly onStart: (start: Start) => void
  readonly onText: (delta: string) => void
  readonly onSource: (source: Source) => void
  /** What the agent does, or an empty string once text follows. */
  readonly onActivity: (activity: string) => void
}

/** The frames that the chat uses. */
export type Frame =
  | ({ readonly type: "start" } & Start)
  /** A text begins. An answer may have several. */
  | { readonly type: "begin" }
  | { readonly type: "text"; readonly delta: string }
  | { readonly type: "source"; readonly source: Source }
  /** What the agent does before its next text, such as `searching`. */
  | { readonly type: "activity"; readonly activity: string }
  /** An error message for the visitor. */
  | { readonly type: "error"; readonly sentence: string }
  | { readonly type: "done" }

/** A frame before validation. */
interface RawFrame {
  readonly type?: unknown
  readonly delta?: unknown
  readonly errorText?: unknown
  readonly messageId?: unknown
  readonly url?: unknown
  readonly title?: unknown
  readonly messageMetadata?: { readonly conversation_id?: unknown; readonly memory?: unknown } | null
  readonly data?: { readonly activity?: unknown } | null
}

/** Returns a string as it is, and an empty string for any other value. */
export const text = (value: unknown): string => (typeof value === "string" ? value : "")

/** Returns the source that a frame or a part of a message holds. */
export const sourceFrom = (value: { readonly url?: unknown; readonly title?: unknown } | null): Source => ({
  url: text(value?.url),
  title: text(value?.title)
})

/** Parses the data of an event. Returns undefined for invalid JSON and for frames that the chat does not use. */
export const parse = (data: string): Frame | undefined => {
  if (data === "[DONE]") return { type: "done" }
  let frame: RawFrame | null
  try {
    frame = JSON.parse(data)
  } catch {
    return undefined
  }
  switch (frame?.type) {
    case "start": {
      const { messageId, messageMetadata } = frame
      return {
        type: "start",
        conversationId: text(messageMetadata?.conversation_id),
        messageId: text(messageId),
        memory: messageMetadata?.memory === true
      }
    }
    case "text-start":
      return { type: "begin" }
    case "text-delta":
      return { type: "text", delta: text(frame.delta) }
    case "source-url":
      return { type: "source", source: sourceFrom(frame) }
    case "data-activity":
      return { type: "activity", activity: text(frame.data?.activity) }
    case "error":
      return { type: "error", sentence: text(frame.errorText) }
    default:
      return undefined
  }
}

/** A stored message, as the edge returns it. */
export interface StoredMessage {
  readonly id?: unknown
  readonly role?: unknown
  readonly parts?: ReadonlyArray<Record<string, unknown>>
  readonly metadata?: { readonly ending?: unknown }
}

const storedText = ({ parts = [] }: StoredMessage): string =>
  parts
    .filter(({ type }) => type === "text")
    .map((part) => text(part["text"]))
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
  if (sent?.role !== "user" || answer?.role !== "assistant" || storedText(sent) !== question) return "unknown"
  listener.onStart({ conversationId, messageId: text(answer.id), memory: true })
  const whole = storedText(answer)
  if (whole !== "") listener.onText(whole)
  for (const part of answer.parts ?? []) if (part["type"] === "source-url") listener.onSource(sourceFrom(part))
  const ending = answer.metadata?.ending
  if (ending === "stopped") return "stopped"
  // Unlike "cut", "broken" is not resumed: the stored answer does not change any more.
  if (ending === "failed" || ending === "cut" || ending === "superseded") return { kind: "broken" }
  return ending ? "done" : { kind: "cut" }
}
