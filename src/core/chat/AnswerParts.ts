/**
 * Folds the events of an answer into the parts of its message. Pure.
 *
 * An answer has at most one text part, at the place where its text began, and one part for each source. Reasoning and tool
 * activity are not kept.
 *
 * @module
 */
import type { AgentEvent } from "./Agent.ts"
import type { MessagePart } from "./Conversation.ts"

/** The most sources of one answer. Later ones are dropped. */
export const maxSources = 50

/** The most UTF-16 units of a source's address; a source with a longer one is dropped. */
const maxUrl = 2_000

/** The most UTF-16 units of a source's title; a longer one is cut. */
const maxTitle = 300

type Parts = ReadonlyArray<MessagePart>

const sourceOf = (parts: Parts, url: string, title: string | null): MessagePart | null => {
  const sources = parts.filter((part) => part.type === "source-url")
  if (url.length > maxUrl || sources.length >= maxSources || sources.some((source) => source.url === url)) return null
  const sourceId = `source-${sources.length + 1}`
  return {
    type: "source-url",
    sourceId,
    url,
    ...(title === null ? {} : { title: title.slice(0, maxTitle).toWellFormed() })
  }
}

/** The parts after one more event. A source that the answer already has is not added again. */
export const add = (parts: Parts, event: AgentEvent): Parts => {
  switch (event._tag) {
    case "Text":
    case "Refusal": {
      if (event.delta === "") return parts
      const index = parts.findIndex((part) => part.type === "text")
      if (index === -1) return [...parts, { type: "text", text: event.delta }]
      return parts.map((part, at) => (at === index && part.type === "text" ? extended(part.text, event.delta) : part))
    }
    case "Source": {
      const source = sourceOf(parts, event.url, event.title)
      return source === null ? parts : [...parts, source]
    }
    default:
      return parts
  }
}

const extended = (text: string, delta: string): MessagePart => ({ type: "text", text: text + delta })

/** The parts after these events. */
export const addAll = (parts: Parts, events: Iterable<AgentEvent>): Parts => {
  let current = parts
  for (const event of events) current = add(current, event)
  return current
}

/** The parts of an answer with these events. */
export const fromEvents = (events: Iterable<AgentEvent>): Parts => addAll([], events)

/** The text of a message. */
export const textOf = (parts: Parts): string => parts.map((part) => (part.type === "text" ? part.text : "")).join("")

/** The UTF-16 units of all texts, addresses and titles: what a message counts against the bound of its conversation. */
export const sizeOf = (parts: Parts): number =>
  parts.reduce(
    (sum, part) => sum + (part.type === "text" ? part.text.length : part.url.length + (part.title?.length ?? 0)),
    0
  )

/**
 * The events that lead from the parts that a reader has to those that the answer has: for every split of an answer's
 * events, `addAll(had, missing(had, all))` is `all`.
 */
export const missing = (had: Parts, all: Parts): ReadonlyArray<AgentEvent> => {
  const text = textOf(had)
  const urls = new Set(had.flatMap((part) => (part.type === "source-url" ? [part.url] : [])))
  return all.flatMap((part): ReadonlyArray<AgentEvent> => {
    if (part.type === "text") {
      const delta = part.text.slice(text.length)
      return delta === "" ? [] : [{ _tag: "Text", delta }]
    }
    return urls.has(part.url) ? [] : [{ _tag: "Source", url: part.url, title: part.title ?? null }]
  })
}
