/**
 * Encodes an agent's answer as the UI message stream of the AI SDK, version 1, in Server-Sent Events. Pure.
 *
 * Whatever events come in whatever order, the frames are well formed: `start` first; text parts, each of `text-start`, one
 * or more `text-delta` and `text-end`; `source-url` and transient `data-activity` parts between them; at most one `error`;
 * `finish`; and `[DONE]`, once, last.
 *
 * @module
 */
import * as Activity from "./Activity.ts"
import type { AgentEvent, FinishReason } from "./Agent.ts"
import * as Encoding from "./Encoding.ts"
import { type Failure, sentences } from "./Failure.ts"

const frame = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`

export interface Ids {
  readonly messageId: string
  readonly conversationId: string
}

/** The first frame. A client sends `conversation_id` with its next message; `memory` tells whether the edge keeps the conversation. */
export const start = (ids: Ids & { readonly memory: boolean }): string =>
  frame({
    type: "start",
    messageId: ids.messageId,
    messageMetadata: { conversation_id: ids.conversationId, memory: ids.memory }
  })

const textStart = (id: string): string => frame({ type: "text-start", id })

/** The frame of every token, written by hand, which takes a quarter less time; it is what `frame` would write. */
export const textDelta = (id: string, delta: string): string =>
  `data: {"type":"text-delta","id":${JSON.stringify(id)},"delta":${JSON.stringify(delta)}}\n\n`

const textEnd = (id: string): string => frame({ type: "text-end", id })

const source = (sourceId: string, url: string, title: string | null): string =>
  frame({ type: "source-url", sourceId, url, ...(title === null ? {} : { title }) })

/** Transient: a client shows it while it lasts, and does not keep it in the message. */
const activity = (activity: Activity.Activity): string =>
  frame({ type: "data-activity", data: { activity }, transient: true })

/** A sentence for the visitor. */
export const error = (errorText: string): string => frame({ type: "error", errorText })

export const finish = (finishReason: FinishReason | "error"): string => frame({ type: "finish", finishReason })

/** The last frame. */
export const done = "data: [DONE]\n\n"

/**
 * A comment, which opens the connection and keeps it alive. It ends with one line end: a client of Microsoft's takes a
 * blank line behind it for an empty message.
 */
export const comment = ": ping\n"

/** The state of a chat stream. Make the first one with `initial`. */
export interface State {
  readonly phase: "fresh" | "open" | "text" | "ended"
  readonly messageId: string
  readonly conversationId: string
  readonly memory: boolean
  /** The text part that is open, or the next one. */
  readonly textId: string
  /** The first half of a surrogate pair that ended the last delta, or nothing. It waits for its other half. */
  readonly held: string
  /** How many more bytes of text (UTF-8) may be said. */
  readonly allowance: number
  /** The activity that the client shows; null while there is none. */
  readonly activity: Activity.Activity | null
  /** How many text parts were ended, and how many sources were sent. */
  readonly texts: number
  readonly sources: number
  /** Why the stream ended, if it ended badly. */
  readonly failure: Failure | null
}

/** A stream of which nothing was sent. `maxBytes` bounds what the agent may say, in bytes of UTF-8. */
export const initial = (options: Encoding.Options): State => ({
  phase: "fresh",
  messageId: options.messageId,
  conversationId: options.conversationId,
  memory: options.memory,
  textId: options.messageId,
  held: "",
  allowance: options.maxBytes,
  activity: null,
  texts: 0,
  sources: 0,
  failure: null
})

/** Whether `[DONE]` was written: nothing follows. */
export const isEnded = (state: State): boolean => state.phase === "ended"

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff

const replacement = "\uFFFD"

/** A state after a token, field by field: spreading would cost more than all else here. */
const advanced = (state: State, phase: State["phase"], held: string, allowance: number): State => ({
  phase,
  messageId: state.messageId,
  conversationId: state.conversationId,
  memory: state.memory,
  textId: state.textId,
  held,
  allowance,
  activity: null,
  texts: state.texts,
  sources: state.sources,
  failure: state.failure
})

type Step = readonly [State, string]

const say = (state: State, delta: string): Step => {
  const text = state.held + delta
  if (text === "") return [state, ""]
  const cut = isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.length - 1 : text.length
  const held = text.slice(cut)
  const whole = text.slice(0, cut).toWellFormed()
  const allowance = state.allowance - Buffer.byteLength(whole)
  // What is held is written as U+FFFD if its other half never comes.
  if (allowance < (held === "" ? 0 : Buffer.byteLength(replacement))) return end(state, "too-much", "error")
  if (whole === "") return [advanced(state, state.phase, held, state.allowance), ""]
  const frames = textDelta(state.textId, whole)
  return [advanced(state, "text", held, allowance), state.phase === "text" ? frames : textStart(state.textId) + frames]
}

/** Ends the text part, if one is open or begun. The next text is a part of its own. */
const endText = (state: State): Step => {
  const { held, textId } = state
  if (state.phase !== "text" && held === "") return [state, ""]
  const begin = state.phase === "text" ? "" : textStart(textId)
  const rest = held === "" ? "" : textDelta(textId, replacement)
  const allowance = state.allowance - (held === "" ? 0 : Buffer.byteLength(replacement))
  const texts = state.texts + 1
  return [
    { ...state, phase: "open", held: "", allowance, texts, textId: `${state.messageId}-${texts}` },
    begin + rest + textEnd(textId)
  ]
}

const end = (state: State, failure: Failure | null, reason: FinishReason | "error"): Step => {
  const [closed, frames] = endText(state)
  const fault = failure === null ? "" : error(sentences[failure])
  return [{ ...closed, phase: "ended", activity: null, failure }, frames + fault + finish(reason) + done]
}

/** A tool between two texts separates them: they are not one sentence. */
const act = (state: State, event: AgentEvent): Step => {
  const next = Activity.of(event)
  if (next === null || next === state.activity) return [state, ""]
  const [closed, frames] = event._tag === "Tool" ? endText(state) : ([state, ""] as const)
  return [{ ...closed, activity: next }, frames + activity(next)]
}

const cite = (state: State, url: string, title: string | null): Step => {
  const sources = state.sources + 1
  return [{ ...state, sources }, source(`${state.messageId}-source-${sources}`, url, title)]
}

const step = (state: State, event: Encoding.Event): Step => {
  switch (event._tag) {
    case "Text":
    case "Refusal":
      return say(state, event.delta)
    case "Source":
      return cite(state, event.url, event.title)
    case "Reasoning":
    case "Tool":
      return act(state, event)
    case "Finish":
      return end(state, null, event.reason)
    case "Failed":
      return end(state, event.failure, "error")
    case "Accepted":
    case "Usage":
      return [state, ""]
  }
}

/**
 * The next state, and the frames to send (maybe none). Concatenated, the deltas of a text part are the agent's text with
 * lone surrogates replaced by U+FFFD; a pair that was split between two deltas is joined. A text that would pass the
 * stream's bound is not sent and ends the stream as a failure. After the end, everything is ignored.
 */
export const encode = (state: State, event: Encoding.Event): Step => {
  if (state.phase === "ended") return [state, ""]
  // Nearly all of what comes.
  if (event._tag === "Text" && state.phase !== "fresh") return say(state, event.delta)
  if (state.phase !== "fresh") return step(state, event)
  const [next, frames] = step({ ...state, phase: "open" }, event)
  return [next, start(state) + frames]
}

/** `encode` for several events at once. */
export const encodeAll = (state: State, events: Iterable<Encoding.Event>): Step => {
  let current = state
  let text = ""
  for (const event of events) {
    const [next, frames] = encode(current, event)
    current = next
    text += frames
  }
  return [current, text]
}

/** Begins a stream. */
export const begin: Encoding.Begin = Encoding.make({ initial, encodeAll, isEnded })
