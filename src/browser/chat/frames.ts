/**
 * Reads the frames of a UI message stream, version 1. Pure.
 *
 * @module
 */

/** What the chat makes use of in a frame. */
export type Frame =
  /** The stream began; the conversation's id, if it is not empty, goes with the next message. */
  | { readonly type: "start"; readonly conversationId: string }
  | { readonly type: "text"; readonly delta: string }
  /** A sentence for the visitor. */
  | { readonly type: "error"; readonly sentence: string }
  | { readonly type: "done" }

/** What a frame may hold; nothing of it is sure to be there, nor to be what it should be. */
interface Claim {
  readonly type?: unknown
  readonly delta?: unknown
  readonly errorText?: unknown
  readonly messageMetadata?: { readonly conversation_id?: unknown } | null
}

/** A text, or an empty one for what is none. */
export const text = (value: unknown): string => (typeof value === "string" ? value : "")

/** Reads the data of one event; undefined for a frame that the chat has no use for, which is no error. */
export const read = (data: string): Frame | undefined => {
  if (data === "[DONE]") return { type: "done" }
  let claim: Claim | null
  try {
    claim = JSON.parse(data)
  } catch {
    return undefined
  }
  switch (claim?.type) {
    case "start":
      return { type: "start", conversationId: text(claim.messageMetadata?.conversation_id) }
    case "text-delta":
      return { type: "text", delta: text(claim.delta) }
    case "error":
      return { type: "error", sentence: text(claim.errorText) }
    default:
      return undefined
  }
}
