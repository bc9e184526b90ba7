/**
 * Reads the bytes of an agent's stream as the events of an answer.
 *
 * @module
 */
import type { AgentEvent } from "../core/chat/Agent.ts"
import { Answer } from "./Answer.ts"
import * as Json from "./Json.ts"
import type { AgentProtocol, EventReader } from "./Protocol.ts"
import * as Sse from "./Sse.ts"

/** The longest event of a stream, in bytes: a response that repeats its whole output, or an image that a tool made. */
const maxEventSize = 1.5 * 1024 * 1024

const blankLine = Buffer.from("\n\n")

export interface Read {
  readonly events: ReadonlyArray<AgentEvent>
  /** How many events of the stream were read, those without meaning too. */
  readonly frames: number
  /** How many lines ended. */
  readonly lines: number
}

export class AnswerReader {
  readonly answer = new Answer()
  private readonly events: EventReader
  private state = Sse.initial

  constructor(protocol: AgentProtocol) {
    this.events = protocol.makeReader()
  }

  /** Reads the next piece, up to the end or a fault of the answer. How the bytes are cut into pieces does not matter. */
  read(chunk: Buffer): Read {
    const { answer } = this
    const { events, isOver, lines, state } = Sse.read(this.state, chunk, maxEventSize)
    this.state = state
    for (const event of events) {
      this.events.read(event, answer)
      if (answer.isDone || answer.fault !== undefined) break
    }
    if (isOver && !answer.isDone) answer.fail("the agent sent a frame over the bound")
    return { events: answer.take(), frames: events.length, lines }
  }

  /** Reads a last event that has no blank line behind it, as some runtimes end, if it is whole. */
  readRest(): void {
    const { answer } = this
    if (answer.isDone || answer.fault !== undefined) return
    for (const event of Sse.read(this.state, blankLine, maxEventSize).events) {
      if (event.data.trim() === "[DONE]" || Json.parse(event.data) !== undefined) this.events.read(event, answer)
    }
    this.state = Sse.initial
  }
}
