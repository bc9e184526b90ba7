/**
 * The events of one running answer, written once and read by any number of readers, each at its own pace.
 *
 * @module
 */
import { Effect, Exit, Option, Scope } from "effect"
import type { AgentEvent } from "../core/chat/agent/Agent.ts"
import * as AnswerEnd from "../core/chat/conversation/AnswerEnd.ts"
import type { AnswerEnding } from "../core/chat/conversation/Conversation.ts"
import { AgentBroken, type AgentError } from "../services/chat/AgentStream.ts"
import type { EventSink, EventSource } from "./EventSource.ts"

type Events = ReadonlyArray<AgentEvent>
type End = Exit.Exit<void, AgentError>

/**
 * Pushes the events of a log into a sink: in the call that adds them, or once the sink is empty. A fiber that waits for each
 * event would take longer than everything else that is done for a token.
 */
class Reader {
  private position = 0
  private isWaiting = false
  private readonly log: AnswerLog
  private readonly sink: EventSink
  private readonly onEnd: (end: End) => void

  constructor(log: AnswerLog, sink: EventSink, onEnd: (end: End) => void) {
    this.log = log
    this.sink = sink
    this.onEnd = onEnd
  }

  /** Handles events that the log has just added. */
  take(events: Events): void {
    if (this.position + events.length === this.log.length && this.sink.isEmpty && !this.sink.isOver) this.push(events)
    else this.deliver()
  }

  /** Pushes what the sink does not have yet, now or once the sink is empty. */
  deliver(): void {
    const { log, sink } = this
    if (this.position === log.length || sink.isOver) this.endIfDone()
    else if (sink.isEmpty) this.push(log.since(this.position))
    else this.wait()
  }

  private push(events: Events): void {
    this.position = this.log.length
    try {
      this.sink.push(events)
    } catch (defect) {
      // Ends this reader only, not the answer.
      this.onEnd(Exit.die(defect))
      return
    }
    this.endIfDone()
  }

  private endIfDone(): void {
    if (this.sink.isOver) this.onEnd(Exit.void)
    else if (this.log.exit !== undefined) this.onEnd(this.log.exit)
  }

  private wait(): void {
    if (this.isWaiting) return
    this.isWaiting = true
    this.sink.whenEmpty(() => {
      this.isWaiting = false
      if (this.log.hasReader(this)) this.deliver()
    })
  }
}

export class AnswerLog {
  /** How the answer ended; undefined while it runs. */
  exit: End | undefined
  /**
   * A text is held as its delta, because an answer has thousands of texts, and each object would survive until the old generation
   * is collected.
   */
  private readonly events: Array<AgentEvent | string> = []
  /** Replaced, never mutated: a reader may leave during an iteration over the others. */
  private readers: ReadonlyArray<Reader> = []
  private holders = 0
  private readonly onReaders: (readers: number) => void

  /** @param onReaders called with the number of readers when it changes, until the log ends */
  constructor(onReaders: (readers: number) => void) {
    this.onReaders = onReaders
  }

  /** How many events there are. */
  get length(): number {
    return this.events.length
  }

  /** The events from a position on, with adjacent texts joined. */
  since(position: number): Events {
    const events: Array<AgentEvent> = []
    let text = ""
    const endText = () => {
      if (text !== "") events.push({ _tag: "Text", delta: text })
      text = ""
    }
    for (let index = position; index < this.events.length; index++) {
      const event = this.events[index]!
      if (typeof event === "string") text += event
      else {
        endText()
        events.push(event)
      }
    }
    endText()
    return events
  }

  push(events: Events): void {
    for (const event of events) this.events.push(event._tag === "Text" ? event.delta : event)
    for (const reader of this.readers) reader.take(events)
  }

  /** Ends the log: readers get the events that they do not have yet, then the exit. Later calls have no effect. */
  end(exit: End): void {
    this.exit ??= exit
    for (const reader of this.readers) reader.deliver()
  }

  /** Ends the log of an answer that is stored with this ending. `fault` says why an answer failed. */
  endWith(ending: AnswerEnding, fault = `the answer ended as ${ending}`): void {
    const last = AnswerEnd.lastEvent(ending)
    if (Option.isSome(last)) this.events.push(last.value)
    this.end(Option.isSome(last) ? Exit.void : Exit.fail(new AgentBroken({ reason: fault })))
  }

  /** Counts a reader while the scope is open. The finalizer retains nothing of the reader's request. */
  hold(scope: Scope.Scope): Effect.Effect<void> {
    return Effect.uninterruptible(
      Effect.suspend(() => {
        this.count(1)
        return Scope.addFinalizer(
          scope,
          Effect.sync(() => this.count(-1))
        )
      })
    )
  }

  /** All events from the first on, as they arrive. Each run of the source is a reader. */
  readonly read: EventSource = (sink, scope) =>
    Effect.andThen(
      this.hold(scope),
      Effect.callback<void, AgentError>((resume) => {
        const reader = new Reader(this, sink, (end) => {
          this.remove(reader)
          resume(end)
        })
        this.readers = [...this.readers, reader]
        reader.deliver()
        return Effect.sync(() => this.remove(reader))
      })
    )

  hasReader(reader: Reader): boolean {
    return this.readers.includes(reader)
  }

  private remove(reader: Reader): void {
    this.readers = this.readers.filter((each) => each !== reader)
  }

  private count(change: number): void {
    this.holders += change
    if (this.exit === undefined) this.onReaders(this.holders)
  }
}
