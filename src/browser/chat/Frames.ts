/**
 * Parses the frames of a UI message stream, version 1. Pure.
 *
 * @module
 */

/** The frames that the chat uses. */
export type Frame =
  /** The start of the stream. A conversation id that is not empty is sent with the next message. */
  | { readonly type: "start"; readonly conversationId: string }
  | { readonly type: "text"; readonly delta: string }
  /** An error message for the visitor. */
  | { readonly type: "error"; readonly sentence: string }
  | { readonly type: "done" }

/** A frame before validation. */
interface RawFrame {
  readonly type?: unknown
  readonly delta?: unknown
  readonly errorText?: unknown
  readonly messageMetadata?: { readonly conversation_id?: unknown } | null
}

/** Returns a string as it is, and an empty string for any other value. */
export const text = (value: unknown): string => (typeof value === "string" ? value : "")

/** Parses the data of an event. Returns undefined for invalid frames and for those that the chat does not use. */
export const parse = (data: string): Frame | undefined => {
  if (data === "[DONE]") return { type: "done" }
  let frame: RawFrame | null
  try {
    frame = JSON.parse(data)
  } catch {
    return undefined
  }
  switch (frame?.type) {
    case "start":
      return { type: "start", conversationId: text(frame.messageMetadata?.conversation_id) }
    case "text-delta":
      return { type: "text", delta: text(frame.delta) }
    case "error":
      return { type: "error", sentence: text(frame.errorText) }
    default:
      return undefined
  }
}
