/**
 * Reads the body of an agent's response as the events of an answer, and decides how long reading pauses.
 *
 * @module
 */
import { Predicate, Result } from "effect"
import type { AgentEvent } from "../../core/chat/agent/Agent.ts"
import * as AgentThrottle from "../../core/chat/agent/AgentThrottle.ts"
import * as UnknownName from "../../core/chat/agent/UnknownName.ts"
import { AgentBroken, AgentEmpty, type AgentFailure } from "../../services/chat/AgentStream.ts"
import { Answer } from "./Answer.ts"
import * as Json from "./Json.ts"
import type { AgentProtocol, EventReader } from "./Protocol.ts"
import * as ResponseHead from "./ResponseHead.ts"
import * as Sse from "./Sse.ts"

/** The longest event of a stream, in bytes. Long events repeat the whole output, or contain an image that a tool made. */
const maxEventSize = 1.5 * 1024 * 1024

const blankLine = Buffer.from("\n\n")

/** Whether an event's data is complete: JSON, or `[DONE]`. */
const isWhole = (data: string): boolean => data.trim() === "[DONE]" || Json.parse(data) !== undefined

/**
 * An event with more lines is not split, because the split blocks the process. Lines of the usual size, each with
 * one token, exceed `maxEventSize` before they exceed this number.
 */
const maxLines = 8192

/** Splits an event into one event per line if each line is complete, because some servers end events with a single line break. */
const separate = (event: Sse.Event): ReadonlyArray<Sse.Event> => {
  if (isWhole(event.data)) return [event]
  const lines = event.data.split("\n", maxLines + 1)
  return lines.length <= maxLines && lines.every(isWhole)
    ? lines.map((data) => ({ event: event.event, data }))
    : [event]
}

export interface Read {
  readonly events: ReadonlyArray<AgentEvent>
  /** Whether an event ended, even an ignored one: then the agent is not silent. */
  readonly hasFrames: boolean
  /** How long to pause reading from the agent, in milliseconds; zero for no pause. */
  readonly wait: number
}

const textUnits = (events: ReadonlyArray<AgentEvent>): number => {
  let units = 0
  for (const event of events) if (event._tag === "Text" || event._tag === "Refusal") units += event.delta.length
  return units
}

export class AnswerReader {
  readonly answer = new Answer()
  private readonly protocol: AgentProtocol
  private readonly events: EventReader
  private readonly contentType: string
  private hasEvents = false
  private state = Sse.initial
  private throttle = AgentThrottle.initial

  /** @param contentType that of the response, for the log */
  constructor(protocol: AgentProtocol, contentType: string) {
    this.protocol = protocol
    this.contentType = contentType
    this.events = protocol.makeReader()
  }

  /**
   * Reads the next chunk, which arrived at `now`, up to the end or a fault of the answer. The events do not depend on how
   * the bytes are cut into chunks.
   */
  read(chunk: Buffer, now: number): Read {
    const { answer } = this
    const { events, isTooLarge, lines, state } = Sse.read(this.state, chunk, maxEventSize)
    this.state = state
    const frames = this.apply(events)
    const taken = answer.take()
    this.throttle = AgentThrottle.take(this.throttle, now, {
      bytes: chunk.length,
      frames,
      lines,
      units: textUnits(taken)
    })
    if (!answer.isDone) {
      if (isTooLarge) answer.fail("the agent sent an event that is too large")
      else if (AgentThrottle.isExceeded(this.throttle)) answer.fail("the agent sent too much besides its text")
    }
    return { events: taken, hasFrames: frames > 0, wait: AgentThrottle.wait(this.throttle) }
  }

  /** Reads an answer that was not streamed. False if the text is not an answer of the protocol. */
  readWhole(text: string): boolean {
    const body = Json.parse(text)
    return Predicate.isObject(body) && this.protocol.readWhole(body, this.answer)
  }

  /** What a JSON text is by its own words, for the log. */
  static kindOf(text: string): string {
    const { object, type } = Json.fields(Json.parse(text))
    return UnknownName.clean(Json.text(object) || Json.text(type))
  }

  /** Whether reading is over: the protocol ended the answer, or the answer has a fault. */
  get isOver(): boolean {
    return this.answer.isDone || this.answer.fault !== undefined
  }

  /** Ends the answer. Returns the last events, and the failure of an answer that did not succeed. */
  end(): { readonly events: ReadonlyArray<AgentEvent>; readonly failure: AgentFailure | undefined } {
    this.readRest()
    const { answer } = this
    if (!this.hasEvents && !answer.isDone) {
      answer.fail(`the agent's response ${ResponseHead.describeType(this.contentType)} has no event`)
    }
    const ending = answer.end()
    const events = answer.take()
    if (Result.isSuccess(ending)) return { events, failure: undefined }
    const failure =
      ending.failure._tag === "Fault"
        ? new AgentBroken({ reason: ending.failure.fault })
        : new AgentEmpty({
            finish: answer.finishReason ?? "stop",
            ...(answer.unknownName === undefined ? {} : { unknownEvent: answer.unknownName })
          })
    return { events, failure }
  }

  /** Reads a complete last event without a blank line after it, because some runtimes leave that line out. */
  private readRest(): void {
    if (this.isOver) return
    const { events } = Sse.read(this.state, blankLine, maxEventSize)
    this.apply(events.flatMap(separate).filter(({ data }) => isWhole(data)))
    this.state = Sse.initial
  }

  /**
   * Applies events, up to the end or a fault of the answer. Returns the number of events: it includes those that are not
   * applied, and each line of an event that is split.
   */
  private apply(events: ReadonlyArray<Sse.Event>): number {
    let count = events.length
    this.hasEvents ||= count > 0
    for (const event of events) {
      if (event.data.includes("\n")) {
        const separated = separate(event)
        count += separated.length - 1
        for (const each of separated) this.applyOne(each)
      } else this.applyOne(event)
      if (this.isOver) return count
    }
    return count
  }

  private applyOne(event: Sse.Event): void {
    if (!this.isOver) this.events.read(event, this.answer)
  }
}
