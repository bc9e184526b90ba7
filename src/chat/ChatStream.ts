/**
 * Turns an agent's answer into the frames of a chat stream, in the protocol of the client. Pure.
 *
 * For any sequence of events the frames are well formed. The start is first. Each text has a start, one or more deltas and an
 * end, and texts do not overlap. Sources and activities may be anywhere after the start, at most one activity at a time. The
 * last frame is the only end of the stream.
 *
 * @module
 */
import { type AgentActivity, type AgentEvent, activityOf, type FinishReason } from "./agent/Agent.ts"
import { maxSources } from "./conversations/AnswerParts.ts"

/** An event whose data is a value as JSON. */
export const event = (data: unknown): string => `data: ${JSON.stringify(data)}\n\n`

/** The last event of a stream in the protocols of OpenAI and the AI SDK. */
export const doneEvent = "data: [DONE]\n\n"

/** Why a chat stream fails. */
export type Failure =
  /** The agent was silent for too long. */
  | "agent-timeout"
  /** The agent's stream broke. */
  | "agent-broken"
  /** The agent finished without text. */
  | "agent-empty"
  /** The agent declined to answer, without text. */
  | "agent-declined"
  /** The stream lasted too long. */
  | "too-long"
  /** The agent's text is too long. */
  | "too-much"
  /** The visitor's client does not read the stream. */
  | "unread"
  /** This process is about to end. */
  | "shutting-down"
  /** An error of this service. */
  | "internal"

/** The sentence that a visitor reads about a failure. */
export const sentences: Readonly<Record<Failure, string>> = {
  "agent-timeout": "The agent stopped answering. Please try again.",
  "agent-broken": "The answer was interrupted. Please try again.",
  "agent-empty": "The assistant found no answer to this. Please ask in other words.",
  "agent-declined": "The assistant does not answer this. Please ask something else.",
  "too-long": "The answer took too long and was ended here.",
  "too-much": "The answer became too long and was ended here.",
  unread: "The answer was not read and was ended here.",
  "shutting-down": "The service is restarting. Please send your message again in a moment.",
  internal: "Something went wrong on our side. Please try again."
}

/** A page that the answer relies on. */
export interface Source {
  readonly sourceId: string
  readonly url: string
  readonly title: string | null
}

/** The tokens of the request and of the answer, as the agent counts them. */
export type Usage = Omit<AgentEvent & { readonly _tag: "Usage" }, "_tag">

/** Encodes the frames of one stream in a client's protocol, which may lack frames. */
export interface Dialect {
  /** The headers of the response that are the protocol's own. */
  readonly headers?: Readonly<Record<string, string>>
  readonly start?: () => string
  readonly textStart?: (textId: string) => string
  readonly textDelta: (textId: string, delta: string) => string
  readonly textEnd?: (textId: string) => string
  readonly source?: (source: Source) => string
  readonly activityStart?: (activity: AgentActivity) => string
  readonly activityEnd?: (activity: AgentActivity) => string
  /** Ends a stream whose agent finished. */
  readonly finished?: (reason: FinishReason, sources: ReadonlyArray<Source>, usage: Usage | null) => string
  /** Ends a stream that failed. */
  readonly failed?: (failure: Failure) => string
}

/**
 * A comment, which opens the connection and keeps it alive. It ends with a single line break: a client by Microsoft takes a
 * blank line after a comment for an empty message.
 */
export const comment = ": ping\n"

/** An event that advances a chat stream. */
export type Event = AgentEvent | { readonly _tag: "Failed"; readonly failure: Failure }

/** The state of a chat stream. Make the first one with `initial`. */
export interface State {
  readonly phase: "fresh" | "open" | "text" | "ended"
  readonly dialect: Dialect
  readonly messageId: string
  /** The id of the open text part, or of the next text part if none is open. */
  readonly textId: string
  /** The first half of a surrogate pair at the end of the last delta, until its other half arrives; else empty. */
  readonly held: string
  /** How many more bytes of text (UTF-8) may be sent. */
  readonly allowance: number
  /** The activity that the client shows; null while there is none. */
  readonly activity: AgentActivity | null
  /** How many text parts were ended. */
  readonly endedTexts: number
  /** The sources that were sent. */
  readonly sources: ReadonlyArray<Source>
  readonly usage: Usage | null
  /** Why the agent finished; null if it has not, or if the stream failed. */
  readonly finishReason: FinishReason | null
  /** Why the stream failed; null if it did not. */
  readonly failure: Failure | null
}

const noSources: ReadonlyArray<Source> = []

/** A stream before its first frame. `maxBytes` limits the agent's text, in bytes of UTF-8. */
export const initial = (options: {
  readonly dialect: Dialect
  readonly messageId: string
  readonly maxBytes: number
}): State => ({
  phase: "fresh",
  dialect: options.dialect,
  messageId: options.messageId,
  textId: options.messageId,
  held: "",
  allowance: options.maxBytes,
  activity: null,
  endedTexts: 0,
  sources: noSources,
  usage: null,
  finishReason: null,
  failure: null
})

/** Whether the end was written. */
export const isEnded = (state: State): boolean => state.phase === "ended"

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff

const replacement = "\uFFFD"

type Step = readonly [State, string]

/** Ends the activity that the client shows, if there is one. */
const endActivity = ({ activity, dialect }: State): string =>
  activity === null ? "" : (dialect.activityEnd?.(activity) ?? "")

const addText = (state: State, delta: string): Step => {
  const text = state.held + delta
  if (text === "") return [state, ""]
  const cut = isHighSurrogate(text.charCodeAt(text.length - 1)) ? text.length - 1 : text.length
  const held = text.slice(cut)
  const whole = text.slice(0, cut).toWellFormed()
  const allowance = state.allowance - Buffer.byteLength(whole)
  // The held half is written as U+FFFD if the other half never arrives.
  if (allowance < (held === "" ? 0 : Buffer.byteLength(replacement))) return fail(state, "too-much")
  const { dialect, textId } = state
  if (whole === "") return [{ ...state, held, activity: null }, endActivity(state)]
  const frames = dialect.textDelta(textId, whole)
  const next: State = { ...state, phase: "text", held, allowance, activity: null }
  if (state.phase === "text" && state.activity === null) return [next, frames]
  return [next, endActivity(state) + (state.phase === "text" ? "" : (dialect.textStart?.(textId) ?? "")) + frames]
}

/** Ends the text part, if there is one. The next text begins a new part. */
const endText = (state: State): Step => {
  const { dialect, held, textId } = state
  if (state.phase !== "text" && held === "") return [state, ""]
  const begin = state.phase === "text" ? "" : (dialect.textStart?.(textId) ?? "")
  const rest = held === "" ? "" : dialect.textDelta(textId, replacement)
  const allowance = state.allowance - (held === "" ? 0 : Buffer.byteLength(replacement))
  const endedTexts = state.endedTexts + 1
  return [
    { ...state, phase: "open", held: "", allowance, endedTexts, textId: `${state.messageId}-${endedTexts}` },
    begin + rest + (dialect.textEnd?.(textId) ?? "")
  ]
}

/** Ends the stream, with its open text part and activity. */
const close = (state: State): Step => {
  const [closed, frames] = endText(state)
  return [{ ...closed, phase: "ended", activity: null }, frames + endActivity(state)]
}

const finish = (state: State, finishReason: FinishReason): Step => {
  const [closed, frames] = close(state)
  const end = state.dialect.finished?.(finishReason, state.sources, state.usage) ?? ""
  return [{ ...closed, finishReason }, frames + end]
}

const fail = (state: State, failure: Failure): Step => {
  const [closed, frames] = close(state)
  return [{ ...closed, failure }, frames + (state.dialect.failed?.(failure) ?? "")]
}

/** A tool between two texts makes them separate parts. */
const showActivity = (state: State, event: AgentEvent): Step => {
  const next = activityOf(event)
  if (next === null || next === state.activity) return [state, ""]
  const [closed, frames] = event._tag === "Tool" ? endText(state) : ([state, ""] as const)
  return [{ ...closed, activity: next }, frames + endActivity(state) + (state.dialect.activityStart?.(next) ?? "")]
}

const addSource = (state: State, url: string, title: string | null): Step => {
  if (state.sources.length === maxSources) return [state, ""]
  const source = { sourceId: `${state.messageId}-source-${state.sources.length + 1}`, url, title }
  return [{ ...state, sources: [...state.sources, source] }, state.dialect.source?.(source) ?? ""]
}

const step = (state: State, event: Event): Step => {
  switch (event._tag) {
    case "Text":
    case "Refusal":
      return addText(state, event.delta)
    case "Source":
      return addSource(state, event.url, event.title)
    case "Reasoning":
    case "Tool":
      return showActivity(state, event)
    case "Usage": {
      const { inputTokens, outputTokens } = event
      return [{ ...state, usage: { inputTokens, outputTokens } }, ""]
    }
    case "Finish":
      return finish(state, event.reason)
    case "Failed":
      return fail(state, event.failure)
    case "Accepted":
      return [state, ""]
  }
}

/**
 * The next state, and the frames to send (maybe none). Concatenated, the deltas of a text part are the agent's text with
 * lone surrogates replaced by U+FFFD; a pair that was split between two deltas is joined. A text that would exceed
 * `maxBytes` is not sent, and the stream fails. After the end, events are ignored.
 */
export const encode = (state: State, event: Event): Step => {
  if (state.phase === "ended") return [state, ""]
  if (state.phase !== "fresh") return step(state, event)
  const [next, frames] = step({ ...state, phase: "open" }, event)
  return [next, (state.dialect.start?.() ?? "") + frames]
}

/** `encode` for several events at once. */
export const encodeAll = (state: State, events: Iterable<Event>): Step => {
  let current = state
  let text = ""
  for (const event of events) {
    const [next, frames] = encode(current, event)
    current = next
    text += frames
  }
  return [current, text]
}

export interface Names {
  readonly messageId: string
  /** The id that the client sends with its next message. */
  readonly conversationId: string
  /** Whether the edge keeps the conversation. */
  readonly memory: boolean
}

const finishFrames = (finishReason: FinishReason | "error"): string =>
  event({ type: "finish", finishReason }) + doneEvent

/** The published protocol: the UI message stream of the AI SDK (see `ChatFrame`). */
export const uiMessageStream = ({ conversationId, memory, messageId }: Names): Dialect => ({
  headers: { "x-vercel-ai-ui-message-stream": "v1" },
  start: () => event({ type: "start", messageId, messageMetadata: { conversation_id: conversationId, memory } }),
  textStart: (id) => event({ type: "text-start", id }),
  textDelta: (id, delta) => event({ type: "text-delta", id, delta }),
  textEnd: (id) => event({ type: "text-end", id }),
  source: ({ sourceId, title, url }) =>
    event({ type: "source-url", sourceId, url, ...(title === null ? {} : { title }) }),
  // Transient: the AI SDK does not keep it in the message. The next part ends it.
  activityStart: (activity) => event({ type: "data-activity", data: { activity }, transient: true }),
  finished: finishFrames,
  failed: (failure) => event({ type: "error", errorText: sentences[failure] }) + finishFrames("error")
})
