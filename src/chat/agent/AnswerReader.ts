/**
 * Reads the body of an agent's event stream as the events of an answer, and decides how long reading pauses.
 *
 * @module
 */
import { StringDecoder } from "node:string_decoder"
import { Predicate, Result } from "effect"
import { Sse } from "effect/encoding"
import { AgentBroken, AgentEmpty, type AgentFailure } from "../AgentStream.ts"
import type { AgentEvent } from "./Agent.ts"
import * as AgentThrottle from "./AgentThrottle.ts"
import { Answer } from "./Answer.ts"
import type { AgentProtocol, EventReader } from "./Protocol.ts"
import * as Protocol from "./Protocol.ts"
import * as ProviderError from "./ProviderError.ts"

/** The longest event of a stream, in UTF-16 units. Long events repeat the whole output, or contain an image that a tool made. */
const maxEventSize = 1.5 * 1024 * 1024

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
  private readonly bodyType: string
  private readonly decoder = new StringDecoder("utf8")
  private readonly parser: Sse.Parser
  /** How many events ended since the beginning. */
  private frames = 0
  private throttle = AgentThrottle.initial

  /** @param bodyType describes the type of the body, for the log */
  constructor(protocol: AgentProtocol, bodyType: string) {
    this.protocol = protocol
    this.bodyType = bodyType
    this.events = protocol.makeReader()
    this.parser = Sse.makeParser((event) => this.apply(event), { maxEventSize })
  }

  /**
   * Reads the next chunk, which arrived at `now`, up to the end or a fault of the answer. The events do not depend on how
   * the bytes are cut into chunks.
   */
  read(chunk: Uint8Array, now: number): Read {
    const { answer } = this
    const before = this.frames
    const error = this.parser.feed(this.decoder.write(chunk))
    const frames = this.frames - before
    const taken = answer.take()
    this.throttle = AgentThrottle.take(this.throttle, now, { bytes: chunk.length, frames, units: textUnits(taken) })
    if (!this.isOver) {
      if (error !== undefined) answer.fail("the agent sent an event that is too large")
      else if (AgentThrottle.isExceeded(this.throttle)) answer.fail("the agent sent too much besides its text")
    }
    return { events: taken, hasFrames: frames > 0, wait: AgentThrottle.wait(this.throttle) }
  }

  /** Reads an answer that was not streamed. False if the text is not an answer of the protocol. */
  readWhole(text: string): boolean {
    const body = Protocol.parse(text)
    return Predicate.isObject(body) && this.protocol.readWhole(body, this.answer)
  }

  /** What a JSON text is by its own words, for the log. */
  static kindOf(text: string): string {
    const { object, type } = Protocol.fields(Protocol.parse(text))
    return ProviderError.cleanName(Protocol.text(object) || Protocol.text(type))
  }

  /** Whether reading is over: the protocol ended the answer, or the answer has a fault. */
  get isOver(): boolean {
    return this.answer.isDone || this.answer.fault !== undefined
  }

  /** Ends the answer. Returns the last events, and the failure of an answer that did not succeed. */
  end(): { readonly events: ReadonlyArray<AgentEvent>; readonly failure: AgentFailure | undefined } {
    const { answer } = this
    if (this.frames === 0 && !answer.isDone) {
      answer.fail(`the agent's response ${this.bodyType} has no event`)
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

  /** Counts an event, and applies it unless the answer is over. */
  private apply(event: Sse.AnyEvent): void {
    if (event._tag === "Retry") return
    this.frames++
    if (!this.isOver) this.events.read(event, this.answer)
  }
}
