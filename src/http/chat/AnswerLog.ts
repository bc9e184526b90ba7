/**
 * The events of one running answer, written once and read by any number of readers, each at its own pace.
 *
 * @module
 */
import { Effect, Exit, Option, Scope } from "effect"
import type { AgentEvent } from "../../core/chat/Agent.ts"
import * as AnswerEnd from "../../core/chat/AnswerEnd.ts"
import * as AnswerPieces from "../../core/chat/AnswerPieces.ts"
import type { AnswerEnding } from "../../core/chat/Conversation.ts"
import { AgentBroken, type AgentError } from "../../services/chat/AgentStream.ts"
import type { EventSink, EventSource } from "./EventSource.ts"

type Events = ReadonlyArray<AgentEvent>
type End = Exit.Exit<void, AgentError>

/**
 * Pushes the events of a log into a sink, in the call that adds them. A fiber that waits for each event would take longer
 * than all else that a token costs.
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

  /** Pushes what the sink does not have yet, now or once it is empty. */
  deliver(): void {
    const { log, sink } = this
    if (this.position < log.length && !sink.isOver) {
      if (!sink.isEmpty) {
        this.wait()
        return
      }
      const events = log.since(this.position)
      this.position = log.length
      try {
        sink.push(events.length === 1 ? events : AnswerPieces.joinTexts(events))
      } catch (defect) {
        // It ends this reader alone.
        this.onEnd(Exit.die(defect))
        return
      }
    }
    if (sink.isOver) this.onEnd(Exit.void)
    else if (log.exit !== undefined) this.onEnd(log.exit)
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
  readonly #events: Array<AgentEvent> = []
  readonly #readers = new Set<Reader>()
  #holders = 0
  readonly #onReaders: (readers: number) => void

  /** @param onReaders called with the number of readers when it changes, until the log ends */
  constructor(onReaders: (readers: number) => void) {
    this.#onReaders = onReaders
  }

  /** How many events there are. */
  get length(): number {
    return this.#events.length
  }

  /** The events from a position on. */
  since(position: number): Events {
    return this.#events.slice(position)
  }

  push(events: Events): void {
    for (const event of events) this.#events.push(event)
    this.#deliver()
  }

  /** Ends the log: readers get the events before it, then the exit. The first end stays. */
  end(exit: End): void {
    this.exit ??= exit
    this.#deliver()
  }

  /** Ends the log of an answer that is stored with this ending. `fault` says why an answer failed. */
  endWith(ending: AnswerEnding, fault = `the answer ended as ${ending}`): void {
    const last = AnswerEnd.lastEvent(ending)
    if (Option.isSome(last)) this.#events.push(last.value)
    this.end(Option.isSome(last) ? Exit.void : Exit.fail(new AgentBroken({ reason: fault })))
  }

  /** Counts a reader as long as the scope is open. */
  readonly hold: Effect.Effect<void, never, Scope.Scope> = Effect.suspend(() => {
    this.#count(1)
    return Effect.addFinalizer(() => Effect.sync(() => this.#count(-1)))
  })

  /** All events from the first on, as they come. Each run of the source is a reader. */
  readonly read: EventSource = (sink, scope) =>
    Effect.andThen(
      Scope.provide(this.hold, scope),
      Effect.callback<void, AgentError>((resume) => {
        const reader = new Reader(this, sink, (end) => {
          this.#readers.delete(reader)
          resume(end)
        })
        this.#readers.add(reader)
        reader.deliver()
        return Effect.sync(() => this.#readers.delete(reader))
      })
    )

  hasReader(reader: Reader): boolean {
    return this.#readers.has(reader)
  }

  #deliver(): void {
    for (const reader of this.#readers) reader.deliver()
  }

  #count(change: number): void {
    this.#holders += change
    if (this.exit === undefined) this.#onReaders(this.#holders)
  }
}
