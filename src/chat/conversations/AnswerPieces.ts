/**
 * Joins the stored pieces of an answer. Events may be stored twice, in a piece of their own and in a longer one: if storing a
 * piece has an unknown result, its events are stored again, together with those that arrived meanwhile. Pure.
 *
 * @module
 */
import type { AgentEvent } from "../agent/Agent.ts"

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

/** The events from a position on, and the position after them. */
export const eventsFrom = (
  pieces: ReadonlyArray<Piece>,
  position: number
): { readonly events: ReadonlyArray<AgentEvent>; readonly next: number } => {
  const events: Array<AgentEvent> = []
  let next = position
  for (const [end, piece] of [...pieces].sort((left, right) => startOf(left) - startOf(right))) {
    if (end <= next) continue
    for (const event of piece.slice(Math.max(0, next - startOf([end, piece])))) events.push(event)
    next = end
  }
  return { events, next }
}

const startOf = ([end, events]: Piece): number => end - events.length
