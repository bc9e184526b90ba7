/**
 * Reads the body of an agent's event stream as the events of an answer, and limits how fast it is read and how much it may hold
 * besides its text.
 *
 * Reading an answer costs processor time that all instances share, with or without text: a reasoning model sends thousands of
 * frames before its first word. So every frame has a cost. An answer that arrives too fast is paused, and one that sends too
 * much besides its text is ended.
 *
 * The limits fit ordinary agents. A token arrives in a frame of 200 to 300 bytes, 500 if its reasoning is sent twice. `burst`
 * is the first 8,000 tokens at any speed; `rate` is a thousand tokens a second after that, which few models reach, and
 * costs about a hundredth of a core. `maxOverhead` is 130,000 to 250,000 tokens of reasoning, more than any model may produce,
 * and ends a flood after four minutes.
 *
 * @module
 */
import { StringDecoder } from "node:string_decoder"
import { Predicate, Result } from "effect"
import { Sse } from "effect/encoding"
import { AgentBroken, AgentEmpty, type AgentFailure } from "../AgentStream.ts"
import type { AgentEvent } from "./Agent.ts"
import { Answer, cleanName } from "./Answer.ts"
import type { AgentProtocol, EventReader } from "./Protocol.ts"
import * as Protocol from "./Protocol.ts"

/** The minimum cost of a frame, in bytes: a small frame takes as long to read as the frame of a token. */
export const frameCost = 256

/** The cost that may arrive at any speed, in bytes. */
export const burst = 2 * 1024 * 1024

/** The cost that may arrive after the burst, in bytes a second. */
export const rate = 256 * 1024

/**
 * The minimum pause, in milliseconds. When reading resumes, the HTTP client reads up to 64 KiB more and copies its whole
 * buffer: pausing after every few small chunks would cost more than reading them.
 */
export const pause = 2_000

/** The maximum cost of an answer besides its text, in bytes. */
export const maxOverhead = 64 * 1024 * 1024

/** The cost that each UTF-16 unit of text offsets, in bytes: enough for a frame whose text is a single unit. */
const textCredit = 512

/** The counts of one answer. Begin with `initialThrottle`. */
export interface Throttle {
  /** The cost that is above `rate`, in bytes, at the time `at`. */
  readonly level: number
  /** In milliseconds of the caller's clock. */
  readonly at: number
  /** The cost that text does not offset, in bytes; negative while text could offset more. */
  readonly overhead: number
}

export const initialThrottle: Throttle = { level: 0, at: 0, overhead: 0 }

/** One chunk: its bytes, the frames that ended in it, and their text in UTF-16 units. */
export interface Chunk {
  readonly bytes: number
  readonly frames: number
  readonly units: number
}

/** Counts a chunk that arrived at `now`. A chunk costs at least one frame. */
export const throttled = (state: Throttle, now: number, { bytes, frames, units }: Chunk): Throttle => {
  const cost = Math.max(bytes, frameCost, frameCost * frames)
  const left = state.level - (Math.max(0, now - state.at) * rate) / 1000
  return { level: Math.max(0, left) + cost, at: now, overhead: state.overhead + cost - textCredit * units }
}

/** The pause before the next read, in milliseconds from `at`; zero for none. */
export const pauseAfter = ({ level }: Throttle): number =>
  level > burst ? Math.max(pause, ((level - burst) * 1000) / rate) : 0

/** Whether the answer sent too much besides its text, and must be ended. */
export const isExceeded = ({ overhead }: Throttle): boolean => overhead > maxOverhead

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
  private throttle = initialThrottle

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
    this.throttle = throttled(this.throttle, now, { bytes: chunk.length, frames, units: textUnits(taken) })
    if (!this.isOver) {
      if (error !== undefined) answer.fail("the agent sent an event that is too large")
      else if (isExceeded(this.throttle)) answer.fail("the agent sent too much besides its text")
    }
    return { events: taken, hasFrames: frames > 0, wait: pauseAfter(this.throttle) }
  }

  /** Reads an answer that was not streamed. False if the text is not an answer of the protocol. */
  readWhole(text: string): boolean {
    const body = Protocol.parse(text)
    return Predicate.isObject(body) && this.protocol.readWhole(body, this.answer)
  }

  /** What a JSON text is by its own words, for the log. */
  static kindOf(text: string): string {
    const { object, type } = Protocol.fields(Protocol.parse(text))
    return cleanName(Protocol.text(object) || Protocol.text(type))
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
