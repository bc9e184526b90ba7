/**
 * An agent's response to one request, on undici's dispatch: the bytes are read in the call that brings them, and an idle
 * answer holds a handful of objects, where a client of streams holds some forty.
 *
 * @module
 */
import type * as Undici from "@effect/platform-node/Undici"
import { Result } from "effect"
import type { AgentEvent } from "../core/chat/Agent.ts"
import * as AgentThrottle from "../core/chat/AgentThrottle.ts"
import * as ContextWindow from "../core/chat/ContextWindow.ts"
import * as RetryAfter from "../core/chat/RetryAfter.ts"
import { ByteCollector } from "../core/data/ByteCollector.ts"
import * as SystemErrorCode from "../core/text/SystemErrorCode.ts"
import type { DeadlineScheduler, Scheduled } from "../runtime/DeadlineScheduler.ts"
import {
  AgentBroken,
  AgentBusy,
  AgentEmpty,
  type AgentError,
  AgentRefused,
  AgentTimeout
} from "../services/chat/AgentStream.ts"
import { AnswerReader } from "./AnswerReader.ts"
import { EventBuffer, type Producer } from "./EventBuffer.ts"
import * as Json from "./Json.ts"
import type { AgentProtocol } from "./Protocol.ts"

/** The longest answer that is not streamed, in bytes. */
const maxWhole = 1024 * 1024

/** What a piece of a body counts for at least, in bytes: many small ones cost processor time. */
const pieceCost = 64

/** How much of a refusal is read to learn its reason, in bytes. */
const maxRefusal = 64 * 1024

/** How many informational responses (1xx) an agent may send before its answer. One or two have a use, for a browser. */
const maxInformational = 16

/** After the end of an answer: how long the response may take to end (milliseconds), and what it may still send (bytes). */
const linger = { millis: 1000, bytes: 64 * 1024 }

/**
 * How long an agent that gave a reason to finish may be silent before its answer counts as ended, in milliseconds.
 * Protocols end a stream with `[DONE]` or the response's end; some runtimes do neither.
 */
const finishGrace = 5000

const accepted: AgentEvent = { _tag: "Accepted" }
const broken = (reason: string) => new AgentBroken({ reason })

/** The error that undici aborts with. One for all: making an error walks the stack. */
const aborted = new Error("The answer is not read any further")

type ResponseHeaders = Readonly<Record<string, string | Array<string> | undefined>>

const header = (headers: ResponseHeaders, name: string): string | undefined => {
  const value = headers[name]
  return typeof value === "string" ? value : value?.[0]
}

/** How a body is to be read; `sniff` until its first byte tells, for a type that says nothing. */
const bodyKind = (headers: ResponseHeaders): "stream" | "sniff" | "unreadable" => {
  const type = (header(headers, "content-type") ?? "").split(";", 1)[0]!.trim().toLowerCase()
  if (type === "text/event-stream") return "stream"
  return ["", "application/json", "text/plain", "application/octet-stream"].includes(type) ? "sniff" : "unreadable"
}

/**
 * `asking` until the headers came; `sniffing` until the first byte came; `whole` and `refused` while a body is collected;
 * `finished` after the end of the answer; `over` when nothing more is of interest.
 */
type Phase = "asking" | "sniffing" | "whole" | "refused" | "streaming" | "finished" | "over"

export interface Options {
  readonly protocol: AgentProtocol
  readonly alarms: DeadlineScheduler
  /** How long the agent may be silent, in milliseconds. */
  readonly timeout: number
  /** Asks once more, with a shorter request, on the same handler. Undefined if the request cannot be shortened. */
  readonly retry: (() => void) | undefined
}

export class AgentResponse implements Undici.Dispatcher.DispatchHandler, Scheduled, Producer {
  due = 0
  heapIndex = -1
  private readonly buffer = new EventBuffer(this)
  private phase: Phase = "asking"
  private controller: Undici.Dispatcher.DispatchController | undefined
  private reader: AnswerReader | undefined
  private inflow = AgentThrottle.initial
  /** Whether the agent sent too fast and is paused until the deadline. */
  private isThrottled = false
  private body: ByteCollector | undefined
  private isResponseOver = false
  private status = 0
  private informational = 0
  /** The bytes of a body that is collected, of the whitespace before it, or after the end of the answer. */
  private collected = 0
  /** When the agent last sent something, or the reader began to wait. */
  private since: number
  private retry: (() => void) | undefined
  private readonly protocol: AgentProtocol
  private readonly alarms: DeadlineScheduler
  private readonly timeout: number

  constructor({ alarms, protocol, retry, timeout }: Options) {
    this.protocol = protocol
    this.alarms = alarms
    this.timeout = timeout
    this.retry = retry
    this.since = alarms.now()
    alarms.set(this, this.since + timeout)
  }

  get pull() {
    return this.buffer.pull
  }

  /** The reader goes. What the agent still sends is not read, except for the rest of a response whose answer ended. */
  leave(): void {
    this.buffer.clear()
    if (this.phase === "finished" || this.phase === "over") return
    this.abandon()
  }

  onWait(): void {
    if (this.phase === "streaming") this.since = this.alarms.now()
  }

  onTaken(): void {
    if (this.controller?.paused === true) this.resume()
  }

  onDeadline(now: number): number | undefined {
    if (this.phase === "over") return undefined
    if (this.phase === "finished") {
      this.abandon()
      return undefined
    }
    if (this.isThrottled) {
      this.isThrottled = false
      this.since = now
      this.resume()
      return now + this.patience()
    }
    // A reader that does not wait for the agent cannot say that it is silent.
    if (this.phase === "streaming" && !this.buffer.hasWaiter) return now + this.patience()
    const due = this.since + this.patience()
    if (now < due) return due
    if (this.hasFinishReason) this.end()
    else this.fail(new AgentTimeout())
    return undefined
  }

  onRequestStart(controller: Undici.Dispatcher.DispatchController): void {
    this.controller = controller
    this.isResponseOver = false
    if (this.phase === "over") controller.abort(aborted)
  }

  onResponseStart(controller: Undici.Dispatcher.DispatchController, status: number, headers: ResponseHeaders): void {
    // A kilobyte that would be kept for as long as the answer lasts.
    controller.rawHeaders = null
    if (this.phase !== "asking") return
    if (status < 200) {
      if (++this.informational > maxInformational) this.refuse("the agent sent responses without an answer")
      return
    }
    this.status = status
    if (status > 299) {
      this.readRefusal(headers)
      return
    }
    // From here on the request is not needed: it may hold a long history.
    this.retry = undefined
    const kind = bodyKind(headers)
    if (kind === "stream") this.accept()
    else if (kind === "sniff") this.phase = "sniffing"
    else this.refuse("the agent answered something that is no event stream")
  }

  onResponseData(controller: Undici.Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.phase === "sniffing") this.sniff(chunk)
    if (this.phase === "streaming") this.read(controller, chunk)
    else if (this.body !== undefined) this.collect(chunk)
    else if (this.phase === "finished") {
      this.collected += chunk.length
      if (this.collected > linger.bytes) this.abandon()
    }
  }

  onResponseEnd(): void {
    this.isResponseOver = true
    if (this.phase === "streaming") this.end()
    else if (this.phase === "whole") this.readWhole()
    else if (this.phase === "refused" && this.tryShorter()) return
    else if (this.phase === "sniffing") this.refuse("the agent answered with an empty body")
    this.settle()
  }

  onResponseError(_: unknown, error: Error): void {
    const code = SystemErrorCode.suffix(error)
    if (this.phase === "asking") this.refuse(`the agent could not be reached${code}`, SystemErrorCode.of(error))
    else if (this.phase === "streaming") this.fail(broken(`the connection to the agent broke${code}`))
    else if (this.phase === "refused") this.refuse(this.statusReason)
    else if (this.phase !== "finished" && this.phase !== "over") this.refuse(`the connection to the agent broke${code}`)
    this.settle()
  }

  private get statusReason(): string {
    return `the agent answered with status ${this.status}`
  }

  private get hasFinishReason(): boolean {
    return this.reader?.answer.finishReason !== undefined
  }

  /** How long the agent may be silent now. One that runs a tool of its own may say that it finished, and go on. */
  private patience(): number {
    const reason = this.reader?.answer.finishReason
    return reason === undefined || reason === "tool-calls" ? this.timeout : Math.min(finishGrace, this.timeout)
  }

  private readRefusal(headers: ResponseHeaders): void {
    const { status } = this
    if (status === 429 || status === 503 || status === 529) {
      const retryAfter = RetryAfter.seconds(header(headers, "retry-after"), header(headers, "date"))
      this.fail(new AgentBusy({ reason: this.statusReason, status, retryAfter }))
    } else if (this.retry === undefined || !ContextWindow.mayBeTooLong(status)) this.refuse(this.statusReason)
    else {
      this.phase = "refused"
      this.body = new ByteCollector(Number.POSITIVE_INFINITY)
    }
  }

  /** Asks once more if the refusal says that the request was too long. */
  private tryShorter(): boolean {
    const { body, retry, status } = this
    this.body = undefined
    this.retry = undefined
    if (retry === undefined || body === undefined || !ContextWindow.isTooLong(status, text(body))) {
      this.refuse(this.statusReason)
      return false
    }
    this.phase = "asking"
    this.since = this.alarms.now()
    this.informational = 0
    // Not at once: this is inside of undici's parser.
    queueMicrotask(() => {
      if (this.phase === "asking") retry()
    })
    return true
  }

  private accept(): void {
    this.phase = "streaming"
    this.reader = new AnswerReader(this.protocol)
    this.buffer.push([accepted])
  }

  /** JSON begins with a brace, after whitespace at most; an event stream does not. */
  private sniff(chunk: Buffer): void {
    const first = chunk.find((byte) => byte !== 0x20 && (byte < 0x09 || byte > 0x0d))
    if (first === 0x7b) {
      this.phase = "whole"
      this.body = new ByteCollector(Number.POSITIVE_INFINITY)
    } else if (first === 0x3c) this.refuse("the agent answered something that is no event stream")
    else if (first !== undefined) this.accept()
    else {
      this.collected += Math.max(chunk.length, pieceCost)
      if (this.collected > maxWhole) this.refuse("the agent answered with whitespace")
    }
  }

  private collect(chunk: Buffer): void {
    this.body?.add(chunk)
    this.collected += Math.max(chunk.length, pieceCost)
    if (this.phase === "refused" && this.collected > maxRefusal) this.refuse(this.statusReason)
    else if (this.collected > maxWhole) this.refuse("the agent answered without a stream, and over the bound")
  }

  private read(controller: Undici.Dispatcher.DispatchController, chunk: Buffer): void {
    const { reader } = this
    if (reader === undefined) return
    const { events, frames, lines } = reader.read(chunk)
    const { answer } = reader
    const now = this.alarms.now()
    if (frames > 0) this.since = now
    if (events.length > 0) this.buffer.push(events)
    this.inflow = AgentThrottle.take(this.inflow, now, { bytes: chunk.length, frames, lines, units: unitsOf(events) })
    if (answer.isDone || answer.fault !== undefined) this.end()
    else if (AgentThrottle.isOver(this.inflow)) this.fail(broken("the agent sent too much besides its text"))
    else {
      const wait = AgentThrottle.wait(this.inflow)
      if (wait > 0) {
        this.isThrottled = true
        this.alarms.set(this, now + wait)
      } else if (answer.finishReason !== undefined) this.alarms.set(this, now + this.patience())
      if (wait > 0 || this.buffer.isFull) controller.pause()
    }
  }

  /** Not at once: this may be inside of undici's parser, or of a deadline. */
  private resume(): void {
    queueMicrotask(() => {
      if (!this.isThrottled && !this.buffer.isFull) this.controller?.resume()
    })
  }

  private readWhole(): void {
    const body = Json.parse(text(this.body))
    const reader = new AnswerReader(this.protocol)
    if (!Json.isFields(body) || !this.protocol.readWhole(body, reader.answer)) {
      this.refuse("the agent answered JSON that is no answer of its protocol")
      return
    }
    this.accept()
    this.reader = reader
    this.end()
  }

  /** The answer ends: what comes after it is read only to free the connection. */
  private end(): void {
    const { reader } = this
    if (reader === undefined) return
    reader.readRest()
    const ending = reader.answer.end()
    this.buffer.push(reader.answer.take())
    if (Result.isSuccess(ending)) this.finish()
    else if (ending.failure._tag === "Fault") this.fail(broken(ending.failure.fault))
    else this.finish(new AgentEmpty({ finish: reader.answer.finishReason ?? "stop" }))
  }

  private finish(error?: AgentError): void {
    const isEnded = this.reader?.answer.isDone === true
    this.phase = "finished"
    this.collected = 0
    this.reader = undefined
    this.buffer.close(error)
    // An agent that does not end its answer will not end its response either.
    if (isEnded) this.alarms.set(this, this.alarms.now() + linger.millis)
    else this.abandon()
  }

  private refuse(reason: string, code?: string): void {
    this.fail(
      new AgentRefused({
        reason,
        ...(this.status === 0 ? {} : { status: this.status }),
        ...(code === undefined ? {} : { code })
      })
    )
  }

  private fail(error: AgentError): void {
    this.buffer.close(error)
    this.abandon()
  }

  /** Closes the connection, if there is one. */
  private abandon(): void {
    this.settle()
    if (!this.isResponseOver) this.controller?.abort(aborted)
  }

  private settle(): void {
    this.phase = "over"
    this.body = undefined
    this.reader = undefined
    this.retry = undefined
    this.alarms.cancel(this)
  }
}

const text = (body: ByteCollector | undefined): string => Buffer.from(body?.take() ?? []).toString("utf8")

const unitsOf = (events: ReadonlyArray<AgentEvent>): number => {
  let units = 0
  for (const event of events) if (event._tag === "Text" || event._tag === "Refusal") units += event.delta.length
  return units
}
