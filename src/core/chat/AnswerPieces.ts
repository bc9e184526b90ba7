/**
 * Joins the stored pieces of an answer. A piece may have been stored twice, alone and within a longer one: a caller that
 * learns nothing of the first attempt sends its events again, with those that came meanwhile. Pure.
 *
 * @module
 */
import type { AgentEvent } from "./Agent.ts"

/** How many events the answer has with this piece, and the events of the piece. */
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
