/**
 * One chat between an agent and a visitor: what is written and not yet taken by the socket, and what ends it. It is one
 * object, written by one fiber and read by another, so that an idle chat holds little else.
 *
 * @module
 */
import { Cause, Effect, type Fiber } from "effect"
import type { AgentEvent } from "../../core/chat/Agent.ts"
import * as ChatStream from "../../core/chat/ChatStream.ts"
import type { ChatEnd } from "../../core/metrics/Metrics.ts"
import { type AgentRefusal, AgentRefused } from "../../services/chat/AgentStream.ts"
import type { OpenChat, OpenChats } from "./OpenChats.ts"

export interface Options {
  readonly conversationId: string
  readonly messageId: string
  /** Whether the edge keeps the conversation. */
  readonly memory: boolean
  /** After this time without a frame a comment is sent. In milliseconds. */
  readonly heartbeat: number
  /** How long the visitor may take to read what was said, the last words too. In milliseconds. */
  readonly patience: number
  /** The longest that the stream lasts from its first frame. In milliseconds. */
  readonly maxDuration: number
  /** The most that the agent may say, in bytes of UTF-8. */
  readonly maxBytes: number
}

/** What brings a chat to its visitor, if that can be cut off. */
export interface ChatSink {
  readonly destroyed: boolean
  readonly destroy: () => void
}

type Refusal = AgentRefusal
type Taker = (text: string | undefined) => void

export class Chat implements OpenChat {
  due = 0
  heapIndex = -1
  /** The fiber that asks the agent. */
  asker: Fiber.Fiber<unknown, unknown> | undefined
  private state: ChatStream.State
  private text = ""
  private isClosed = false
  private takenAt = 0
  /** When the agent was asked; undefined after its first text. */
  private askedAt: number | undefined
  private until = Number.POSITIVE_INFINITY
  private opener: ((opened: Effect.Effect<void, Refusal>) => void) | undefined
  private taker: Taker | undefined
  private waiter: ((emptied: Effect.Effect<void>) => void) | undefined
  private opening: Effect.Effect<void, Refusal> | undefined
  readonly watch: OpenChats
  private outlet: ChatSink | undefined
  private readonly heartbeat: number
  private readonly patience: number
  private readonly maxDuration: number

  constructor(watch: OpenChats, options: Options) {
    this.watch = watch
    this.heartbeat = options.heartbeat
    this.patience = options.patience
    this.maxDuration = options.maxDuration
    this.state = ChatStream.initial(options)
    this.askedAt = watch.alarms.now()
    watch.add(this)
  }

  /** Waits until the agent accepts, or does not. */
  opened(): Effect.Effect<void, Refusal> {
    return Effect.callback((resume) => {
      if (this.opening === undefined) this.opener = resume
      else resume(this.opening)
    })
  }

  /** Waits until the socket took everything. For the writer. */
  emptied(): Effect.Effect<void> {
    return Effect.callback((resume) => {
      if (this.text === "") resume(Effect.void)
      else this.waiter = resume
    })
  }

  /** Gives what is there, as soon as there is something; undefined after the last. For the socket, once at a time. */
  next(taker: Taker): void {
    if (this.text !== "") taker(this.taken())
    else if (this.isClosed) taker(undefined)
    else this.taker = taker
  }

  /** Has an outlet cut that does not take what was said in time. `left` must be called when it is done, or gone. */
  attach(outlet: ChatSink): void {
    this.outlet = outlet
    if (this.isClosed) this.armCloseTimeout()
  }

  /** The visitor has everything, or has gone. */
  left(): void {
    this.outlet = undefined
    this.watch.remove(this)
  }

  /** Whether the socket took everything. */
  get isEmpty(): boolean {
    return this.text === ""
  }

  /** Whether the agent has accepted, or has refused. */
  get isAccepted(): boolean {
    return this.opening !== undefined
  }

  /** Whether nothing is to be asked of the agent any more. */
  get isOver(): boolean {
    return this.isClosed || ChatStream.isEnded(this.state)
  }

  get failure(): ChatStream.Failure | null {
    return this.state.failure
  }

  /** Writes what the agent said. Its first word opens the chat. */
  push(events: Iterable<AgentEvent>): void {
    if (!this.isAccepted) {
      this.takenAt = this.watch.alarms.now()
      this.until = this.takenAt + this.maxDuration
      this.watch.alarms.set(this, this.nextLook(this.takenAt))
    }
    this.countTokens(events)
    this.write(events)
    if (!this.isAccepted) this.open(Effect.void)
  }

  /** The agent does not accept. */
  refuse(cause: Cause.Cause<Refusal>): void {
    if (!this.isAccepted) this.open(Effect.failCause(cause))
  }

  /** Ends the stream with the frames of a failure. */
  fail(failure: ChatStream.Failure): void {
    this.write([{ _tag: "Failed", failure }])
    this.close()
  }

  /** Nothing is written any more; what is there is still taken, in a time that is bounded as well. */
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    // Infinite: the stream has not begun.
    if (Number.isFinite(this.until)) this.watch.metrics.ended(this.endReason)
    this.watch.remove(this)
    if (this.outlet?.destroyed === false) this.armCloseTimeout()
    if (this.text === "") this.wakeTaker(undefined)
  }

  onDeadline(now: number): number | undefined {
    // The visitor has not read the last frames in time.
    if (this.isClosed) return this.cut()
    if (now >= this.until) {
      this.stop("too-long")
      return undefined
    }
    if (this.text !== "" && now - this.takenAt >= this.patience) {
      this.stop("unread")
      return this.cut()
    }
    // No heartbeat while data is pending.
    if (now - this.takenAt >= this.heartbeat && this.text === "") this.put(ChatStream.comment)
    return this.nextLook(now)
  }

  drain(): void {
    if (this.isAccepted) {
      this.stop("shutting-down")
      return
    }
    this.refuse(Cause.fail(new AgentRefused({ reason: "the service is shutting down" })))
    this.close()
    this.asker?.interruptUnsafe()
  }

  private nextLook(now: number): number {
    const due = this.takenAt + (this.text === "" ? this.heartbeat : this.patience)
    return Math.min(due, now + this.patience, this.until)
  }

  private armCloseTimeout(): void {
    const { alarms } = this.watch
    alarms.set(this, alarms.now() + this.patience)
  }

  private cut(): undefined {
    const { outlet } = this
    this.left()
    outlet?.destroy()
  }

  /** We end it ourselves. */
  private stop(failure: ChatStream.Failure): void {
    if (this.isOver) return
    this.fail(failure)
    this.asker?.interruptUnsafe()
  }

  private get endReason(): ChatEnd {
    return this.failure ?? (ChatStream.isEnded(this.state) ? "finished" : "left")
  }

  private countTokens(events: Iterable<AgentEvent>): void {
    let tokens = 0
    for (const event of events) if (event._tag === "Text") tokens++
    if (tokens === 0) return
    const { alarms, metrics } = this.watch
    metrics.tokens(tokens)
    if (this.askedAt !== undefined) metrics.firstToken(alarms.now() - this.askedAt)
    this.askedAt = undefined
  }

  private open(opening: Effect.Effect<void, Refusal>): void {
    this.opening = opening
    this.opener?.(opening)
    this.opener = undefined
  }

  private write(events: Iterable<ChatStream.Event>): void {
    const [state, frames] = ChatStream.encodeAll(this.state, events)
    this.state = state
    this.put(frames)
  }

  private put(text: string): void {
    if (this.isClosed) return
    this.text += text
    if (this.text !== "" && this.taker !== undefined) this.wakeTaker(this.taken())
  }

  private wakeTaker(text: string | undefined): void {
    const { taker } = this
    this.taker = undefined
    taker?.(text)
  }

  private taken(): string {
    const { text } = this
    this.text = ""
    this.takenAt = this.watch.alarms.now()
    const { waiter } = this
    this.waiter = undefined
    // The writer goes on when the socket has what is taken here.
    if (waiter !== undefined) queueMicrotask(() => waiter(Effect.void))
    return text
  }
}
