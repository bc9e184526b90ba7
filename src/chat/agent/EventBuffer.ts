/**
 * The events of an answer between the agent's response, which pushes them, and one reader, which pulls them.
 *
 * @module
 */
import { Array as Arr, Cause, Effect, type Pull } from "effect"
import type { AgentEvent } from "../../core/chat/agent/Agent.ts"
import type { AgentError } from "../../services/chat/AgentStream.ts"

type Events = Arr.NonEmptyReadonlyArray<AgentEvent>
export type EventPull = Pull.Pull<Events, AgentError>

/** The agent is paused while the sum of the costs of the buffered events exceeds this. */
const maxSize = 16 * 1024

/** The cost of an event with text, besides 1 for each UTF-16 unit. An event without text costs eight times as much. */
const eventCost = 16

const costOf = (event: AgentEvent): number =>
  event._tag === "Text" || event._tag === "Reasoning" || event._tag === "Refusal"
    ? event.delta.length + eventCost
    : 8 * eventCost

/** The callbacks by which the buffer notifies the agent's response. */
export interface Producer {
  /** The reader begins to wait for the agent. */
  readonly onWait: () => void
  /** The reader has taken all buffered events. */
  readonly onTaken: () => void
}

export class EventBuffer {
  private events: Array<AgentEvent> = []
  private size = 0
  /** How the stream ends, once the reader has taken everything. */
  private end: EventPull | undefined
  private waiter: ((events: EventPull) => void) | undefined
  private isWaking = false
  private readonly producer: Producer

  constructor(producer: Producer) {
    this.producer = producer
  }

  /** Waits for the next events. One reader at a time. */
  readonly pull: EventPull = Effect.callback<Events, AgentError | Cause.Done>((resume) => {
    const next = this.next()
    if (next !== undefined) return resume(next)
    this.waiter = resume
    this.producer.onWait()
    return this.stopWaiting
  })

  private readonly stopWaiting = Effect.sync(() => {
    this.waiter = undefined
  })

  get isFull(): boolean {
    return this.size > maxSize
  }

  get hasWaiter(): boolean {
    return this.waiter !== undefined
  }

  push(events: ReadonlyArray<AgentEvent>): void {
    for (const event of events) {
      this.events.push(event)
      this.size += costOf(event)
    }
    this.wake()
  }

  /** Ends the stream. Only the first call counts. */
  close(error?: AgentError): void {
    this.end ??= error === undefined ? Cause.done() : Effect.fail(error)
    this.wake()
  }

  /** Drops the buffered events. */
  clear(): void {
    this.events = []
    this.size = 0
  }

  private next(): EventPull | undefined {
    const { events } = this
    if (!Arr.isArrayNonEmpty(events)) return this.end
    this.clear()
    this.producer.onTaken()
    return Effect.succeed(events)
  }

  /** Wakes the reader when the parser has read a whole packet, so that the reader gets the packet's events together. */
  private wake(): void {
    if (this.waiter === undefined || this.isWaking) return
    this.isWaking = true
    queueMicrotask(() => {
      this.isWaking = false
      const { waiter } = this
      const next = waiter === undefined ? undefined : this.next()
      if (waiter === undefined || next === undefined) return
      this.waiter = undefined
      waiter(next)
    })
  }
}
