/**
 * Folds the events of an answer into the parts of its message, joins the stored pieces of its events, and decides its last event and
 * whether its visitor is without an answer. Pure.
 *
 * The parts have the order in which they began. A tool separates two texts, as it does in the client's stream (`ChatStream`).
 * Reasoning and tool activity are not kept.
 *
 * @module
 */

import { Option } from "effect"
import { type AgentEvent, activityOf } from "../agent/Agent.ts"
import type { AnswerEnding, MessagePart } from "./Conversation.ts"

/** The maximum number of sources of one answer. Later sources are dropped. */
export const maxSources = 50

/** The maximum length of a source's URL, in UTF-16 units. A source with a longer URL is dropped. */
export const maxUrl = 2_048

/** The maximum length of a source's title, in UTF-16 units. A longer title is cut. */
export const maxTitle = 300

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

/** The parts of an answer so far, and whether the answer's next text continues the last text part. */
export interface Folded {
  readonly parts: Parts
  readonly isTextOpen: boolean
}

/** An answer without events. */
export const none: Folded = { parts: [], isTextOpen: false }

const addText = ({ isTextOpen, parts }: Folded, delta: string): Folded => {
  if (delta === "") return { parts, isTextOpen }
  const index = isTextOpen ? parts.findLastIndex((part) => part.type === "text") : -1
  if (index === -1) return { parts: [...parts, { type: "text", text: delta }], isTextOpen: true }
  const extended = parts.map((part, at) =>
    at === index && part.type === "text" ? { ...part, text: part.text + delta } : part
  )
  return { parts: extended, isTextOpen: true }
}

const add = (folded: Folded, event: AgentEvent): Folded => {
  switch (event._tag) {
    case "Text":
    case "Refusal":
      return addText(folded, event.delta)
    case "Source": {
      // A source is added once.
      const source = sourceOf(folded.parts, event.url, event.title)
      return source === null ? folded : { ...folded, parts: [...folded.parts, source] }
    }
    case "Tool":
      return activityOf(event) === null ? folded : { ...folded, isTextOpen: false }
    default:
      return folded
  }
}

/** The parts after these events. */
export const addAll = (folded: Folded, events: ReadonlyArray<AgentEvent>): Folded =>
  joinTexts(events).reduce(add, folded)

/** The parts of an answer with these events. */
export const fromEvents = (events: ReadonlyArray<AgentEvent>): Parts => addAll(none, events).parts

/** The parts with U+FFFD in place of lone halves of surrogate pairs, as clients receive them. */
export const toWellFormed = (parts: Parts): Parts =>
  parts.map((part) => (part.type === "text" ? { ...part, text: part.text.toWellFormed() } : part))

/** A part of a message, as it is stored or as its owner reads it. */
type AnyPart =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "source-url"; readonly url: string; readonly title?: string | null }

/** The text of a message: its text parts as paragraphs, because a tool separates them. */
export const textOf = (parts: ReadonlyArray<AnyPart>): string =>
  parts.flatMap((part) => (part.type === "text" ? [part.text] : [])).join("\n\n")

/** The number of UTF-16 units in all texts, URLs and titles, which count against `Conversation.maxSize`. */
export const sizeOf = (parts: ReadonlyArray<AnyPart>): number =>
  parts.reduce(
    (sum, part) => sum + (part.type === "text" ? part.text.length : part.url.length + (part.title?.length ?? 0)),
    0
  )

/** The endings of an answer that the visitor ended. Such an answer is not missing, even if it is empty. */
export const endedByVisitor = ["stopped", "superseded"] as const

/** The endings of an answer that broke off. */
export const brokenOff = ["failed", "cut"] as const

/** An answer's ending, and its size by `sizeOf`. */
interface Ended {
  readonly ending: AnswerEnding
  readonly size: number
}

/** Whether the visitor did not get an answer: it broke off, or it ended empty although the visitor did not end it. */
export const isMissing = ({ ending, size }: Ended): boolean =>
  (brokenOff as ReadonlyArray<string>).includes(ending) ||
  (!(endedByVisitor as ReadonlyArray<string>).includes(ending) && size === 0)

/**
 * What an ended answer says about its conversation: whether the visitor is without an answer. Null for an answer that its
 * visitor ended at once, after which the conversation is as it was before.
 */
export const isUnansweredAfter = (answer: Ended): boolean | null =>
  (endedByVisitor as ReadonlyArray<string>).includes(answer.ending) && answer.size === 0 ? null : isMissing(answer)

/** What is stored of an answer that ended. */
export interface StoredEnd {
  readonly ending: AnswerEnding
  /** The parts as JSON. */
  readonly parts: string
  /** The length of the text, in UTF-16 units. */
  readonly characters: number
  readonly size: number
  /** See `isUnansweredAfter`. */
  readonly isUnanswered: boolean | null
}

export const storedEnd = (parts: Parts, ending: AnswerEnding): StoredEnd => {
  const size = sizeOf(parts)
  return {
    ending,
    parts: JSON.stringify(parts),
    characters: textOf(parts).length,
    size,
    isUnanswered: isUnansweredAfter({ ending, size })
  }
}

/** Stands for the tools between two text parts, because tools are not stored. */
const separator: AgentEvent = { _tag: "Tool", id: "", name: "", state: "running" }

/**
 * The events that a reader with the parts `had` still needs for the parts `all`. If `had` are the parts of an answer's first
 * events, and `all` those of all its events, `addAll(had, missing(had, all)).parts` is `all`.
 */
export const missing = (had: Folded, all: Parts): ReadonlyArray<AgentEvent> => {
  let isTextOpen = had.isTextOpen
  return all.flatMap((part, index): ReadonlyArray<AgentEvent> => {
    const known = had.parts[index]
    if (part.type === "source-url") {
      return known === undefined ? [{ _tag: "Source", url: part.url, title: part.title ?? null }] : []
    }
    if (known !== undefined) {
      const delta = known.type === "text" ? part.text.slice(known.text.length) : part.text
      return delta === "" ? [] : [{ _tag: "Text", delta }]
    }
    const begun: AgentEvent = { _tag: "Text", delta: part.text }
    const events = isTextOpen ? [separator, begun] : [begun]
    isTextOpen = true
    return events
  })
}

/** Joins adjacent texts, so that a piece or a slow reader gets one long text instead of many short ones. */
export const joinTexts = (events: ReadonlyArray<AgentEvent>): ReadonlyArray<AgentEvent> => {
  const joined: Array<AgentEvent> = []
  for (const event of events) {
    const last = joined.at(-1)
    if (event._tag === "Text" && last?._tag === "Text") {
      joined[joined.length - 1] = { _tag: "Text", delta: last.delta + event.delta }
    } else joined.push(event)
  }
  return joined
}

/** The number of the answer's events up to the end of this piece, and the events of the piece. */
export type Piece = readonly [end: number, events: ReadonlyArray<AgentEvent>]

/**
 * The events of the pieces after a position, which is the end of a piece, and the position after them. A process of an earlier version
 * may have stored events twice: in a piece of their own, and at the beginning of a longer one.
 */
export const eventsFrom = (
  pieces: ReadonlyArray<Piece>,
  position: number
): { readonly events: ReadonlyArray<AgentEvent>; readonly next: number } => {
  const later = pieces.filter(([end]) => end > position).sort(([left], [right]) => left - right)
  const events = later.flatMap(([end, piece], index) => piece.slice((later[index - 1]?.[0] ?? position) - end))
  return { events, next: later.at(-1)?.[0] ?? position }
}

/** The last event of an answer that ended this way; none if its readers must see an error. */
export const lastEvent = (ending: AnswerEnding): Option.Option<AgentEvent> => {
  switch (ending) {
    case "failed":
    case "cut":
      return Option.none()
    case "stopped":
    case "superseded":
      return Option.some({ _tag: "Finish", reason: "other" })
    case "tool-calls":
      return Option.some({ _tag: "Finish", reason: "stop" })
    default:
      return Option.some({ _tag: "Finish", reason: ending })
  }
}
