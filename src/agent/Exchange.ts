/**
 * One request to a runtime and its answer as it comes, on undici's own dispatch: the bytes are read in the call that
 * brings them, and an idle answer is one object, where a client of streams keeps some forty.
 *
 * @module
 */
import type * as Undici from "@effect/platform-node/Undici"
import { type Array as Arr, Cause, Effect, Option, type Pull } from "effect"
import type { AgentEvent } from "../core/chat/Agent.ts"
import * as AgentThrottle from "../core/chat/AgentThrottle.ts"
import * as SystemErrorCode from "../core/text/SystemErrorCode.ts"
import type { DeadlineScheduler, Scheduled } from "../runtime/DeadlineScheduler.ts"
import { AgentBroken, type AgentError, AgentRefused, AgentTimeout } from "../services/chat/AgentStream.ts"
import * as Answer from "./Answer.ts"
import * as Completion from "./Completion.ts"

/** The longest answer of a runtime that does not stream, in bytes. */
const maxWholeSize = 1024 * 1024

/** What a piece of such an answer counts for at least, in bytes: one of a single byte takes twice as much memory. */
const pieceCost = 64

/** How many informational responses (1xx) an agent may send before its answer. One or two have a use, for a browser. */
const maxInformational = 16

/** How much may wait for the reader before the agent is held back, in UTF-16 units of text. */
const maxWaiting = 16 * 1024

/**
 * How long an agent that has finished may take to end its answer, in milliseconds, and how much it may still say, in
 * bytes. If it keeps to it, its connection serves the next request, which needs none of its own then.
 */
const linger = { millis: 1000, bytes: 64 * 1024 }

const accepted: AgentEvent = { _tag: "Accepted" }
const refused = (reason: string) => new AgentRefused({ reason })
const broken = (reason: string) => new AgentBroken({ reason })

/** What undici is told when we leave. One for all: making an error walks the stack. */
const left = new Error("The answer is not read any further")

/** The type of a response's body, without its parameters. */
const mediaType = (header: string | Array<string> | undefined): string =>
  (typeof header === "string" ? header : "").split(";", 1)[0]!.trim().toLowerCase()

type Events = Arr.NonEmptyReadonlyArray<AgentEvent>
type EventPull = Pull.Pull<Events, AgentError>

/** `asking` until the headers came; `finished` after the last word, `over` when nothing more is of interest. */
type Phase = "asking" | "whole" | "streaming" | "finished" | "over"

export class Exchange implements Undici.Dispatcher.DispatchHandler, Scheduled {
  due = 0
  heapIndex = -1
  private phase: Phase = "asking"
  private controller: Undici.Dispatcher.DispatchController | undefined
  private state = Answer.initial
  private inflow = AgentThrottle.initial
  /** Whether the agent came too fast and is not read until the alarm rings. */
  private isHeld = false
  /** The body of an answer that is not streamed. */
  private parts: Array<Buffer> | undefined
  private size = 0
  private informational = 0
  /** What the reader has not taken yet. */
  private waiting: Array<AgentEvent> = []
  private waitingSize = 0
  /** How it ends for the reader, once it has taken everything. */
  private end: EventPull | undefined
  private taker: ((events: EventPull) => void) | undefined
  private isDelivering = false
  /** Since when the agent is waited for. */
  private since: number
  private readonly alarms: DeadlineScheduler
  private readonly timeout: number

  constructor(alarms: DeadlineScheduler, timeoutMillis: number) {
    this.alarms = alarms
    this.timeout = timeoutMillis
    this.since = alarms.now()
    alarms.set(this, this.since + timeoutMillis)
  }

  /** Waits for what the agent says next. One reader at a time. */
  readonly pull: EventPull = Effect.callback<Events, AgentError | Cause.Done>((resume) => {
    const next = this.next()
    if (next !== undefined) return resume(next)
    this.taker = resume
    if (this.phase === "streaming") this.since = this.alarms.now()
    return this.forget
  })

  private readonly forget = Effect.sync(() => {
    this.taker = undefined
  })

  /** The reader goes. What the agent still says is not read, except for the end of an answer that it has finished. */
  leave(): void {
    this.waiting = []
    if (this.phase === "finished" || this.phase === "over") return
    this.abandon()
  }

  onDeadline(now: number): number | undefined {
    if (this.phase === "over") return undefined
    if (this.phase === "finished") {
      this.abandon()
      return undefined
    }
    if (this.isHeld) {
      this.isHeld = false
      // It could not say anything meanwhile.
      this.since = now
      this.readOn()
      return now + this.timeout
    }
    // A reader that does not wait for the agent cannot say that it is silent.
    if (this.phase === "streaming" && this.taker === undefined) return now + this.timeout
    const due = this.since + this.timeout
    if (now < due) return due
    this.fail(new AgentTimeout())
    return undefined
  }

  onRequestStart(controller: Undici.Dispatcher.DispatchController): void {
    this.controller = controller
    if (this.phase === "over") controller.abort(left)
  }

  onResponseStart(
    controller: Undici.Dispatcher.DispatchController,
    status: number,
    headers: Readonly<Record<string, string | Array<string> | undefined>>
  ): void {
    // Nobody looks at them again, and they are a kilobyte for as long as the answer lasts.
    controller.rawHeaders = null
    if (this.phase !== "asking") return
    if (status < 200) {
      if (++this.informational > maxInformational) this.fail(refused("the agent sent responses without an answer"))
      return
    }
    const type = mediaType(headers["content-type"])
    if (status > 299) this.fail(refused(`the agent answered with status ${status}`))
    else if (type === "application/json") {
      this.phase = "whole"
      this.parts = []
    } else if (type !== "text/event-stream") {
      this.fail(refused("the agent answered something that is no event stream"))
    } else {
      this.phase = "streaming"
      this.say([accepted])
    }
  }

  onResponseData(controller: Undici.Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.phase === "streaming") this.read(controller, chunk)
    else if (this.phase === "whole") {
      this.size += Math.max(chunk.length, pieceCost)
      this.parts?.push(chunk)
      if (this.size > maxWholeSize) this.fail(refused("the agent answered without a stream, and over the bound"))
    } else if (this.phase === "finished") {
      this.size += chunk.length
      if (this.size > linger.bytes) this.abandon()
    }
  }

  onResponseEnd(): void {
    if (this.phase === "streaming") this.fail(broken("the agent's stream ended before its answer did"))
    else if (this.phase === "whole") this.readWhole()
    this.settle()
  }

  onResponseError(_: unknown, error: Error): void {
    if (this.phase === "asking") this.fail(refused(`the agent could not be reached${SystemErrorCode.suffix(error)}`))
    else if (this.phase === "whole")
      this.fail(refused(`the connection to the agent broke${SystemErrorCode.suffix(error)}`))
    else if (this.phase === "streaming")
      this.fail(broken(`the connection to the agent broke${SystemErrorCode.suffix(error)}`))
    this.settle()
  }

  private read(controller: Undici.Dispatcher.DispatchController, chunk: Buffer): void {
    const { events, fault, frames, lines, state } = Answer.read(this.state, chunk)
    this.state = state
    const now = this.alarms.now()
    if (frames > 0) this.since = now
    const units = events.length > 0 ? this.say(events) : 0
    this.inflow = AgentThrottle.take(this.inflow, now, { bytes: chunk.length, frames, lines, units })
    if (fault !== undefined) this.fail(broken(fault))
    else if (events.at(-1)?._tag === "Finish") this.finish()
    else if (AgentThrottle.isOver(this.inflow)) this.fail(broken("the agent sent too much besides its text"))
    else {
      const wait = AgentThrottle.wait(this.inflow)
      if (wait > 0) this.hold(now + wait)
      if (wait > 0 || this.isFull()) controller.pause()
    }
  }

  /** Has the agent not be read until a time, whatever its reader takes meanwhile. */
  private hold(until: number): void {
    this.isHeld = true
    this.alarms.set(this, until)
  }

  /** Has the agent be read again, if nothing is against it. Not at once: we may be inside of undici's parser, or of an alarm. */
  private readOn(): void {
    queueMicrotask(() => {
      if (!this.isHeld && !this.isFull()) this.controller?.resume()
    })
  }

  private isFull(): boolean {
    return this.waitingSize > maxWaiting
  }

  private readWhole(): void {
    const read = Completion.readWhole(Buffer.concat(this.parts ?? []).toString("utf8"))
    if (Option.isNone(read)) this.fail(refused("the agent answered JSON that is no chat completion"))
    else {
      this.say([accepted, ...read.value])
      this.finish()
    }
  }

  /** Gives how many UTF-16 units of text that was. */
  private say(events: ReadonlyArray<AgentEvent>): number {
    let units = 0
    for (const event of events) {
      this.waiting.push(event)
      if (event._tag === "Text") units += event.delta.length
    }
    this.waitingSize += units
    this.deliver()
    return units
  }

  private finish(): void {
    this.end = Cause.done()
    this.phase = "finished"
    this.size = 0
    this.alarms.set(this, this.alarms.now() + linger.millis)
    this.deliver()
  }

  private fail(error: AgentError): void {
    this.end ??= Effect.fail(error)
    this.abandon()
    this.deliver()
  }

  /** Has the connection closed, if there is one. */
  private abandon(): void {
    this.settle()
    this.controller?.abort(left)
  }

  private settle(): void {
    this.phase = "over"
    this.parts = undefined
    this.state = Answer.initial
    this.alarms.cancel(this)
  }

  /** What the reader gets now; undefined if it must wait. */
  private next(): EventPull | undefined {
    const events = this.waiting
    if (events.length === 0) return this.end
    this.waiting = []
    this.waitingSize = 0
    if (this.controller?.paused === true) this.readOn()
    return Effect.succeed(events as ReadonlyArray<AgentEvent> as Events)
  }

  /** Wakes the reader when the parser is through with all that came at once, so that it gets it at once. */
  private deliver(): void {
    if (this.taker === undefined || this.isDelivering) return
    this.isDelivering = true
    queueMicrotask(() => {
      this.isDelivering = false
      const { taker } = this
      const next = taker === undefined ? undefined : this.next()
      if (taker === undefined || next === undefined) return
      this.taker = undefined
      taker(next)
    })
  }
}
