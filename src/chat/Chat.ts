/**
 * One chat between an agent and a visitor: the frames that the socket has not taken yet, and the reasons that end the
 * stream. One object that a fiber writes and the socket reads, so that an idle chat uses little memory.
 *
 * @module
 */
import { Cause, Effect, type Fiber } from "effect"
import type { AgentEvent } from "../core/chat/agent/Agent.ts"
import * as ChatStream from "../core/chat/stream/ChatStream.ts"
import type { ChatEnd } from "../core/metrics/Metrics.ts"
import { type AgentRefusal, AgentRefused } from "../services/chat/AgentStream.ts"
import type { EventSink } from "./EventSource.ts"
import type { OpenChat, OpenChats } from "./OpenChats.ts"

export interface Options {
  readonly dialect: ChatStream.Dialect
  readonly messageId: string
  /** The time without a frame after which a comment is sent, in milliseconds. */
  readonly heartbeat: number
  /** How long the visitor may take to read pending frames, the last ones included, in milliseconds. */
  readonly readTimeout: number
  /** The maximum duration of the stream from its first frame, in milliseconds. */
  readonly maxDuration: number
  /** The maximum length of the agent's text, in bytes of UTF-8. */
  readonly maxBytes: number
  /** Whether to measure the agent: its tokens, the time to the first, and its failure. */
  readonly isMeasured: boolean
}

/** The connection that carries a chat to its visitor. */
export interface ChatSink {
  readonly destroyed: boolean
  readonly destroy: () => void
}

type Refusal = AgentRefusal
type OnFrames = (text: string | undefined) => void

export class Chat implements OpenChat, EventSink {
  due = 0
  heapIndex = -1
  /** The fiber that reads the agent's events. */
  readerFiber: Fiber.Fiber<unknown, unknown> | undefined
  private state: ChatStream.State
  /** The frames that the socket has not taken yet. */
  private pending = ""
  private isClosed = false
  /** When the socket last took frames, or the stream began. */
  private takenAt = 0
  /** When the request was sent to the agent; undefined after the first text. */
  private sentAt: number | undefined
  /** When the stream has lasted for the maximum duration; infinite before its first frame. */
  private endsAt = Number.POSITIVE_INFINITY
  /** Resumes the fiber that waits in `opened`. */
  private resumeOpened: ((opening: Effect.Effect<void, Refusal>) => void) | undefined
  private onFrames: OnFrames | undefined
  private onEmpty: (() => void) | undefined
  /** The result of `opened`; undefined until the agent accepts or refuses. */
  private opening: Effect.Effect<void, Refusal> | undefined
  /** Whether the agent has accepted the message. */
  isAccepted = false
  readonly openChats: OpenChats
  private sink: ChatSink | undefined
  private readonly heartbeat: number
  private readonly readTimeout: number
  private readonly maxDuration: number
  readonly isMeasured: boolean

  constructor(openChats: OpenChats, options: Options) {
    this.openChats = openChats
    this.heartbeat = options.heartbeat
    this.readTimeout = options.readTimeout
    this.maxDuration = options.maxDuration
    this.isMeasured = options.isMeasured
    this.state = ChatStream.initial(options)
    this.sentAt = openChats.scheduler.now()
    openChats.add(this)
  }

  /** Waits until the agent accepts the message, or refuses it. */
  opened(): Effect.Effect<void, Refusal> {
    return Effect.callback((resume) => {
      if (this.opening === undefined) this.resumeOpened = resume
      else resume(this.opening)
    })
  }

  /** Calls back once the socket has taken all frames. */
  whenEmpty(callback: () => void): void {
    if (this.pending === "") callback()
    else this.onEmpty = callback
  }

  /** Passes the pending frames to `onFrames` as soon as there are any; undefined after the last. One call at a time. */
  next(onFrames: OnFrames): void {
    if (this.pending !== "") onFrames(this.takePending())
    else if (this.isClosed) onFrames(undefined)
    else this.onFrames = onFrames
  }

  /** Sets the sink. It is destroyed if it does not take pending frames in time. Call `detach` when it has finished or closed. */
  attach(sink: ChatSink): void {
    this.sink = sink
    if (this.isClosed) this.armCloseTimeout()
  }

  /** Call when the visitor has received everything, or has left. */
  detach(): void {
    this.sink = undefined
    this.openChats.remove(this)
  }

  /** Whether no frame is pending. */
  get isEmpty(): boolean {
    return this.pending === ""
  }

  /** Whether the agent need not be read any further. */
  get isOver(): boolean {
    return this.isClosed || ChatStream.isEnded(this.state)
  }

  get failure(): ChatStream.Failure | null {
    return this.state.failure
  }

  /** The state of the stream. */
  get current(): ChatStream.State {
    return this.state
  }

  /** Writes the agent's events. The first event opens the chat. */
  push(events: Iterable<AgentEvent>): void {
    const isFirst = this.opening === undefined
    if (isFirst) {
      this.takenAt = this.openChats.scheduler.now()
      this.endsAt = this.takenAt + this.maxDuration
      this.openChats.scheduler.set(this, this.nextDeadline(this.takenAt))
    }
    if (this.isMeasured) this.countTokens(events)
    this.write(events)
    if (isFirst) {
      this.isAccepted = true
      this.open(Effect.void)
    }
  }

  /** Fails `opened`, because the agent did not accept the message. Does nothing if the agent has accepted. */
  refuse(cause: Cause.Cause<Refusal>): void {
    if (this.opening === undefined) this.open(Effect.failCause(cause))
  }

  /** Ends the stream with the frames of a failure. */
  fail(failure: ChatStream.Failure): void {
    this.write([{ _tag: "Failed", failure }])
    this.close()
  }

  /** Ends writing. Pending frames can still be read for `readTimeout`. */
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    if (Number.isFinite(this.endsAt)) this.openChats.metrics.ended(this.endReason)
    this.openChats.remove(this)
    if (this.sink?.destroyed === false) this.armCloseTimeout()
    if (this.pending === "") this.passFrames(undefined)
  }

  onDeadline(now: number): number | undefined {
    // The visitor has not read the last frames in time.
    if (this.isClosed) return this.cut()
    if (now >= this.endsAt) {
      this.stop("too-long")
      return undefined
    }
    if (this.pending !== "" && now - this.takenAt >= this.readTimeout) {
      this.stop("unread")
      return this.cut()
    }
    // No heartbeat while data is pending.
    if (now - this.takenAt >= this.heartbeat && this.pending === "") this.put(ChatStream.comment)
    return this.nextDeadline(now)
  }

  cutAtGraceEnd(): void {
    if (this.isAccepted) {
      this.stop("shutting-down")
      return
    }
    this.refuse(Cause.fail(new AgentRefused({ reason: "the service is shutting down" })))
    this.close()
    this.readerFiber?.interruptUnsafe()
  }

  private nextDeadline(now: number): number {
    const due = this.takenAt + (this.pending === "" ? this.heartbeat : this.readTimeout)
    return Math.min(due, now + this.readTimeout, this.endsAt)
  }

  private armCloseTimeout(): void {
    const { scheduler } = this.openChats
    scheduler.set(this, scheduler.now() + this.readTimeout)
  }

  private cut(): undefined {
    const { sink } = this
    this.detach()
    sink?.destroy()
  }

  /** Ends the stream because of a limit of the edge or its shutdown, and interrupts the agent. */
  private stop(failure: ChatStream.Failure): void {
    if (this.isOver) return
    this.fail(failure)
    this.readerFiber?.interruptUnsafe()
  }

  private get endReason(): ChatEnd {
    return this.failure ?? (ChatStream.isEnded(this.state) ? "finished" : "left")
  }

  private countTokens(events: Iterable<AgentEvent>): void {
    let tokens = 0
    for (const event of events) if (event._tag === "Text") tokens++
    if (tokens === 0) return
    const { scheduler, metrics } = this.openChats
    metrics.tokens(tokens)
    if (this.sentAt !== undefined) metrics.firstToken(scheduler.now() - this.sentAt)
    this.sentAt = undefined
  }

  private open(opening: Effect.Effect<void, Refusal>): void {
    this.opening = opening
    this.resumeOpened?.(opening)
    this.resumeOpened = undefined
  }

  private write(events: Iterable<ChatStream.Event>): void {
    const [state, frames] = ChatStream.encodeAll(this.state, events)
    this.state = state
    this.put(frames)
  }

  private put(text: string): void {
    if (this.isClosed) return
    this.pending += text
    if (this.pending !== "" && this.onFrames !== undefined) this.passFrames(this.takePending())
  }

  private passFrames(text: string | undefined): void {
    const { onFrames } = this
    this.onFrames = undefined
    onFrames?.(text)
  }

  private takePending(): string {
    const text = this.pending
    this.pending = ""
    this.takenAt = this.openChats.scheduler.now()
    const { onEmpty } = this
    this.onEmpty = undefined
    // The writer continues once the socket has these frames.
    if (onEmpty !== undefined) queueMicrotask(onEmpty)
    return text
  }
}
