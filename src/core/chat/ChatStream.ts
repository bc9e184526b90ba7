/**
 * How an agent's answer is written for a browser: the UI message stream of the AI SDK, version 1, as Server-Sent Events.
 * Pure: it makes texts of events and keeps its state in a value.
 *
 * Whatever comes in whatever order, the frames that come out are well formed: `start` first; `text-start`, one or more
 * `text-delta` and `text-end` if anything was said; at most one `error`; `finish`; and `[DONE]`, once, last.
 *
 * @module
 */
import type { AgentEvent, FinishReason } from "./Agent.ts"

/** Why a chat stream ends without the agent having finished. */
export type Failure =
  /** The agent was silent for too long. */
  | "agent-timeout"
  /** The agent's stream broke. */
  | "agent-broken"
  /** The stream lasted too long. */
  | "too-long"
  /** The agent said too much. */
  | "too-much"
  /** The visitor does not read. */
  | "unread"
  /** This process is about to end. */
  | "shutting-down"
  /** A fault of ours. */
  | "internal"

/** What a visitor reads of a failure. */
export const sentences: Readonly<Record<Failure, string>> = {
  "agent-timeout": "The agent stopped answering. Please try again.",
  "agent-broken": "The answer was interrupted. Please try again.",
  "too-long": "The answer took too long and was ended here.",
  "too-much": "The answer became too long and was ended here.",
  unread: "The answer was not read and was ended here.",
  "shutting-down": "The service is restarting. Please send your message again in a moment.",
  internal: "Something went wrong on our side. Please try again."
}

const frame = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`

/** The first frame. The client sends `conversationId` with its next message; with memory, the agent then knows this one. */
export const start = (ids: {
  readonly messageId: string
  readonly conversationId: string
  readonly hasMemory: boolean
}): string =>
  frame({
    type: "start",
    messageId: ids.messageId,
    messageMetadata: { conversation_id: ids.conversationId, memory: ids.hasMemory }
  })

const textStart = (id: string): string => frame({ type: "text-start", id })

/** The frame of every token, written by hand, which takes a quarter less time; it is what `frame` would write. */
export const textDelta = (id: string, delta: string): string =>
  `data: {"type":"text-delta","id":${JSON.stringify(id)},"delta":${JSON.stringify(delta)}}\n\n`

const textEnd = (id: string): string => frame({ type: "text-end", id })

/** A sentence for the visitor. */
export const error = (errorText: string): string => frame({ type: "error", errorText })

export const finish = (finishReason: FinishReason | "error"): string => frame({ type: "finish", finishReason })

/** The last frame. */
export const done = "data: [DONE]\n\n"

/** A comment, which every reader of Server-Sent Events skips: it keeps the connection alive, and opens it. */
export const comment = ": ping\n\n"

/** What moves a chat stream on. */
export type Event = AgentEvent | { readonly _tag: "Failed"; readonly failure: Failure }

/** Where a chat stream stands. Make the first one with `initial`. */
export interface State {
  readonly phase: "fresh" | "open" | "text" | "ended"
  readonly messageId: string
  readonly conversationId: string
  readonly hasMemory: boolean
  /** The first half of a surrogate pair that ended the last delta, or nothing. It waits for its other half. */
  readonly held: string
  /** How many more bytes of text (UTF-8) may be said. */
  readonly allowance: number
  /** Why the stream ended, if it ended badly. */
  readonly failure: Failure | null
}

/** A stream that nothing was sent of. `maxBytes` bounds what the agent may say, in bytes of UTF-8. */
export const initial = (options: {
  readonly messageId: string
  readonly conversationId: string
  readonly hasMemory: boolean
  readonly maxBytes: number
}): State => ({
  phase: "fresh",
  messageId: options.messageId,
  conversationId: options.conversationId,
  hasMemory: options.hasMemory,
  held: "",
  allowance: options.maxBytes,
  failure: null
})

/** Whether `[DONE]` was written: nothing follows. */
export const isEnded = (state: State): boolean => state.phase === "ended"

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff

const opened = (state: State): readonly [State, string] =>
  state.phase === "fresh" ? [{ ...state, phase: "open" }, start(state)] : [state, ""]

const replacement = "\uFFFD"

/** What changes from token to token, field by field: spreading the state would cost more than all else here. */
const advanced = (state: State, phase: State["phase"], held: string, allowance: number): State => ({
  phase,
  messageId: state.messageId,
  conversationId: state.conversationId,
  hasMemory: state.hasMemory,
  held,
  allowance,
  failure: state.failure
})

const say = (state: State, delta: string): readonly [State, string] => {
  const text = state.held + delta
  if (text === "") return [state, ""]
  const cut = isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.length - 1 : text.length
  const held = text.slice(cut)
  const whole = text.slice(0, cut).toWellFormed()
  const allowance = state.allowance - Buffer.byteLength(whole)
  // What is held is written as U+FFFD if its other half never comes.
  if (allowance < (held === "" ? 0 : Buffer.byteLength(replacement))) return end(state, "too-much", "error")
  if (whole === "") return [advanced(state, state.phase, held, state.allowance), ""]
  const frames = textDelta(state.messageId, whole)
  return [
    advanced(state, "text", held, allowance),
    state.phase === "text" ? frames : textStart(state.messageId) + frames
  ]
}

const end = (state: State, failure: Failure | null, reason: FinishReason | "error"): readonly [State, string] => {
  const begin = state.held !== "" && state.phase !== "text" ? textStart(state.messageId) : ""
  const rest = state.held === "" ? "" : textDelta(state.messageId, replacement)
  const close = state.phase === "text" || state.held !== "" ? textEnd(state.messageId) : ""
  const fault = failure === null ? "" : error(sentences[failure])
  return [{ ...state, phase: "ended", held: "", failure }, begin + rest + close + fault + finish(reason) + done]
}

/**
 * The next state, and the frames to send (maybe none). Concatenated, the deltas of a stream are the agent's text with
 * lone surrogates replaced by U+FFFD; a pair that was split between two deltas is joined. A text that would pass the
 * stream's bound is not sent and ends the stream as a failure. After the end, everything is ignored.
 */
export const encode = (state: State, event: Event): readonly [State, string] => {
  if (state.phase === "ended") return [state, ""]
  // Nearly all of what comes.
  if (event._tag === "Text" && state.phase !== "fresh") return say(state, event.delta)
  const [open, begin] = opened(state)
  const [next, frames] =
    event._tag === "Text"
      ? say(open, event.delta)
      : event._tag === "Finish"
        ? end(open, null, event.reason)
        : event._tag === "Failed"
          ? end(open, event.failure, "error")
          : [open, ""]
  return [next, begin + frames]
}

/** `encode` for several events at once. */
export const encodeAll = (state: State, events: Iterable<Event>): readonly [State, string] => {
  let current = state
  let text = ""
  for (const event of events) {
    const [next, frames] = encode(current, event)
    current = next
    text += frames
  }
  return [current, text]
}
