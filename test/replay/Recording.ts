/**
 * A recorded stream of a model provider, and what a visitor must get from it. This module shares no code with the
 * readers of `src/chat/agent`, so that a comparison finds the errors of those readers.
 *
 * @module
 */

export type Protocol = "openai-chat" | "openai-responses" | "anthropic"

type Frame = Readonly<Record<string, unknown>>

export interface Recording {
  readonly protocol: Protocol
  readonly frames: ReadonlyArray<Frame>
}

export interface Expected {
  /** The exact text. */
  readonly text: string
  /** The URLs that the answer cites, each once. */
  readonly citations: ReadonlyArray<string>
  readonly hasReasoning: boolean
  readonly hasTools: boolean
  /** Whether the provider reported an error, or the answer has no text. A visitor must then get an error. */
  readonly fails: boolean
}

/** The value at a path in JSON whose shape is not known, such as `choices.0.delta.content`. */
const at = (value: unknown, ...keys: ReadonlyArray<string | number>): unknown =>
  keys.reduce<unknown>(
    (inner, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined),
    value
  )

const list = (value: unknown): ReadonlyArray<unknown> => (Array.isArray(value) ? value : [])
const string = (value: unknown): string => (typeof value === "string" ? value : "")

const protocolOf = (frames: ReadonlyArray<Frame>): Protocol | null => {
  const types = frames.map((frame) => string(frame["type"]))
  if (types.some((type) => type.startsWith("response."))) return "openai-responses"
  if (types.some((type) => type === "message_start" || type.startsWith("content_block"))) return "anthropic"
  return frames.some((frame) => Array.isArray(frame["choices"])) ? "openai-chat" : null
}

/** Reads a file of JSON documents, one per line; null if it is not a recording. */
export const parse = (text: string): Recording | null => {
  try {
    const lines = text.split("\n").filter((line) => line.trim() !== "" && line.trim() !== "[DONE]")
    const frames = lines.map((line) => JSON.parse(line) as Frame)
    const protocol = protocolOf(frames)
    return protocol === null ? null : { protocol, frames }
  } catch {
    return null
  }
}

/** The stream as the provider sent it. */
export const toEventStream = ({ frames, protocol }: Recording): string => {
  const event = (frame: Frame): string => {
    const name = protocol === "openai-chat" ? "" : `event: ${string(frame["type"])}\n`
    return `${name}data: ${JSON.stringify(frame)}\n\n`
  }
  return frames.map(event).join("") + (protocol === "openai-chat" ? "data: [DONE]\n\n" : "")
}

/** The contents of a recording's frames. */
interface Contents {
  readonly text: ReadonlyArray<string>
  readonly citations: ReadonlyArray<unknown>
  readonly hasReasoning: boolean
  readonly hasTools: boolean
  readonly hasError: boolean
}

const ofChat = (frames: ReadonlyArray<Frame>): Contents => {
  const deltas = frames.map((frame) => at(frame, "choices", 0, "delta"))
  const parts = deltas.flatMap((delta) => {
    const content = at(delta, "content")
    return typeof content === "string" ? [{ type: "text", text: content }] : list(content)
  })
  return {
    text: [
      ...parts.map((part) => (at(part, "type") === "text" ? string(at(part, "text")) : "")),
      ...deltas.map((delta) => string(at(delta, "refusal")))
    ],
    citations: [
      ...frames.flatMap((frame) => list(at(frame, "citations"))),
      ...deltas.flatMap((delta) =>
        list(at(delta, "annotations")).map((annotation) => at(annotation, "url_citation", "url"))
      )
    ],
    hasReasoning:
      parts.some((part) => at(part, "type") === "thinking") ||
      deltas.some((delta) => string(at(delta, "reasoning_content")) + string(at(delta, "reasoning")) !== ""),
    hasTools: deltas.some((delta) => list(at(delta, "tool_calls")).length > 0),
    hasError: frames.some((frame) => (frame["error"] ?? null) !== null)
  }
}

const ofResponses = (frames: ReadonlyArray<Frame>): Contents => {
  const items = frames
    .filter(({ type }) => type === "response.output_item.added")
    .map((frame) => at(frame, "item", "type"))
  return {
    text: frames.map((frame) =>
      frame["type"] === "response.output_text.delta" || frame["type"] === "response.refusal.delta"
        ? string(frame["delta"])
        : ""
    ),
    citations: frames
      .filter(({ type }) => type === "response.output_text.annotation.added")
      .map((frame) => at(frame, "annotation", "url")),
    hasReasoning: items.includes("reasoning"),
    hasTools: items.some((type) => string(type).endsWith("_call")),
    hasError: frames.some(({ type }) => type === "error" || type === "response.failed")
  }
}

const ofAnthropic = (frames: ReadonlyArray<Frame>): Contents => {
  const blocks = frames.map((frame) => at(frame, "content_block"))
  const deltas = frames.map((frame) => at(frame, "delta"))
  return {
    text: frames.map(
      (frame) =>
        (at(frame, "content_block", "type") === "text" ? string(at(frame, "content_block", "text")) : "") +
        (at(frame, "delta", "type") === "text_delta" ? string(at(frame, "delta", "text")) : "")
    ),
    citations: deltas.map((delta) => at(delta, "citation", "url")),
    hasReasoning: blocks.some((block) => string(at(block, "type")).includes("thinking")),
    hasTools: blocks.some((block) => string(at(block, "type")).endsWith("tool_use")),
    hasError: frames.some(({ type }) => type === "error")
  }
}

const readers: Readonly<Record<Protocol, (frames: ReadonlyArray<Frame>) => Contents>> = {
  "openai-chat": ofChat,
  "openai-responses": ofResponses,
  anthropic: ofAnthropic
}

export const expected = ({ frames, protocol }: Recording): Expected => {
  const { citations, hasError, hasReasoning, hasTools, text } = readers[protocol](frames)
  const joined = text.join("")
  const urls = citations.filter((url): url is string => typeof url === "string" && /^https?:/.test(url))
  return {
    text: joined,
    citations: [...new Set(urls)],
    hasReasoning,
    hasTools,
    fails: hasError || joined.trim() === ""
  }
}
