/**
 * Reads the bytes of an agent's stream: the events of `Sse` as the words of `Completion`. Pure.
 *
 * @module
 */
import { Result } from "effect"
import type { AgentEvent } from "../core/chat/Agent.ts"
import * as Completion from "./Completion.ts"
import * as Sse from "./Sse.ts"

/** The longest event of a runtime's stream, in bytes. No token is near it. */
const maxEventSize = 256 * 1024

export interface Read {
  readonly state: Sse.State
  /** What the agent said. After a `Finish` comes nothing. */
  readonly events: ReadonlyArray<AgentEvent>
  /** How many events of the stream were read, those that say nothing too: where there are any, the agent is not silent. */
  readonly frames: number
  /** How many of its lines ended. */
  readonly lines: number
  /** Why it cannot be read any further, in our words; undefined if it can. `events` was before it. */
  readonly fault: string | undefined
}

export const initial = Sse.initial

/** Reads the next piece. How the bytes are cut into pieces does not matter. */
export const read = (state: Sse.State, chunk: Buffer): Read => {
  const sse = Sse.read(state, chunk, maxEventSize)
  const frames = sse.events.length
  const { lines } = sse
  const events: Array<AgentEvent> = []
  for (const event of sse.events) {
    const said = Completion.readEvent(event)
    if (Result.isFailure(said)) return { state: sse.state, events, frames, lines, fault: said.failure }
    for (const one of said.success) events.push(one)
    if (events.at(-1)?._tag === "Finish") return { state: sse.state, events, frames, lines, fault: undefined }
  }
  return {
    state: sse.state,
    events,
    frames,
    lines,
    fault: sse.isOver ? "the agent sent a frame over the bound" : undefined
  }
}
